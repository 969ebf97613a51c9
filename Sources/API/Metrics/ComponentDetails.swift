import Foundation
import Model

/// What the collector's parts say of themselves in numbers: the members of their details that become metrics.
struct TracerDetails: Decodable {
    struct Lost: Decodable {
        var storage: Double?
        var mapFull: Double?
        var startMissing: Double?
    }

    struct Ledger: Decodable {
        var aggregated: Double?
        var filtered: Double?
        var unsampled: Double?
        var lost: Lost?
        var recursionMisses: Double?
        var abandoned: Double?
        var emitted: Double?
        var sampledOut: Double?
        var ringbufFull: Double?
        var stored: Double?
        var droppedInUserSpace: Double?

        /// Runs of hooks by what became of them.
        var fates: [(fate: String, count: Double?)] {
            [
                ("aggregated", aggregated), ("filtered", filtered), ("unsampled", unsampled),
                ("lost_storage", lost?.storage), ("lost_map_full", lost?.mapFull),
                ("lost_start_missing", lost?.startMissing), ("recursion_miss", recursionMisses),
                ("abandoned", abandoned),
            ]
        }

        /// Raw events by what became of them.
        var events: [(fate: String, count: Double?)] {
            [
                ("emitted", emitted), ("sampled_out", sampledOut), ("ringbuf_full", ringbufFull), ("stored", stored),
                ("dropped_in_user_space", droppedInUserSpace),
            ]
        }
    }

    struct Cost: Decodable {
        var runs: Double?
        var nsPerRun: Double?
        var mapBytes: Double?
    }

    var state: String?
    var coverage: String?
    var completeness: Double?
    var ledger: Ledger?
    var cost: Cost?
}

struct GovernorDetails: Decodable {
    struct Tracer: Decodable {
        var name: String
        var percentOfHost: Double?
    }

    var budgetPercentOfHost: Double?
    var costPercentOfHost: Double?
    var collectorPercentOfHost: Double?
    var tracers: [Tracer]?
}

struct CollectorDetails: Decodable {
    var residentBytes: Double?
    var tickMicroseconds: Double?
    var missedTicks: Double?
}

struct WriterDetails: Decodable {
    var commits: Double?
    var failures: Double?
    var lastCommitMs: Double?
    var walBytes: Double?
    var databaseBytes: Double?
    var droppedRows: Double?
}

extension ComponentState {
    /// `nil` where it says nothing of the kind.
    func details<Details: Decodable>(_ type: Details.Type) -> Details? {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try? decoder.decode(type, from: Data(detail.utf8))
    }
}
