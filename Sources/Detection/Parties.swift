import Model

/// The processes of a tick, grouped by who belongs together.
///
/// A party is a process group: what one command started, however many workers it has, those included that lead sessions of
/// their own. A process whose group nobody knows is a party of its own. Parties are related when a process of one descends from a process of the other: what a build
/// tool's children do to it, it does to itself.
struct Parties: Sendable {
    let processes: [ProcessActivity]
    /// The party of each process, and the processes of each party, by position.
    let party: [Int]
    let members: [[Int]]
    private let positions: [Int32: Int]
    /// For each party, the processes outside it that its processes descend from, by position.
    private let ancestors: [[Int]]
    private let parents: [Int?]
    /// The parties of session leaders, such as shells.
    private let leaders: Set<Int>

    /// How far up descent is followed.
    private static let generations = 8

    init(_ processes: [ProcessActivity]) {
        let positions = Dictionary(
            processes.enumerated().map { ($0.element.identity.pid, $0.offset) }, uniquingKeysWith: { _, last in last })
        let parents = processes.map { $0.parent > 1 ? positions[$0.parent] : nil }
        var parties: [Int64: Int] = [:]
        var members: [[Int]] = []
        var party: [Int] = []
        party.reserveCapacity(processes.count)
        for (position, process) in processes.enumerated() {
            let group = process.group
            // A group's id is a pid, so processes without one are kept apart by negative numbers.
            let name = group > 0 && !process.isKernelThread ? Int64(group) : -1 - Int64(process.identity.pid)
            let index = parties[name, default: members.count]
            if index == members.count {
                parties[name] = index
                members.append([])
            }
            members[index].append(position)
            party.append(index)
        }
        self.processes = processes
        self.party = party
        self.members = members
        self.positions = positions
        leaders = Set(processes.indices.filter { processes[$0].leadsSession }.map { party[$0] })
        self.parents = parents
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
    /// the tick shows the line. Others of its own party need not be: a script may start the one that hurts the other.
    func isRelated(_ position: Int, to other: Int) -> Bool {
        party[position] == other || ancestors[other].contains(position)
            || line(above: position).contains { party[$0] == other }
    }

    func isRelated(_ position: Int, to suspect: Suspect) -> Bool {
        suspect.parties.contains { isRelated(position, to: $0) }
    }

    /// Whether whoever holds a lock, who may have done nothing in the tick, is of another program than who waits for it.
    func isOutside(_ wait: FileLockWait, of process: ProcessActivity) -> Bool {
        if wait.holder.pid == process.parent || wait.parent == process.identity.pid || wait.comm == process.comm
            || wait.processGroup != 0 && wait.processGroup == process.group
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

    /// What each process has started that is not of its party has of something, by position.
    func belowEach(_ amounts: [Double]) -> [Double] {
        var below = Array(repeating: 0.0, count: processes.count)
        for (party, above) in ancestors.enumerated() { for ancestor in above { below[ancestor] += amounts[party] } }
        return below
    }

    /// Whether a process and a party are related, or jobs of the same parent, as with a build tool that gives each job a group
    /// of its own. The jobs of a shell, which leads their session, are not: two commands of one terminal may hurt each other.
    func areKin(_ position: Int, _ other: Int) -> Bool {
        isRelated(position, to: other)
            || line(above: position).contains { !leaders.contains(party[$0]) && ancestors[other].contains($0) }
    }
}

extension ProcessActivity {
    /// The process group of what was started together, from whichever source knows it; 0 when none does.
    fileprivate var group: Int32 {
        let known = processGroup != 0 ? processGroup : proc?.processGroup ?? 0
        return workerOf != 0 ? workerOf : known
    }

    /// Whether it is in the group that leads its session: a shell, a daemon; not a daemon's worker.
    fileprivate var leadsSession: Bool { workerOf == 0 && group == session }
}
