import Model

/// Who is behind problems, and how sure that is.
public struct Cause: Sendable, Hashable, Codable {
    /// What it takes from others.
    public enum Resource: String, Sendable, Codable { case cpu, disk, memory, pageCache = "page_cache", lock, sockets }

    public var process: ProcessIdentity
    public var comm: String
    public var cgroup: String
    public var resource: Resource
    /// Its share of what the worst problem is about (0–1).
    public var share: Double
    /// The problems that it explains, worst first.
    public var problems: [Int64]
    public var victims: [Victim]
    public var evidence: [String]
    public var against: [String]
    /// 0–1.
    public var confidence: Double
}

/// What EXPLAIN found.
public struct Explanation: PhaseResult {
    /// Surest and worst first.
    public var causes: [Cause] = []
    /// Problems that nobody can be blamed for, and why.
    public var unexplained: [String] = []
    /// What follows from what, in words.
    public var chain: [String] = []

    var message: String {
        let named = causes.map { cause in
            "\(cause.comm) (pid \(cause.process.pid)), confidence \(cause.confidence.short): "
                + (cause.evidence + cause.against.map { "but \($0)" }).joined(separator: ", ")
        }
        let all = named + unexplained
        return all.isEmpty ? "nothing to explain" : all.joined(separator: "; ")
    }
}

/// EXPLAIN: ranks who causes the problems, with what speaks for and against each.
enum Explain {
    /// - Parameter parties: The culprits that live, by party, as /proc shows them.
    static func run(_ observed: Observe.Result, _ parties: [Set<ProcessIdentity>] = []) -> Explanation {
        let problems = observed.problems
        var found = Explanation()
        var causes: [ProcessIdentity: Cause] = [:]
        var weights: [ProcessIdentity: Double] = [:]
        let leaders = leaders(problems, parties)
        for problem in problems {
            guard !problem.culprits.isEmpty else {
                found.unexplained.append("\(problem.label): cannot tell from this data who causes it")
                continue
            }
            for culprit in problem.culprits {
                guard let resource = Cause.Resource(measure: culprit.measure) else {
                    found.unexplained.append("\(problem.label): no action is known for \(culprit.measure)")
                    continue
                }
                let leader = leaders[culprit.process] ?? culprit.process
                var cause =
                    causes[leader]
                    ?? Cause(
                        process: leader, comm: culprit.comm, cgroup: culprit.cgroup, resource: resource, share: 0,
                        problems: [], victims: [], evidence: [], against: [], confidence: 0)
                cause.share = max(cause.share, culprit.share)
                if !cause.problems.contains(problem.id) { cause.problems.append(problem.id) }
                cause.evidence.append(
                    "\(problem.label) (\(problem.severity.name)): \(percent(culprit.share)) of \(culprit.measure)")
                for victim in problem.victims where !cause.victims.contains(where: { $0.process == victim.process }) {
                    cause.victims.append(victim)
                }
                causes[leader] = cause
                weights[leader, default: 0] += Double(problem.severity.rawValue) * culprit.share
            }
        }
        for cause in causes.values { found.causes.append(judged(cause, observed, causes, leaders)) }
        found.causes.sort {
            let (left, right) = (weights[$0.process] ?? 0, weights[$1.process] ?? 0)
            return ($1.confidence * right, $0.process.pid) < ($0.confidence * left, $1.process.pid)
        }
        found.chain = chain(found.causes, problems)
        return found
    }

    /// For each culprit the one of its party that was named first: signals name one process of a party, which may be
    /// another one where children come and go. One that has ended was of those that have its name and cgroup,
    /// where these are one party.
    private static func leaders(
        _ problems: [Problem], _ parties: [Set<ProcessIdentity>]
    ) -> [ProcessIdentity: ProcessIdentity] {
        let culprits = problems.flatMap(\.culprits)
        var living: [ProcessIdentity: ProcessIdentity] = [:]
        for culprit in culprits {
            guard let party = parties.first(where: { $0.contains(culprit.process) }) else { continue }
            living[culprit.process] = culprits.first { party.contains($0.process) }?.process
        }
        return culprits.reduce(into: living) { leaders, culprit in
            guard leaders[culprit.process] == nil else { return }
            let alike = culprits.filter { $0.comm == culprit.comm && $0.cgroup == culprit.cgroup }
            let found = Set(alike.compactMap { living[$0.process] })
            leaders[culprit.process] = found.count == 1 ? found.first : culprit.process
        }
    }

    /// The share is what speaks for a cause; each thing below speaks for or against it. The numbers are chosen so that one with
    /// half of the cause and nothing against it passes the default floor of 0.6, and none that suffers itself does.
    private static func judged(
        _ cause: Cause, _ observed: Observe.Result, _ all: [ProcessIdentity: Cause],
        _ leaders: [ProcessIdentity: ProcessIdentity]
    ) -> Cause {
        var judged = cause
        var confidence = 0.4 + 0.5 * cause.share
        if cause.problems.count > 1 { confidence += 0.1 }
        if cause.victims.isEmpty {
            judged.against.append("no process is known to suffer from it")
            confidence -= 0.1
        }
        if let hold = observed.holds.first(where: { $0.processes.contains(cause.process) }) {
            judged.against.append("it is held back already (\(hold.action))")
            if cause.victims.isEmpty { confidence -= 0.3 }
        }
        for other in all.values.sorted(by: { $0.process.pid < $1.process.pid })
        where other.process != cause.process && other.resource == cause.resource && other.share > cause.share {
            judged.against.append("\(other.comm) (pid \(other.process.pid)) has more: \(percent(other.share))")
            confidence -= 0.1
        }
        let suffers = observed.problems.first { problem in
            problem.victims.contains { $0.process == cause.process }
                && !problem.culprits.contains { leaders[$0.process] == cause.process }
        }
        if let suffers {
            judged.against.append("it suffers itself: \(suffers.summary)")
            confidence -= 0.3
        }
        judged.confidence = min(max(confidence, 0), 0.95)
        return judged
    }

    /// A problem of a process that suffers from a cause elsewhere comes of that cause.
    private static func chain(_ causes: [Cause], _ problems: [Problem]) -> [String] {
        causes.prefix(1).flatMap { cause in
            cause.victims.map { victim in
                let own = problems.filter { problem in
                    problem.entity.id == victim.process.description
                        || problem.culprits.contains { $0.process == victim.process }
                }
                let link =
                    "\(cause.comm) (pid \(cause.process.pid)) → \(victim.comm) (pid \(victim.process.pid)): \(victim.stall)"
                return ([link] + own.map(\.label)).joined(separator: " → ")
            }
        }
    }

    private static func percent(_ share: Double) -> String { "\(Int((share * 100).rounded())) %" }
}

extension Cause.Resource {
    /// What a culprit's share is of, by the words that signals use for it.
    init?(measure: String) {
        switch measure {
        case "CPU time", "context switches": self = .cpu
        case "disk I/O": self = .disk
        case "memory held and demanded", "pages demanded before the kill": self = .memory
        case "bytes read through the page cache": self = .pageCache
        case "file lock held": self = .lock
        case "sockets in CLOSE_WAIT": self = .sockets
        default: return nil
        }
    }
}
