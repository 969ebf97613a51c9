import ChildProcess
import Chromium
import Foundation
import Glibc
import Model

/// What those who look at the dashboard wait for, and what they cost: everything runs, collector and agent, two workers and nginx.
public enum ViewerLoad {
    /// What every view of the dashboard asks for, here all of it once a second; the page itself asks for some of it less often.
    private static let paths = [
        "/api/diagnostics", "/api/signals?state=open&limit=256",
        "/api/signals?state=unknown&lookback_minutes=60&severity=medium&limit=50", "/api/agent/status",
    ]
    /// As a browser does.
    private static let headers = "Accept-Encoding: gzip, deflate, br\r\n"
    private static let warmUp = 5

    /// - Parameter seconds: for how long viewers look, each time.
    public static func run(seconds: Int, port: Int = 18_095, progress: (String) -> Void) throws -> [Figure] {
        let scratch = try Scratch()
        let database = scratch.path("kernelsight.db")
        let collector = try ChildProcess.collector(on: database, in: scratch)
        defer { collector.stop() }
        let agent = try ChildProcess.agent(on: database, in: scratch)
        defer { agent.stop() }
        let stack = try UserStack(database: database, port: port, dashboard: true, scratch: scratch)
        defer { stack.stop() }
        let all = [collector.pid, agent.pid] + stack.workers.map(\.pid) + (try stack.nginxProcesses())

        progress("nobody looks for \(seconds) s")
        let idle = try cost(of: all) { sleep(UInt32(seconds)) }
        let few = try look(50, at: stack, port: port, seconds: seconds, all, progress)
        let many = try look(500, at: stack, port: port, seconds: seconds, all, progress)
        let paints = try (1...5).map { round in
            progress("first page, round \(round) of 5")
            return try FirstPaint(of: "\(stack.base)/#/now", in: scratch)
        }
        let times = Samples(paints.map(\.milliseconds))
        return [
            few.wait(atMost: 5), few.origin(atMost: 1),
            Figure(
                "50 viewers: collector, agent, workers and nginx, of the host's CPU time", 100 * few.share, "%",
                bar: .atMost(5),
                detail: "\(short(100 * idle)) % while nobody looks; hooks in the kernel are in `bench collector`"),
            many.wait(atMost: 20), many.origin(atMost: 1),
            Figure(
                "first page: something to read", times.median, "ms", bar: .atMost(200),
                rounds: paints.map(\.milliseconds),
                detail: "first contentful paint in Chromium, headless, cold; of 5, worst \(short(times.maximum))"),
            Figure(
                "first page: bytes", Samples(paints.map(\.kilobytes)).median, "KB", bar: .atMost(300),
                detail: "over the wire, with all that it asks for in its first two seconds"),
        ]
    }

    /// What viewers saw and took.
    private struct Look {
        var viewers: Int
        /// Sorted, in milliseconds.
        var times: [Double]
        /// What the workers computed in a second for the address for which they computed most.
        var computed: Double
        /// Of the host's CPU time.
        var share: Double

        func wait(atMost bar: Double) -> Figure {
            Figure(
                "\(viewers) viewers, refreshed each second: p99", times[times.count * 99 / 100], "ms",
                bar: .atMost(bar),
                detail:
                    "open loop, gzip; p50 \(short(times[times.count / 2])), worst \(short(times.last ?? .nan)) ms of "
                    + "\(times.count), no error")
        }

        func origin(atMost bar: Double) -> Figure {
            Figure(
                "\(viewers) viewers: computations a second for an address, the most", computed, "", bar: .atMost(bar),
                detail: "of \(paths.count), by what nginx's log says of its cache")
        }
    }

    private static func look(
        _ viewers: Int, at stack: UserStack, port: Int, seconds: Int, _ all: [pid_t], _ progress: (String) -> Void
    ) throws -> Look {
        func load(_ seconds: Int) throws -> [Double] {
            try OpenLoop.run(
                port: port, paths: paths, rate: viewers * paths.count, seconds: seconds, connections: viewers,
                headers: headers)
        }
        progress("\(viewers) viewers for \(seconds) s")
        _ = try load(warmUp)
        let before = try stack.asked(paths)
        var times: [Double] = []
        let share = try cost(of: all) { times = try load(seconds) }
        let computed = zip(try stack.asked(paths), before).map { $0 - $1 }
        // What nginx keeps for a second is asked for anew in this time.
        guard computed.allSatisfy({ $0 > 0 }) else {
            throw BenchmarkFailure("nginx's log says nothing of what workers were asked for: \(paths)")
        }
        return Look(
            viewers: viewers, times: times, computed: Double(computed.max() ?? 0) / Double(seconds), share: share)
    }

    /// The share of the host's CPU time that processes take while something happens.
    private static func cost(of processes: [pid_t], _ body: () throws -> Void) throws -> Double {
        func spent() throws -> Double {
            try processes.reduce(0) { $0 + (try ProcessFigures.cpuSeconds(of: $1)) }
        }
        let before = try spent()
        let took = try milliseconds(body) / 1000
        return (try spent() - before) / took / Double(sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    }
}

/// How soon a browser that has never been there shows something.
private struct FirstPaint {
    var milliseconds: Double
    var kilobytes: Double

    init(of address: String, in scratch: Scratch) throws {
        let browser = try Browser(in: scratch.url)
        Leftovers.add(child: browser.pid)
        try browser.open(address)
        let deadline = ContinuousClock.now + .seconds(20)
        let entry = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0"
        var time = 0.0
        while time == 0 {
            guard ContinuousClock.now < deadline else { throw BenchmarkFailure("\(address) shows nothing in 20 s") }
            usleep(50_000)
            time = (try browser.evaluate(entry) as? NSNumber)?.doubleValue ?? 0
        }
        milliseconds = time
        sleep(2)
        guard try browser.holds("document.querySelector('main').childElementCount > 0"), browser.complaints.isEmpty
        else {
            throw BenchmarkFailure("\(address) is not the dashboard, or is broken: \(browser.complaints.prefix(3))")
        }
        kilobytes = browser.receivedBytes / 1000
    }
}

extension UserStack {
    /// How often a worker was asked for each path, by nginx's log, which is written each second. What is fetched in the background has
    /// no line of its own; who set it off was given what is STALE.
    fileprivate func asked(_ paths: [String]) throws -> [Int] {
        sleep(2)
        let lines = try log().split(separator: "\n").filter { line in
            ["MISS", "EXPIRED", "STALE"].contains { line.contains("\"cache\":\"\($0)\"") }
        }
        return paths.map { path in lines.count { $0.contains("\"uri\":\"\(path)\"") } }
    }

    /// nginx's own, and its workers.
    fileprivate func nginxProcesses() throws -> [pid_t] {
        let children = try String(contentsOfFile: "/proc/\(nginx.pid)/task/\(nginx.pid)/children", encoding: .utf8)
        // Another reads the cache's directory when it starts, and is soon gone.
        let workers = children.split(whereSeparator: \.isWhitespace).compactMap { pid_t($0) }.filter {
            (try? String(contentsOfFile: "/proc/\($0)/cmdline", encoding: .utf8))?.hasPrefix("nginx: worker") == true
        }
        guard !workers.isEmpty else { throw BenchmarkFailure("nginx has no workers") }
        return [nginx.pid] + workers
    }
}
