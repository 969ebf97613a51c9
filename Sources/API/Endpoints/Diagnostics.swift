import FastCGI
import Model
import Store

extension Service {
    /// `GET /api/diagnostics`: each part, how it does, and what to do. Answers with 200 also where the database is what
    /// is broken: saying so is its purpose.
    func diagnostics(_ parameters: inout Parameters) throws -> Reply {
        try parameters.finish()
        var checks: [Check] = []
        var lastTick = Timestamp(nanoseconds: 0)
        do {
            let health = try reader.health(withDetails: true)
            lastTick = health.lastTick
            checks.append(
                Check("database", .ok, ["connected", "\(health.signalCount) signals, \(health.openSignals) open"]))
            checks += collector(health)
        } catch let error as StoreError {
            checks.append(Check("database", .error, [error.description]))
        }
        checks.append(disk())
        if let server { checks += [worker(server.statistics), try pool(server)] }
        do {
            checks.append(try agentCheck())
        } catch let error as StoreError {
            checks.append(Check("agent", .warning, [error.description]))
        }
        let worst = checks.map(\.status).max { $0.gravity < $1.gravity } ?? .ok
        return Reply(capacity: 8192) { json in
            json.member("overall_status", worst == .ok ? "healthy" : worst.rawValue)
            json.member("timestamp", clock().rfc3339)
            json.dataTime(lastTick, isStale: freshness(of: lastTick).isStale)
            json.array("checks") { json in for check in checks { json.object { check.write(&$0) } } }
        }
    }

    /// The collector, and what it says about its parts. When it has gone silent, that is what there is to say about it.
    private func collector(_ health: Reader.Health) -> [Check] {
        let freshness = freshness(of: health.lastTick)
        let parts = health.components.map { component in
            let state = component.state.shown(with: freshness)
            return Check(state.component, state.status, [state.message], data: state.detail)
        }
        guard let reason = staleReason(freshness) else { return parts }
        return [Check("collector", .error, [reason])] + parts.filter { $0.component != "collector" }
    }

    private func disk() -> Check {
        guard let space = diskSpace() else {
            return Check("disk", .warning, ["the free space where the database belongs cannot be measured"])
        }
        var data = JSONWriter(capacity: 256)
        data.object {
            $0.member("directory", space.directory)
            $0.member("free_bytes", space.freeBytes)
            $0.member("total_bytes", space.totalBytes)
            $0.member("free_percent", space.freeShare * 100)
        }
        return Check("disk", space.status, [space.message], data: data.text)
    }

    private func agentCheck() throws -> Check {
        let (word, found) = try agent { try $0.decisions(in: [.stuck]) }
        let stuck = (found ?? []).map {
            "Decision \($0.id) could not be taken back: \($0.note ?? "")"
        }
        let status: ComponentState.Status =
            switch word {
            case .alive, .neverRan: stuck.isEmpty ? .ok : .error
            // One that was stopped is meant to be.
            case .silent(let status): status.pid == 0 && stuck.isEmpty ? .ok : .error
            case .unreadable: .error
            }
        let data = word.status.map { status in
            var json = JSONWriter(capacity: 4096)
            json.object {
                $0.member("mode", status.mode)
                $0.member("actions", json: status.catalogue)
            }
            return json.text
        }
        return Check("agent", status, [word.message] + stuck, data: data)
    }

    private func worker(_ statistics: Server.Statistics) -> Check {
        Check(
            "api_worker", .ok,
            [
                "\(statistics.requests) requests on \(statistics.connections) connections",
                "\(statistics.busy) in progress, at most \(statistics.maximumBusy) at once",
            ])
    }

    /// All workers, whichever answers.
    private func pool(_ server: Server) throws -> Check {
        let (workers, isKnown) = try recentPool.value { server.pool }
        var data = JSONWriter(capacity: 1024)
        data.object {
            $0.array("workers") { json in
                for (name, worker) in workers {
                    json.object {
                        $0.member("socket", name)
                        $0.member("pid", worker.pid)
                        $0.member("started", rfc3339: Timestamp(nanoseconds: worker.started))
                        $0.member("threads", worker.threads)
                        $0.member("open_connections", worker.open)
                        $0.member("connections", worker.connections)
                        $0.member("requests", worker.requests)
                        $0.member("busy", worker.busy)
                        $0.member("maximum_busy", worker.maximumBusy)
                        $0.member("failures", worker.failures)
                    }
                }
            }
        }
        // Anybody may have written such a file.
        let requests = workers.reduce(0) { $0 &+ $1.1.requests }
        guard isKnown else {
            return Check(
                "worker_pool", .warning,
                [
                    "this worker cannot write its counters beside its socket, so the others do not know of it: make that "
                        + "directory writable for its user"
                ], data: data.text)
        }
        return Check("worker_pool", .ok, ["\(workers.count) workers, \(requests) requests"], data: data.text)
    }
}

/// One row of `checks`.
private struct Check {
    var component: String
    var status: ComponentState.Status
    var details: [String]
    /// A JSON object.
    var data: String?

    init(_ component: String, _ status: ComponentState.Status, _ details: [String], data: String? = nil) {
        self.component = component
        self.status = status
        self.details = details
        self.data = data
    }

    func write(_ json: inout JSONWriter) {
        json.member("component", component)
        json.member("status", status.rawValue)
        json.array("details") { for detail in details { $0.element(detail) } }
        if let data { json.member("data", json: data) }
    }
}

extension ComponentState.Status {
    fileprivate var gravity: Int {
        switch self {
        case .ok: 0
        case .warning: 1
        case .error: 2
        }
    }
}
