import Foundation
import Model

/// The JSON of `signal_details`: written without Codable, read back with it once, when the collector starts.
enum FindingJSON {
    static func evidence(_ evidence: [Evidence]) -> String {
        text(evidence) { json, item in
            json.member("metric", item.metric)
            json.member("value", item.value)
            json.member("unit", item.unit)
            json.member("threshold", item.threshold)
            json.member("window", item.window)
            if let usual = item.baseline {
                json.object("baseline") {
                    $0.member("median", usual.median)
                    $0.member("p95", usual.p95)
                    $0.member("hour", usual.hour.map(Double.init))
                }
            }
        }
    }

    static func culprits(_ culprits: [Culprit]) -> String {
        text(culprits) { json, item in
            process(item.process, item.comm, item.cgroup, into: &json)
            json.member("share", item.share)
            json.member("measure", item.measure)
        }
    }

    static func victims(_ victims: [Victim]) -> String {
        text(victims) { json, item in
            process(item.process, item.comm, item.cgroup, into: &json)
            json.member("stall_milliseconds_per_second", item.stallMillisecondsPerSecond)
            json.member("stall", item.stall)
        }
    }

    /// What cannot be read back (a number that was not finite) is left out: the row itself is what counts.
    static func read<Item: Decodable>(_ text: String, as: Item.Type) -> [Item] {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return (try? decoder.decode([Item].self, from: Data(text.utf8))) ?? []
    }

    private static func process(
        _ process: ProcessIdentity, _ comm: String, _ cgroup: String, into json: inout JSONWriter
    ) {
        json.object("process") {
            $0.member("pid", process.pid)
            $0.member("start_ticks", process.startTicks)
        }
        json.member("comm", comm)
        json.member("cgroup", cgroup)
    }

    private static func text<Item>(_ items: [Item], _ body: (inout JSONWriter, Item) -> Void) -> String {
        var json = JSONWriter(capacity: 256)
        json.array { json in for item in items { json.object { body(&$0, item) } } }
        return json.text
    }
}
