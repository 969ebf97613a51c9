import GRDB
import Model

/// The small tables that hold the latest of something.
enum StateTables {
    static func write(_ batch: Batch, at now: Timestamp, _ db: Database) throws {
        for snapshot in batch.snapshots {
            try db.cachedStatement(sql: "INSERT OR REPLACE INTO process_snapshots VALUES (?, ?)").run {
                $0.add(snapshot.time.nanoseconds)
                $0.add(ProcessJSON.text(snapshot.processes))
            }
        }
        if let oldest = batch.components.values.map(\.time).min() {
            let upsert = try db.cachedStatement(sql: "INSERT OR REPLACE INTO components VALUES (?, ?, ?, ?, ?)")
            for (name, component) in batch.components {
                try upsert.run {
                    $0.add(name)
                    $0.add(component.time.nanoseconds)
                    $0.add(component.state.status.rawValue)
                    $0.add(component.state.message)
                    $0.add(component.state.detail)
                }
            }
            // A part that nobody reports any more is no part.
            try db.cachedStatement(sql: "DELETE FROM components WHERE timestamp < ?").run { $0.add(oldest.nanoseconds) }
        }
        if !batch.baselines.isEmpty {
            let upsert = try db.cachedStatement(sql: "INSERT OR REPLACE INTO baselines VALUES (?, ?, ?)")
            for (metric, data) in batch.baselines {
                try upsert.run {
                    $0.add(metric)
                    $0.add(batch.lastTick.nanoseconds)
                    $0.add(data)
                }
            }
        }
        try write(batch.steps, db)
        let state = "UPDATE store_state SET last_commit = ?, last_tick = ?, completeness = ifnull(?, completeness)"
        try db.cachedStatement(sql: state).run {
            $0.add(now.nanoseconds)
            $0.add(batch.lastTick.nanoseconds)
            $0.add(batch.completeness)
        }
    }

    /// Rows of `governor_steps` that are kept.
    private static let stepsKept = 10_000

    private static func write(_ steps: [(time: Timestamp, step: CoverageStep)], _ db: Database) throws {
        guard !steps.isEmpty else { return }
        let insert = try db.cachedStatement(sql: "INSERT INTO governor_steps VALUES (NULL, ?, ?, ?, ?, ?)")
        for (time, step) in steps {
            try insert.run {
                $0.add(time.nanoseconds)
                $0.add(step.tracer.rawValue)
                $0.add(step.from.rawValue)
                $0.add(step.to.rawValue)
                $0.add(step.reason)
            }
        }
        try db.cachedStatement(sql: "DELETE FROM governor_steps WHERE id <= (SELECT max(id) FROM governor_steps) - ?")
            .run { $0.add(Int64(stepsKept)) }
    }
}
