import Glibc
import Model

/// Where changes are written down before they are made. `AgentJournal` of the store is one.
protocol ChangeJournal {
    /// Writes down what is about to be made, in one commit, and gives each its id.
    func intend(_ changes: [Change], decision: Int64) throws -> [Int64]
    func mark(_ ids: [Int64], _ state: ChangeState) throws
    func changes(of decision: Int64) throws -> [(id: Int64, change: Change, state: ChangeState)]
}

/// What became of a change.
public enum ChangeState: String, Sendable, Codable, CaseIterable {
    /// About to be made: after a kill it may be or not.
    case intended
    case made
    case undone
    /// Whom it was about has ended.
    case gone
    /// Somebody else has set it since: left alone.
    case overtaken

    var isStanding: Bool { self == .intended || self == .made }
}

/// EXECUTE: makes an action's changes, each written down before, and takes them back.
struct Execution {
    let host: Host
    let journal: any ChangeJournal
    /// Where the tests let the process die.
    var checkpoint: (String) throws -> Void = { _ in }

    /// Parties are looked for again until nobody new is found, as a fork storm's children come and go.
    private static let rounds = 10

    /// - Parameters:
    ///   - steps: What there is to do now; asked again after each round.
    ///   - limit: Rounds start before this.
    func perform(decision: Int64, until limit: ContinuousClock.Instant, steps: () throws -> [Step]) throws {
        var done: Set<Setting> = []
        var isChanged = false
        for round in 0..<Self.rounds {
            let all: [Step]
            do { all = try steps() } catch is Inapplicable where round > 0 {
                // What is so already: the round before made it so.
                break
            }
            let new = all.filter { step in
                if case .set(let setting, _) = step { return done.insert(setting).inserted }
                return true
            }
            if new.isEmpty { break }
            for stretch in stretches(new) {
                try check(limit)
                if try make(stretch, decision: decision, until: limit) { isChanged = true }
            }
            if new.contains(where: { if case .run = $0 { true } else { false } }) { return }
        }
        guard isChanged else { throw ExecutionFailure("there was nothing to change: it is so already") }
    }

    private func check(_ limit: ContinuousClock.Instant) throws {
        guard ContinuousClock.now < limit else { throw ExecutionFailure("the time limit ran out") }
    }

    /// What is in a group can only be read once the group is there.
    private func stretches(_ steps: [Step]) -> [[Step]] {
        steps.reduce(into: []) { stretches, step in
            if case .set(.group, _) = step {
                stretches += [[step], []]
            } else if stretches.isEmpty {
                stretches = [[step]]
            } else {
                stretches[stretches.count - 1].append(step)
            }
        }
    }

    /// Whether there was something to change.
    private func make(_ steps: [Step], decision: Int64, until limit: ContinuousClock.Instant) throws -> Bool {
        let changes = try steps.compactMap(change)
        guard changes.contains(where: { $0.before != $0.after }) else { return false }
        let ids = try journal.intend(changes, decision: decision)
        try checkpoint("intended")
        var outcomes: [ChangeState: [Int64]] = [:]
        for (id, change) in zip(ids, changes) {
            try check(limit)
            outcomes[try make(change), default: []].append(id)
            try checkpoint("made one")
        }
        for (state, ids) in outcomes { try journal.mark(ids, state) }
        try checkpoint("made")
        return true
    }

    /// What a step changes; `nil` for what is so already and for one that has ended. What cannot be taken back is done at once.
    private func change(_ step: Step) throws -> Change? {
        switch step {
        case .set(let setting, let value):
            guard let before = try unlessGone({ try host.value(of: setting) }) else { return nil }
            // Whoever has less already is not to get more.
            if setting.isLess(before, than: value) { return nil }
            // A thread that has the value already is written down too: it did not inherit it.
            return before != value || setting.thread != nil ? Change(setting, from: before, to: value) : nil
        case .run(let deed):
            try unlessGone { try host.run(deed) }
            return nil
        }
    }

