import Foundation
import Model
import Testing

@testable import Store

/// What the writer says when it cannot have its files.
struct WriterAccessTests {
    @Test func `a directory that is not there is named`() throws {
        let scratch = try Scratch()
        let reason = "there is no such directory; make it, or correct database.path in config.yaml"
        #expect(throws: StoreError.denied(path: scratch.path + "/none", reason: reason)) {
            try Writer(path: scratch.path + "/none/kernelsight.db")
        }
    }

    @Test func `a file where the directory should be is named`() throws {
        let scratch = try Scratch()
        try Data().write(to: URL(fileURLWithPath: scratch.path + "/file"))
        #expect(throws: StoreError.denied(path: scratch.path + "/file", reason: "cannot be written: Not a directory")) {
            try Writer(path: scratch.path + "/file/kernelsight.db")
        }
    }

    /// Needs root, to mount something.
    @Test(.enabled(if: getuid() == 0)) func `a file system that is read-only is named`() throws {
        let scratch = try Scratch()
        let mounted = try run("/bin/mount", "-t", "tmpfs", "-o", "size=1m,ro", "tmpfs", scratch.path)
        try #require(mounted.status == 0, "\(mounted.output)")
        defer { _ = try? run("/bin/umount", "-l", scratch.path) }
        #expect {
            try Writer(path: scratch.database)
        } throws: {
            "\($0)".hasPrefix("\(scratch.path): is on a file system that is mounted read-only")
        }
    }
}
