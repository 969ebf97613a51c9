import Glibc

/// What each endpoint takes, for few clients and for many, with nginx's cache and without it.
public enum EndpointTable {
    /// - Parameter database: filled before, see `DemoData` and `LivedIn`; it is read only.
    public static func run(
        database: String, seconds: Int, port: Int = 18_096, progress: (String) -> Void
    ) throws -> [Figure] {
        var figures: [Figure] = []
        for cache in [false, true] {
            let scratch = try Scratch()
            let stack = try UserStack(database: database, port: port, cache: cache, scratch: scratch)
            defer { stack.stop() }
            for endpoint in UserStack.endpoints + UserStack.others {
                for clients in [1, 10, 50, 500] {
                    let name = "\(endpoint.name), \(clients) clients, cache \(cache ? "on" : "off")"
                    progress(name)
                    // Hundreds who are all answered afresh may have to wait too long.
                    let load = try stack.load(
                        path: endpoint.path, connections: clients, seconds: seconds, mayRefuse: !cache && clients == 500
                    )
                    let promise = clients == 10 ? endpoint.seed : nil
                    figures.append(
                        Figure(
                            "\(name): mean", load.mean, "ms", bar: promise.map(Figure.Bar.atMost),
                            detail:
                                "p50 \(short(load.p50)), p99 \(short(load.p99)) ms, \(short(load.perSecond)) requests/s"
                                + (load.refused == 0 ? "" : ", \(load.refused) of them refused")))
                }
            }
        }
        return figures
    }
}

/// Whether answers take longer with a longer history.
public enum Flatness {
    /// Asks both databases in turn, one client at a time and without a cache.
    public static func run(
        few: String, many: String, rounds: Int, seconds: Int, port: Int = 18_098, progress: (String) -> Void
    ) throws -> [Figure] {
        // Gigabytes that were just made are written out for minutes, and answers wait meanwhile.
        progress("what was made goes to the disk")
        sync()
        let scratch = (few: try Scratch(), many: try Scratch())
        let fewer = try UserStack(database: few, port: port, cache: false, scratch: scratch.few)
        defer { fewer.stop() }
        let more = try UserStack(database: many, port: port + 1, cache: false, scratch: scratch.many)
        defer { more.stop() }
        return try (UserStack.endpoints + UserStack.others).map { endpoint in
            let pairs = try (1...max(rounds, 1)).map { round in
                progress("\(endpoint.name), round \(round) of \(rounds)")
                return (
                    few: try fewer.load(path: endpoint.path, connections: 1, seconds: seconds).p50,
                    many: try more.load(path: endpoint.path, connections: 1, seconds: seconds).p50
                )
            }
            let ratios = pairs.map { $0.many / $0.few }
            return Figure(
                "\(endpoint.name): p50 with a long history ÷ with a short one", Samples(ratios).median, "",
                bar: .atMost(1.2), rounds: ratios,
                detail: "\(short(1000 * Samples(pairs.map(\.many)).median)) against "
                    + "\(short(1000 * Samples(pairs.map(\.few)).median)) µs, one client, no cache")
        }
    }
}
