import GRDB
import Model
import Testing

@testable import Store

struct SignalQueryTests {
    let scratch: Scratch
    let reader: Reader
    let written: [Episode]

    init() throws {
        scratch = try Scratch()
        var random = SplitMix(state: 5)
        let entities = [
            Entity.host, Entity(kind: .device, id: "8:0", name: "sda"),
            .process(ProcessIdentity(pid: 10, startTicks: 1), name: "nginx"),
            .process(ProcessIdentity(pid: 11, startTicks: 2), name: "nginx"),
            .process(ProcessIdentity(pid: 12, startTicks: 3), name: "it's"),
        ]
        written = (1...600).map { id in
            episode(
                id, SignalType.allCases.randomElement(using: &random)!,
                Severity.allCases.randomElement(using: &random)!,
                entity: entities.randomElement(using: &random)!,
                state: id % 50 == 0 ? .open : id % 70 == 0 ? .unknown : .closed,
                at: start.advanced(bySeconds: Double(id) * 10))
        }
        let writer = try Writer(path: scratch.database)
        writer.submit(TickRecord(time: start, episodes: written))
        writer.close()
        reader = Reader(path: scratch.database)
    }

    @Test func `every combination of conditions gives what a plain filter gives`() throws {
        for types in [[], [.syscall], [.syscall, .scheduler, .ioCongestion]] as [Set<SignalType>] {
            for severity in Severity.allCases {
                for state in [nil] + Episode.State.allCases.map(Optional.some) {
                    for entity in [nil, "nginx", "sda", "8:0", "11@2", "host", "it's", "nobody"] {
                        for since in [nil, 0, 3000, 99999] as [Double?] {
                            var query = SignalQuery()
                            query.types = types
                            query.minimumSeverity = severity
                            query.state = state
                            query.entity = entity
                            query.since = since.map { start.advanced(bySeconds: $0) }
                            query.limit = 7
                            let expected = written.reversed().filter { matches($0, query) }.prefix(7).map(\.id)
                            #expect(try reader.signals(query).signals.map(\.id) == expected, "\(query)")
                        }
                    }
                }
            }
        }
    }

    @Test func `a process that no kernel has matches nothing, and a row that was damaged is read`() throws {
        var query = SignalQuery()
        // 11 + 2^22, and a start beyond what is kept.
        for entity in ["4194315@2", "11@4398046511106"] {
            query.entity = entity
            #expect(try reader.signals(query).signals.isEmpty)
        }
        let queue = try DatabaseQueue(path: scratch.database)
        try queue.write {
            try $0.execute(sql: "UPDATE signals SET process = -1, state = -5 WHERE id = 600")
        }
        try queue.close()
        #expect(try reader.signals().signals.first?.id == 600)
    }

    @Test func `what is still open is listed besides a window, once, and pages go on to it`() throws {
        for entity in [nil, "nginx", "host"] {
            for severity in Severity.allCases {
                var query = SignalQuery()
                query.entity = entity
                query.minimumSeverity = severity
                query.since = start.advanced(bySeconds: 4000)
                query.orOpen = true
                query.limit = 6
                var seen: [Int64] = []
                repeat {
                    let page = try reader.signals(query)
                    seen += page.signals.map(\.id)
                    query.cursor = page.next
                } while query.cursor != nil
                var everything = query
                everything.since = nil
                let expected = written.reversed().filter {
                    matches($0, everything) && ($0.opened >= start.advanced(bySeconds: 4000) || $0.state == .open)
                }
                #expect(seen == expected.map(\.id), "\(query)")
            }
        }
    }

    @Test func `pages follow each other without a gap or a repeat`() throws {
        var query = SignalQuery()
        query.minimumSeverity = .medium
        query.limit = 13
        var seen: [Int64] = []
        repeat {
            let page = try reader.signals(query)
            seen += page.signals.map(\.id)
            query.cursor = page.next
        } while query.cursor != nil
        #expect(seen == written.reversed().filter { $0.peak.severity >= .medium }.map(\.id))
    }

    @Test func `a limit is brought into its range`() throws {
        var query = SignalQuery()
        query.limit = 0
        #expect(try reader.signals(query).signals.count == 1)
        query.limit = .max
        #expect(try reader.signals(query).signals.count == 600)
    }

    @Test func `a signal comes back whole`() throws {
        let original = written[122]
        let stored = try #require(try reader.signal(id: original.id)?.signal)
        #expect(stored.type == original.key.type)
        #expect(stored.label == original.key.label)
        #expect(stored.entity == original.key.entity)
        #expect(stored.entity.name == original.key.entity.name)
        #expect(stored.state == original.state)
        #expect(stored.opened == original.opened)
        #expect(stored.closed == original.closed)
        #expect(stored.peak == original.peak)
        #expect(stored.message == original.finding.message)
        #expect(try reader.signal(id: 601) == nil)
    }

    @Test func `statistics are those of the rows`() throws {
        let now = start.advanced(bySeconds: 6010)
        let statistics = try reader.statistics(now: now)
        #expect(statistics.all.total.count == 600)
        for type in SignalType.allCases {
            #expect(statistics.all[type].count == Int64(written.count { $0.key.type == type }))
        }
        let recent = written.filter { $0.opened.seconds >= now.seconds / 60 * 60 - 3600 }
        for severity in Severity.allCases {
            #expect(statistics.lastHour[severity].count == Int64(recent.count { $0.peak.severity == severity }))
        }
        #expect(statistics.lastHour.total.meanScore == 0.25)
        #expect(try reader.health().openSignals == Int64(written.count { $0.state == .open }))
    }

    private func matches(_ episode: Episode, _ query: SignalQuery) -> Bool {
        (query.types.isEmpty || query.types.contains(episode.key.type))
            && episode.peak.severity >= query.minimumSeverity
            && (query.state == nil || episode.state == query.state)
            && (query.entity == nil || episode.key.entity.name == query.entity || episode.key.entity.id == query.entity)
            && (query.since.map { episode.opened >= $0 } ?? true)
    }
}
