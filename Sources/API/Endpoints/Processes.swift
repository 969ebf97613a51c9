import Foundation
import Model
import Store

extension Service {
    /// `GET /api/processes`: the top processes of the latest snapshot.
    func processes(_ parameters: inout Parameters) throws -> Reply {
        let order = parameters.choice("sort", ProcessOrder.allCases.map { ($0.rawValue, $0) }) ?? .cpu
        let limit = parameters.integer("limit", in: 1...100, default: 20)
        try parameters.finish()
        let (latest, state) = try reader.processes()
        guard let snapshot = latest else {
            return Reply(capacity: 256) { json in
                json.member("count", 0)
                json.member("sort", order.rawValue)
                json.data(of: state.lastTick, in: state, isStale: freshness(of: state.lastTick).isStale)
                json.array("processes") { _ in }
                json.member("reason", "The collector has not recorded any processes in the last minutes.")
            }
        }
        let text = Data(snapshot.json.utf8)
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let weights = try decoder.decode([ProcessWeight].self, from: text).map(order.weight)
        let elements = JSONArray.elements(of: snapshot.json)
        let top = zip(weights, elements).sorted { $0.0 > $1.0 }.prefix(limit)
        return Reply(capacity: snapshot.json.utf8.count + 128) { json in
            json.member("count", top.count)
            json.member("sort", order.rawValue)
            json.data(of: snapshot.time, in: state, isStale: freshness(of: snapshot.time).isStale)
            json.array("processes") { for (_, element) in top { $0.element(json: String(element)) } }
        }
    }
}

/// What makes a process a top process.
private enum ProcessOrder: String, CaseIterable {
    case cpu
    case runQueueWait = "run_queue_wait"
    case io
    case faults

    func weight(_ process: ProcessWeight) -> Double {
        switch self {
        case .cpu: process.scheduling?.cpuNs.map { $0 / 1e9 } ?? process.proc?.cpuShare ?? 0
        case .runQueueWait: process.scheduling?.waitNs ?? 0
        case .io:
            max(
                (process.blockIo?.readBytes ?? 0) + (process.blockIo?.writeBytes ?? 0),
                (process.proc?.readBytesPerSecond ?? 0) + (process.proc?.writeBytesPerSecond ?? 0))
        // A major fault waits for storage; a thousand minor ones take about as long.
        case .faults: 1000 * (process.faults?.major ?? 0) + (process.faults?.minor ?? 0)
        }
    }
}

/// The members of a snapshot's processes that they are sorted by.
private struct ProcessWeight: Decodable {
    struct Scheduling: Decodable {
        var cpuNs: Double?
        var waitNs: Double?
    }
    struct Faults: Decodable {
        var major: Double?
        var minor: Double?
    }
    struct BlockIO: Decodable {
        var readBytes: Double?
        var writeBytes: Double?
    }
    struct Proc: Decodable {
        var cpuShare: Double?
        var readBytesPerSecond: Double?
        var writeBytesPerSecond: Double?
    }

    var scheduling: Scheduling?
    var faults: Faults?
    var blockIo: BlockIO?
    var proc: Proc?
}
