import Foundation
import Model

/// The API's replies, as far as the command line shows them. `docs/api.md` says what each means.
enum Replies {
    static let decoder: JSONDecoder = {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return decoder
    }()

    struct Process: Decodable {
        struct Identity: Decodable { var pid: Int }

        var process: Identity
        var comm: String
        var share: Double?
        var measure: String?
        var stallMillisecondsPerSecond: Double?
        var stall: String?

        var name: String { "\(comm) (\(process.pid))" }
    }

    struct Entity: Decodable {
        var type: String
        var name: String
    }

    struct Input: Decodable {
        struct Baseline: Decodable {
            var median: Double
            var p95: Double
        }

        var metric: String
        var value: Double?
        var unit: String
        var threshold: Double?
        var baseline: Baseline?
    }

    struct Signal: Decodable {
        var id: Int64
        var timestamp: Int64
        var timestampIso: String
        var signalType: String
        var label: String
        var state: String
        var severity: String
        var currentSeverity: String
        var pressureScore: Double
        var summary: String
        var entity: Entity
        var closedAt: Int64?
        var closedAtIso: String?
        var occurrenceCount: Int
        var culprits: [Process]
        // Of one signal alone.
        var evidence: [Input]?
        var victims: [Process]?
        var patterns: [String]?
        var reasoningHints: [String]?

        var opened: Timestamp { Timestamp(nanoseconds: timestamp) }
    }

    struct Signals: Decodable {
        var summary: String
        var stale: Bool
        var nextCursor: String?
        var signals: [Signal]
    }

    struct Diagnostics: Decodable {
        struct Check: Decodable {
            struct Details: Decodable { var blind: [String: String]? }

            var component: String
            var status: String
            var details: [String]
            var data: Details?
        }

        var overallStatus: String
        var stale: Bool
        var checks: [Check]
    }

    struct Decision: Decodable {
        struct Action: Decodable {
            struct Process: Decodable { var pid: Int }

            var kind: String
            var process: Process?
            var value: String?

            var words: String {
                [kind, process.map { "on \($0.pid)" }, value.map { "to \($0)" }].compactMap(\.self).joined(
                    separator: " ")
            }
        }

        var decisionId: Int64
        var signalId: Int64
        var action: Action
        var state: String
        var verdict: String?
        var note: String?
    }

    struct Agent: Decodable {
        var pending: [Decision]
        var standing: [Decision]
    }

    struct Prediction: Decodable {
        struct Trend: Decodable {
            var confidence: String
            var points: Int
            var rSquared: Double
        }
        struct Band: Decodable {
            var lower: Double
            var upper: Double
        }

        var unit: String
        var projectedValue: Double
        var band: Band
        var durationMinutes: Double
        var trend: Trend
        var riskLevel: String
        var scenarioDescription: String
    }

    struct Processes: Decodable {
        struct Row: Decodable {
            struct Scheduling: Decodable {
                var cpuNs: Double?
                var waitNs: Double?
                var blockedNs: Double?
                var memoryStallNs: Double?
            }
            struct Faults: Decodable {
                var minor: Double
                var major: Double
            }
            struct BlockIO: Decodable {
                var readBytes: Double
                var writeBytes: Double
            }
            struct Proc: Decodable {
                var cpuShare: Double?
                var residentBytes: Double?
                var readBytesPerSecond: Double?
                var writeBytesPerSecond: Double?
            }

            var pid: Int
            var comm: String
            var scheduling: Scheduling?
            var faults: Faults?
            var blockIo: BlockIO?
            var proc: Proc?
        }

        var reason: String?
        var processes: [Row]
    }
}
