import ChildProcess
import Foundation
import GRDB
import Model
import Testing

@testable import Store

/// A directory of a test's own, removed with it.
final class Scratch: Sendable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "store-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    var database: String { path + "/kernelsight.db" }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// Waits for something to become true, at most ten seconds.
func eventually(_ what: Comment, _ condition: () throws -> Bool) throws {
    let end = ContinuousClock.now + .seconds(10)
    while try !condition() {
        guard ContinuousClock.now < end else {
            Issue.record(what)
            return
        }
        usleep(5000)
    }
}

/// Runs a program and returns what it wrote.
@discardableResult
func run(_ path: String, _ arguments: String...) throws -> (status: Int32, output: String) {
    let log = FileManager.default.temporaryDirectory.appending(path: "run-\(UUID().uuidString).log").path
    defer { unlink(log) }
    let process = try ChildProcess(path, arguments, log: log)
    #expect(process.wait(seconds: 60), "\(path) does not end")
    return (process.exitStatus ?? -1, process.output)
}

/// 2026-11-25T03:00:00Z.
let start = Timestamp(nanoseconds: 1_795_575_600_000_000_000)

extension WriterConfiguration {
    /// Commits at once, holds whatever a test submits meanwhile, and believes every time that it is told.
    static var eager: WriterConfiguration {
        var configuration = WriterConfiguration()
        configuration.batchRows = 1
        configuration.flushInterval = .milliseconds(1)
        configuration.pendingTicks = 10_000
        configuration.clockHold = .zero
        return configuration
    }
}

func episode(
    _ id: Int64, _ type: SignalType = .scheduler, _ severity: Severity = .low, score: Double = 0.25,
    entity: Entity = .process(ProcessIdentity(pid: 4242, startTicks: 99), name: "nginx"),
    label: String = "cpu_starvation",
    state: Episode.State = .closed, at time: Timestamp = start, values: [String] = ["nginx", "12.5", "stress-ng"]
) -> Episode {
    let template = Message.Template(
        summary: "{0} waits {1} ms for a CPU", patterns: ["{2} takes the cores"],
        hints: ["Give {2} a lower priority", "Look at {0}'s affinity"])
    let culprit = Culprit(
        process: ProcessIdentity(pid: 77, startTicks: 5), comm: "stress-ng", cgroup: "/", share: 0.9,
        measure: "CPU time")
    let victim = Victim(
        process: ProcessIdentity(pid: 4242, startTicks: 99), comm: "nginx", cgroup: "/",
        stallMillisecondsPerSecond: 120,
        stall: "run-queue wait")
    let finding = Finding(
        message: Message(template, values),
        evidence: [Evidence(metric: "runq.latency", value: 12.5, unit: "ms", threshold: 5, window: 1)],
        culprits: [culprit], victims: [victim])
    return Episode(
        id: id, key: Episode.Key(type: type, entity: entity, label: label), state: state, opened: time, lastSeen: time,
        closed: state == .closed ? time.advanced(bySeconds: 3) : nil,
        peak: Grade(severity: severity, score: score), current: Grade(severity: severity, score: score),
        finding: finding)
}

func task(_ pid: Int32 = 4242, comm: String = "nginx") -> TaskIdentity {
    TaskIdentity(process: ProcessIdentity(pid: pid, startTicks: 99), tid: pid, uid: 0, cgroup: 1, comm: comm)
}

func wait(_ nanoseconds: UInt64, pid: Int32 = 4242, at time: Timestamp = start) -> SchedulerEvent {
    SchedulerEvent(
        time: time, task: task(pid), cpu: 1, waitNanoseconds: nanoseconds, preempted: true,
        previous: ProcessIdentity(pid: 77, startTicks: 5), previousComm: "stress-ng")
}

/// A plain connection of the test's own, for looking from outside.
func look<Result>(_ path: String, _ body: (Database) throws -> Result) throws -> Result {
    var configuration = Configuration()
    configuration.readonly = true
    let queue = try DatabaseQueue(path: path, configuration: configuration)
    defer { try? queue.close() }
    return try queue.read(body)
}

/// Rows of a table, from outside.
func count(_ path: String, _ table: String) throws -> Int {
    try look(path) { try Int.fetchOne($0, sql: "SELECT count(*) FROM \(table)") ?? -1 }
}