    private func make(_ change: Change) throws -> ChangeState {
        if change.before == change.after { return .made }
        return try unlessGone { try host.make(change) } == nil ? .gone : .made
    }

    @discardableResult private func unlessGone<Result>(_ body: () throws -> Result) throws -> Result? {
        do { return try body() } catch HostError.gone { return nil }
    }

    /// Takes a decision's changes back, the last first. Returns what could not be.
    ///
    /// The host comes first, and one commit says so: until then the journal says `made`, and whoever looks again finds the value
    /// from before.
    func undo(decision: Int64) throws -> [String] {
        var failures: [String] = []
        var outcomes: [ChangeState: [Int64]] = [:]
        let all = try journal.changes(of: decision)
        let standing = all.filter(\.state.isStanding)
        for (id, change, _) in standing.reversed() {
            do {
                if case .group(let group) = change.setting { empty(group, all.map(\.change)) }
                outcomes[try takeBack(change), default: []].append(id)
            } catch HostError.gone, HostError.refused(_, ENOENT) {
                // A file of a group that is no more is gone with it.
                outcomes[.gone, default: []].append(id)
            } catch let error as HostError {
                failures.append("\(error)")
            }
            try checkpoint("undone one")
        }
        failures += takeBackInherited(standing.map(\.change))
        for (state, ids) in outcomes {
            do { try journal.mark(ids, state) } catch { failures.append("\(error)") }
        }
        return failures
    }

    /// Whoever was forked in a group since goes to where those came from that were moved into it.
    private func empty(_ group: String, _ changes: [Change]) {
        let came = changes.first { change in
            if case .membership = change.setting { change.after == group } else { false }
        }
        if let came { host.evacuate(group, to: came.before) }
    }

    private func takeBack(_ change: Change) throws -> ChangeState {
        let now = try host.value(of: change.setting)
        if now == change.before { return .undone }
        guard now == change.after else { return .overtaken }
        try host.takeBack(change)
        return .undone
    }

    /// Whoever was forked since has what its parent had then; any of the processes that were changed may have ended.
    private func takeBackInherited(_ changes: [Change]) -> [String] {
        guard let pattern = changes.first(where: { $0.setting.thread != nil && $0.before != $0.after }) else {
            return []
        }
        var failures: [String] = []
        let known = Set(changes.map(\.setting))
        let changed = Set(changes.compactMap(\.setting.process))
        let processes = host.processes()
        let members =
            changed.compactMap { try? processes.party(of: $0).members }.flatMap(\.self)
            // Whose ancestors have all ended is still in the group that one of them led.
            + Set(changed.map(\.pid)).flatMap(processes.group)
        // Where they had different values, only the process or its parent tells which one a newcomer would have.
        var before: [ProcessIdentity: String] = [:]
        for change in changes where change.setting.thread != nil {
            if let process = change.setting.process, before[process] == nil { before[process] = change.before }
        }
        let common = Set(before.values).count == 1 ? pattern.before : nil
        let byPid = Dictionary(before.map { ($0.key.pid, $0.value) }) { first, _ in first }
        for member in Set(members) {
            guard let original = before[member.process] ?? byPid[member.parent] ?? common else { continue }
            for thread in Party(members: [member]).threads {
                let setting: Setting
                switch pattern.setting {
                case .nice: setting = .nice(thread)
                case .ioPriority: setting = .ioPriority(thread)
                case .affinity: setting = .affinity(thread)
                default: return failures
                }
                do {
                    guard !known.contains(setting), try host.value(of: setting) == pattern.after else { continue }
                    try host.takeBack(Change(setting, from: original, to: pattern.after))
                } catch HostError.gone {
                    continue
                } catch {
                    failures.append("\(error)")
                }
            }
        }
        return failures
    }
}

struct ExecutionFailure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
