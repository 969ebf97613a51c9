import Foundation
import GRDB
import Model
import Testing

@testable import Store

/// Needs root: mounts a small file system of its own.
@Suite(.serialized, .enabled(if: getuid() == 0))
struct DiskFullTests {
    @Test func `a disk that is full stops writes with a clear state, loses nothing, and goes on when there is space`()
        throws
    {
        let scratch = try Scratch()
        let mount = scratch.path + "/small"
        try FileManager.default.createDirectory(atPath: mount, withIntermediateDirectories: true)
        let mounted = try run("/bin/mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", mount)
        try #require(mounted.status == 0, "\(mounted.output)")
        defer { _ = try? run("/bin/umount", "-l", mount) }
        let path = mount + "/kernelsight.db"
        var configuration = WriterConfiguration.eager
        configuration.flushInterval = .milliseconds(20)
        configuration.pendingRows = 20_000
        let writer = try Writer(path: path, configuration: configuration)
        var id: Int64 = 0
        func submit() {
            id += 1
            writer.submit(TickRecord(time: start.advanced(bySeconds: Double(id) / 100), episodes: [episode(id)]))
        }
        var failure: StoreError?
        try eventually("the disk fills up") {
            for _ in 0..<100 { submit() }
            if case .failing(let error) = writer.status.state { failure = error }
            return failure != nil
        }
        guard case .failed(let code, let message) = failure else {
            Issue.record("a full disk is \(failure.map(\.description) ?? "nothing")")
            return
        }
        #expect([10, 13].contains(code & 0xFF), "\(message)")
        let committed = writer.status.stored.episodes
        #expect(committed > 0)
        let reader = Reader(path: path)
        #expect(try reader.health().signalCount == Int64(committed))
        for _ in 0..<50 { submit() }
        #expect(writer.status.pendingRows > 0)
        #expect(try run("/bin/mount", "-o", "remount,size=64m", mount).status == 0)
        try eventually("it goes on by itself") { writer.status.state == .running && writer.status.pendingRows == 0 }
        writer.close()
        #expect(writer.status.stored.episodes + writer.status.dropped.episodes == UInt64(id))
        #expect(try reader.health().signalCount == Int64(writer.status.stored.episodes))
        #expect(try run("/usr/bin/sqlite3", path, "PRAGMA integrity_check").output == "ok\n")
    }
}
