import GRDB
import Model

extension Reader {
    /// How new and how complete is what the collector has written.
    public struct State: Sendable {
        /// When the latest batch was written, and the newest measurement in it; 0 before the first.
        public var lastCommit = Timestamp(nanoseconds: 0)
        public var lastTick = Timestamp(nanoseconds: 0)
        /// Share of each tracer's hook runs of the minute before `lastTick` that were measured; null for one that measures nothing. A
        /// JSON object.
        public var completeness = "{}"
    }

    /// What `/api/health` needs, in one look.
    public struct Health: Sendable {
        public var signalCount: Int64
        public var openSignals: Int64
        public var state: State
        public var components: [Component]

        /// The newest measurement; 0 before the first.
        public var lastTick: Timestamp { state.lastTick }
    }

    /// A part of the collector, as it was last heard of.
    public struct Component: Sendable {
        public var time: Timestamp
        public var state: ComponentState
    }

    /// The top processes of one tick.
    public struct ProcessSnapshot: Sendable {
        public var time: Timestamp
        /// A JSON array; `docs/storage.md` lists the members.
        public var json: String
    }

    /// Counts, freshness and components; these with their details, kilobytes together, only when they are asked for.
    public func health(withDetails: Bool = false) throws -> Health {
        try read { _, db in
            var open: Int64 = 0
            try db.cachedStatement(sql: "SELECT count(*) FROM signals WHERE state = 1").rows { open = $0.int(0) }
            return Health(
                signalCount: try Self.severities(RollupWindow.everything, db).total.count, openSignals: open,
                state: try Self.state(db), components: try Self.components(db, withDetails: withDetails))
        }
    }

    static func state(_ db: Database) throws -> State {
        var state = State()
        let sql = "SELECT last_commit, last_tick, completeness FROM store_state WHERE id = 1"
        try db.cachedStatement(sql: sql).rows {
            state.lastCommit.nanoseconds = $0.int(0)
            state.lastTick.nanoseconds = $0.int(1)
            state.completeness = $0.text(2)
        }
        return state
    }

    /// Every component, by name.
    public func components() throws -> [Component] { try read { _, db in try Self.components(db, withDetails: true) } }

    /// What is usual for a metric, as JSON; `nil` while nothing is known.
    public func baseline(of metric: String) throws -> String? {
        try read { _, db in
            var data: String?
            try db.cachedStatement(sql: "SELECT data FROM baselines WHERE metric = ?").rows({ $0.add(metric) }) {
                data = $0.text(0)
            }
            return data
        }
    }

    /// The snapshots after a time and up to another, oldest first.
    public func snapshots(from: Timestamp, to: Timestamp) throws -> [ProcessSnapshot] {
        try read { _, db in
            var snapshots: [ProcessSnapshot] = []
            try db.cachedStatement(
                sql: """
                    SELECT timestamp, processes FROM process_snapshots WHERE timestamp > ? AND timestamp <= ?
                    ORDER BY timestamp LIMIT 600
                    """
            ).rows {
                $0.add(from.nanoseconds)
                $0.add(to.nanoseconds)
            } _: {
                snapshots.append(ProcessSnapshot(time: Timestamp(nanoseconds: $0.int(0)), json: $0.text(1)))
            }
            return snapshots
        }
    }

    /// The latest snapshot, or `nil` when there is none from the last minutes; and what the collector had written by then.
    public func processes() throws -> (snapshot: ProcessSnapshot?, state: State) {
        try read { _, db in
            var snapshot: ProcessSnapshot?
            let latest = "SELECT timestamp, processes FROM process_snapshots ORDER BY timestamp DESC LIMIT 1"
            try db.cachedStatement(sql: latest).rows {
                snapshot = ProcessSnapshot(time: Timestamp(nanoseconds: $0.int(0)), json: $0.text(1))
            }
            return (snapshot, try Self.state(db))
        }
    }

    private static func components(_ db: Database, withDetails: Bool) throws -> [Component] {
        var components: [Component] = []
        let all =
            "SELECT component, timestamp, status, message\(withDetails ? ", detail" : "") FROM components ORDER BY component"
        try db.cachedStatement(sql: all).rows { row in
            let state = ComponentState(
                component: row.text(0), status: ComponentState.Status(rawValue: row.text(2)) ?? .error,
                message: row.text(3), detail: withDetails ? row.text(4) : "{}")
            components.append(Component(time: Timestamp(nanoseconds: row.int(1)), state: state))
        }
        return components
    }
}
