import Foundation
import Model

extension Action {
    /// Whichever knob weighs the party against its victims: a cgroup's weight where there is the controller, else the
    /// autogroup's between sessions and the nice value inside of one.
    func lowerPriority(_ nice: String, _ target: Target, _ ground: Ground) throws(Inapplicable) -> [Step] {
        if let hierarchy = ground.cpu, hierarchy.version == 1 || hierarchy.delegated.contains("cpu") {
            return try lowerWeight(nice, target, hierarchy)
        }
        let members = target.party.members
        let weighed = Dictionary(grouping: members.filter { $0.autogroup != nil }, by: \.autogroup)
        let awaited = Set(target.victims.members.map(\.autogroup))
        if ground.hasAutogroups, !awaited.isEmpty, awaited.isDisjoint(with: weighed.keys) {
            if let mate = target.sessionMate {
                throw Inapplicable("\(mate) is in its session, which is weighed as a whole")
            }
            let autogroups = weighed.values.compactMap(\.first).sorted { $0.process.pid < $1.process.pid }
                .compactMap { member in member.autogroup.map { Setting.autogroup(member.process, id: $0) } }
            return autogroups.map { .set($0, nice) } + each(members.filter { $0.autogroup == nil }, nice)
        }
        guard !ground.hasAutogroups || awaited.isSubset(of: weighed.keys) else {
            throw Inapplicable("some victims are in its session and some are not: no one weight counts for all")
        }
        return each(members, nice)
    }

    private func each(_ members: [Party.Member], _ nice: String) -> [Step] {
        Party(members: members).threads.map { .set(.nice($0), nice) }
    }

    /// A cgroup of their own with little weight, at the level where the victims are weighed. Whatever they fork is in it, too.
    ///
    /// Since 5.15 a group can be idle: whoever else wakes up takes the CPU from it at once, where a low weight alone lets it
    /// finish its slice first (EEVDF: about 3 ms).
    private func lowerWeight(
        _ nice: String, _ target: Target, _ hierarchy: Ground.Hierarchy
    ) throws(Inapplicable) -> [Step] {
        if hierarchy.version == 1 {
            let outside = target.victims.members.compactMap(\.cpuGroup).first { victim in
                !target.party.members.allSatisfy { member in
                    member.cpuGroup.map { victim == $0 || victim.hasPrefix($0 + "/") || $0.hasSuffix(group(in: "")) }
                        ?? false
                }
            }
            if let outside {
                throw Inapplicable(
                    "its CPU cgroup is weighed as a whole against \(outside): what is below it does not count")
            }
        }
        let nice = Int(nice) ?? 19
        let steps = try joining("cpu", hierarchy, target, \.cpuGroup) { group in
            if nice == 19, hierarchy.hasIdleGroups { return [.set(.file("\(group)/cpu.idle"), "1")] }
            // Each step of nice is a quarter more or less, as between threads.
            let share = pow(1.25, -Double(nice))
            return hierarchy.version == 1
                ? [.set(.file("\(group)/cpu.shares"), String(max(2, Int(1024 * share))))]
                : [.set(.file("\(group)/cpu.weight"), String(max(1, Int(100 * share))))]
        }
        guard hierarchy.version == 2 else { return steps }
        // A weight counts among the groups that have one parent.
        let parents = steps.compactMap { step -> String? in
            guard case .set(.file(let file), _) = step else { return nil }
            return Self.above(Self.above(file))
        }
        let outside = target.victims.members.compactMap(\.cpuGroup).first { victim in
            !parents.allSatisfy { victim.hasPrefix($0 + "/") || victim == $0 && $0 == hierarchy.mount }
        }
        if let outside { throw Inapplicable("\(outside) is weighed elsewhere than its cgroup") }
        return steps
    }

    /// The directory that a path is in.
    private static func above(_ path: String) -> String {
        String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
    }

