import Model

/// The processes of a tick, grouped by who belongs together.
///
/// A party is a process group: what one command started, however many workers it has, those included that lead sessions of
/// their own. A process whose group nobody knows is a party of its own. Parties are related when a process of one descends from a process of the other: what a build
/// tool's children do to it, it does to itself.
struct Parties: Sendable {
    let processes: [ProcessActivity]
    /// The party of each process, by position. After those of the tick come the ones that they descend from and that did
    /// nothing in it: what follows them, they follow too.
    let party: [Int]
    /// The processes of each party, by position.
    let members: [[Int]]
    private let positions: [Int32: Int]
    private let origins: [Lineage.Origin]
    private let parents: [Int?]
    /// For each party, the processes outside it that its processes descend from, by position.
    private let ancestors: [[Int]]
    /// Those whose children are commands of their own, by position: a script's shell is one, the build tool in its group is not.
    private let shells: Set<Int>

    /// How far up descent is followed.
    private static let generations = 8

    init(_ processes: [ProcessActivity], _ lineage: Lineage = Lineage()) {
        positions = Dictionary(
            processes.enumerated().map { ($0.element.identity.pid, $0.offset) }, uniquingKeysWith: { _, last in last })
        var all = positions
        let origins = Self.origins(of: processes, lineage, &all)
        let parents = origins.map { origin -> Int? in
            guard origin.parent > 1, let parent = all[origin.parent] else { return nil }
            // Else another process has got the parent's pid.
            return origins[parent].startTicks <= origin.startTicks ? parent : nil
        }
        var parties: [Int64: Int] = [:]
        var members: [[Int]] = []
        let party = origins.enumerated().map { position, origin in
            // A group's id is a pid, so processes without one are kept apart by negative numbers.
            let name = origin.group > 0 ? Int64(origin.group) : -1 - Int64(origin.pid)
            let index = parties[name, default: parties.count]
            parties[name] = index
            if position < processes.count {
                if index == members.count { members.append([]) }
                members[index].append(position)
            }
            return index
        }
        self.processes = processes
        self.party = party
        self.members = members
        self.origins = origins
        self.parents = parents
        shells = Set(origins.indices.filter { origins[$0].startsCommands })
        ancestors = members.indices.map { index in
            members[index].reduce(into: []) { found, position in
                var next = parents[position]
                for _ in 0..<Self.generations {
                    guard let ancestor = next else { return }
                    if party[ancestor] != index, !found.contains(ancestor) { found.append(ancestor) }
                    next = parents[ancestor]
                }
            }
        }
    }

    /// Where the processes of a tick come from, and after them whoever is known above them.
    private static func origins(
        of processes: [ProcessActivity], _ lineage: Lineage, _ positions: inout [Int32: Int]
    ) -> [Lineage.Origin] {
        var origins = processes.map(\.origin)
        var next = 0
        while next < origins.count {
            let parent = origins[next].parent
            if parent > 1, positions[parent] == nil, let known = lineage[parent] {
                positions[parent] = origins.count
                origins.append(known)
            }
            next += 1
        }
        return origins
    }

    /// Where a process stands, or `nil` if it did nothing in this tick.
    func position(of identity: ProcessIdentity) -> Int? {
        positions[identity.pid].flatMap { processes[$0].identity == identity ? $0 : nil }
    }

    func isKernelThread(_ identity: ProcessIdentity) -> Bool {
        position(of: identity).map { processes[$0].isKernelThread } ?? false
    }

    /// What has a pid, if it did anything in this tick.
    func process(_ pid: Int32) -> ProcessActivity? { positions[pid].map { processes[$0] } }

    /// Whether a process is of a party, descends from one of its processes, or is what one of them descends from, as far as
    /// the line is known. Others of its own party need not be: a script may start the one that hurts the other.
    func isRelated(_ position: Int, to other: Int) -> Bool { kinship(of: position, siblings: false)(other) }

    func isRelated(_ position: Int, to suspect: Suspect) -> Bool {
        suspect.parties.contains(where: kinship(of: position, siblings: false))
    }

    /// Whether whoever holds a lock, who may have done nothing in the tick, is of another program than who waits for it.
    func isOutside(_ wait: FileLockWait, of process: ProcessActivity) -> Bool {
        if wait.holder.pid == process.parent || wait.parent == process.identity.pid || wait.comm == process.comm
            || wait.processGroup != 0 && wait.processGroup == process.origin.group
        {
            return false
        }
        guard let position = position(of: process.identity), let holder = self.position(of: wait.holder) else {
            return true
        }
        return !isRelated(position, to: party[holder])
    }

    /// The processes that a process descends from, nearest first.
    private func line(above position: Int) -> [Int] {
        var line: [Int] = []
        var next = parents[position]
        while let ancestor = next, line.count < Self.generations {
            line.append(ancestor)
            next = parents[ancestor]
        }
        return line
    }

    /// Who started a party: the parent outside it; `nil` if that is init.
    func starter(of party: Int) -> Int32? {
        guard var first = members[party].first else { return nil }
        for _ in 0..<Self.generations {
            guard let parent = parents[first], self.party[parent] == party else { break }
            first = parent
        }
        return origins[first].parent > 1 ? origins[first].parent : nil
    }

    /// What each process has started that is not of its party has of something, by position.
    func belowEach(_ amounts: [Double]) -> [Double] {
        var below = Array(repeating: 0.0, count: processes.count)
        for (party, above) in ancestors.enumerated() {
            for ancestor in above where ancestor < below.count { below[ancestor] += amounts[party] }
        }
        return below
    }

    /// Says of parties whether a process is related to them or, with siblings, whether they are jobs of the same parent, as with
    /// a build tool that gives each job a group of its own. The jobs of a shell are not: two commands of one terminal may hurt
    /// each other. Who sleeps only connects: what else is in its group may have nothing to do with what it started.
    func kinship(of position: Int, siblings: Bool) -> (_ other: Int) -> Bool {
        let line = line(above: position)
        let above = line.filter { $0 < processes.count }.map { party[$0] }
        let shared = siblings ? line.filter { !shells.contains($0) } : []
        return { other in
            party[position] == other || ancestors[other].contains(position) || above.contains(other)
                || ancestors[other].contains { shared.contains($0) }
        }
    }
}
