import Foundation
import Glibc
import Testing

@testable import FastCGI

/// What servers tell each other in files beside their sockets.
struct ScoreboardTests {
    private let directory: URL

    init() throws {
        directory = URL(filePath: NSTemporaryDirectory()).appending(path: "score-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    }

    private func path(_ name: String) -> String { directory.appending(path: name).path }

    private var counted: Server.Statistics {
        var statistics = Server.Statistics(pid: getpid(), started: 1_795_575_600_000_000_000, threads: 4)
        statistics.requests = 7
        return statistics
    }

    @Test func `what a server has written is read as long as it lives, and is gone with it`() throws {
        var board = Scoreboard(socket: path("1.sock"))
        #expect(Scoreboard.all(besides: path("1.sock")).isEmpty, "nothing has been written")
        board?.write(counted)
        let all = Scoreboard.all(besides: path("2.sock"))
        #expect(all.map(\.name) == ["1.sock"])
        #expect(all.first?.1.requests == 7)
        #expect(all.first?.1.started == 1_795_575_600_000_000_000)
        withExtendedLifetime(board) {}
        board = nil
        #expect(access(path("1.sock.score"), F_OK) != 0)
    }

    @Test func `a file that nobody holds is of a server that was killed`() throws {
        let board = Scoreboard(socket: path("1.sock"))
        board?.write(counted)
        try FileManager.default.copyItem(atPath: path("1.sock.score"), toPath: path("2.sock.score"))
        #expect(Scoreboard.all(besides: path("1.sock")).map(\.name) == ["1.sock"])
        withExtendedLifetime(board) {}
    }

    @Test func `a successor's file outlives the one that it replaced`() throws {
        var old = Scoreboard(socket: path("1.sock"))
        old?.write(counted)
        let new = Scoreboard(socket: path("1.sock"))
        new?.write(counted)
        old = nil
        #expect(Scoreboard.all(besides: path("1.sock")).count == 1)
        withExtendedLifetime(new) {}
    }

    @Test func `what is no such file is passed over`() throws {
        try Data(repeating: 0xFF, count: 72).write(to: directory.appending(path: "a.score"))
        try Data(repeating: 1, count: 5).write(to: directory.appending(path: "b.score"))
        mkfifo(path("c.score"), 0o644)
        symlink("/dev/zero", path("d.score"))
        mkdir(path("e.score"), 0o755)
        #expect(Scoreboard.all(besides: path("1.sock")).isEmpty)
        #expect(Scoreboard(socket: path("none/1.sock")) == nil)
    }
}