    /// A cgroup of their own, below the one they are in, with a quota.
    func throttleCPU(_ limit: String, _ target: Target, _ ground: Ground) throws(Inapplicable) -> [Step] {
        let hierarchy = try room("cpu", ground.cpu)
        let quota = (Int(limit) ?? 100) * 1000
        return try joining("cpu", hierarchy, target, \.cpuGroup) { group in
            hierarchy.version == 1
                ? [.set(.file("\(group)/cpu.cfs_quota_us"), String(quota))]
                : [.set(.file("\(group)/cpu.max"), "\(quota) 100000")]
        }
    }

    func setAffinity(_ text: String, _ party: Party, _ ground: Ground) throws(Inapplicable) -> [Step] {
        guard ground.cores > 1 else { throw Inapplicable("there is one CPU: others cannot have another one") }
        guard let set = CPUSet(text), let last = set.cpus.last, last < ground.cores else {
            throw Inapplicable("this host has the CPUs 0 to \(ground.cores - 1)")
        }
        guard set.cpus.count < ground.cores else { throw Inapplicable("these are all CPUs of this host") }
        return party.members.flatMap { member in
            member.threads.map { .set(.affinity(ThreadIdentity(process: member.process, tid: $0)), set.description) }
        }
    }

    /// The hierarchy in which a group can be made.
    func room(_ controller: String, _ hierarchy: Ground.Hierarchy?) throws(Inapplicable) -> Ground.Hierarchy {
        guard let hierarchy else { throw Inapplicable("no cgroup hierarchy here has the \(controller) controller") }
        guard hierarchy.version == 1 || hierarchy.delegated.contains(controller) else {
            throw Inapplicable(
                "the root cgroup does not hand the \(controller) controller down (cgroup.subtree_control)")
        }
        return hierarchy
    }

    /// Groups with limits, and the members' way into them. Version 1 has them below the group that each is in, whose own limits
    /// go on to hold.
    func joining(
        _ controller: String, _ hierarchy: Ground.Hierarchy, _ target: Target,
        _ group: (Party.Member) -> String?, limits: (_ group: String) -> [Step]
    ) throws(Inapplicable) -> [Step] {
        var steps: [Step] = []
        var made: Set<String> = []
        for member in target.party.members {
            guard let directory = group(member) else {
                throw Inapplicable("\(member.comm) is in no \(controller) cgroup")
            }
            let group: String
            if directory.hasSuffix(self.group(in: "")) {
                // Another action's group, or one that its parent joined before: what is limited is that.
                group = directory
            } else if hierarchy.version == 1 {
                group = self.group(in: directory)
            } else {
                group = try groupOfVersion2(controller, hierarchy, target, directory, member)
            }
            let isNew = group != directory
            if made.insert(group).inserted {
                if isNew { steps.append(.set(.group(group), "yes")) }
                steps += limits(group)
            }
            if isNew { steps.append(.set(.membership(member.process, controller: controller), group)) }
        }
        return steps
    }

    /// Version 2 lets no group hold both processes and groups with controllers, and who leaves a group leaves all its limits. So
    /// it is the party's own group where it has one, and else one beside that.
    private func groupOfVersion2(
        _ controller: String, _ hierarchy: Ground.Hierarchy, _ target: Target, _ directory: String,
        _ member: Party.Member
    ) throws(Inapplicable) -> String {
        if directory == hierarchy.mount { return group(in: directory) }
        guard let home = target.groups[directory], home.controllers.contains(controller) else {
            throw Inapplicable("\(member.comm)'s cgroup does not have the \(controller) controller")
        }
        if !home.isShared {
            // A limit of somebody else's is not to be loosened.
            if home.limits.contains("\(controller).max") {
                throw Inapplicable("\(member.comm)'s cgroup has a limit of its own (\(controller).max)")
            }
            return directory
        }
        guard home.limits.isEmpty else {
            throw Inapplicable("\(member.comm) shares a cgroup that has limits, which one beside it would not have")
        }
        return group(in: Self.above(directory))
    }
}
