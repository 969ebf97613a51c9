import Model

/// The processes of a tick, grouped by who belongs together.
///
/// A party is a process group: what one command started, however many workers it has. A process whose group nobody knows
/// is a party of its own. Parties are related when a process of one descends from a process of the other: what a build
/// tool's children do to it, it does to itself.
struct Parties: Sendable {
    let processes: [ProcessActivity]
    /// The party of each process, and the processes of each party, by position.
    let party: [Int]
    let members: [[Int]]
    private let positions: [Int32: Int]

    /// How far up descent is followed.
    private static let generations = 8

    init(_ processes: [ProcessActivity]) {
        var parties: [Int64: Int] = [:]
        var members: [[Int]] = []
        var party: [Int] = []
        party.reserveCapacity(processes.count)
        for (position, process) in processes.enumerated() {
            let group = process.processGroup != 0 ? process.processGroup : process.proc?.processGroup ?? 0
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
        positions = Dictionary(
            processes.enumerated().map { ($0.element.identity.pid, $0.offset) }, uniquingKeysWith: { _, last in last })
    }

    /// Where a process stands, or `nil` if it did nothing in this tick.
    func position(of identity: ProcessIdentity) -> Int? {
        positions[identity.pid].flatMap { processes[$0].identity == identity ? $0 : nil }
    }

    /// Whether two parties are one, or one descends from the other as far as the tick shows the line.
    func related(_ one: Int, _ other: Int) -> Bool {
        one == other || descends(one, from: other) || descends(other, from: one)
    }

    private func descends(_ one: Int, from other: Int) -> Bool {
        members[one].contains { position in
            var parent = processes[position].parent
            for _ in 0..<Self.generations {
                guard parent > 1, let next = positions[parent] else { return false }
                if party[next] == other { return true }
                parent = processes[next].parent
            }
            return false
        }
    }
}
