import Model

/// The processes of a tick, grouped by who belongs together.
///
/// A party is what one command started, however many workers it has: a process group, or several of one session where a
/// build tool gives each of its jobs a group. (The jobs of a shell are not together: their parent leads the session.) A
/// process whose group nobody knows is a party of its own. Parties are related when a process of one descends from a
/// process of the other: what a supervisor's children do to it, it does to itself.
struct Parties: Sendable {
    let processes: [ProcessActivity]
    /// The party of each process, and the processes of each party, by position.
    let party: [Int]
    let members: [[Int]]
    private let positions: [Int32: Int]
    /// For each party, the other parties that its processes descend from.
    private let ancestors: [[Int]]

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
            let group = processes[Self.head(of: position, processes, parents)].group
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
        ancestors = members.indices.map { index in
            members[index].reduce(into: []) { found, position in
                var next = parents[position]
                for _ in 0..<Self.generations {
                    guard let ancestor = next else { return }
                    let other = party[ancestor]
                    if other != index, !found.contains(other) { found.append(other) }
                    next = parents[ancestor]
                }
            }
        }
    }

    /// Up from a process to the one that started its command: through parents of the same session that do not lead it.
    private static func head(of position: Int, _ processes: [ProcessActivity], _ parents: [Int?]) -> Int {
        var head = position
        for _ in 0..<generations {
            guard let parent = parents[head], processes[head].session > 0,
                processes[parent].session == processes[head].session,
                processes[parent].group != processes[parent].session
            else { break }
            head = parent
        }
        return head
    }

    /// Where a process stands, or `nil` if it did nothing in this tick.
    func position(of identity: ProcessIdentity) -> Int? {
        positions[identity.pid].flatMap { processes[$0].identity == identity ? $0 : nil }
    }

    /// Whether two parties are one, or one descends from the other as far as the tick shows the line.
    func related(_ one: Int, _ other: Int) -> Bool {
        one == other || ancestors[one].contains(other) || ancestors[other].contains(one)
    }
}

extension ProcessActivity {
    /// The process group, from whichever source knows it; 0 when none does.
    fileprivate var group: Int32 { processGroup != 0 ? processGroup : proc?.processGroup ?? 0 }
}
