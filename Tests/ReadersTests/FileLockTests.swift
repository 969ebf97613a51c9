import ChildProcess
import Foundation
import Glibc
import Model
import Testing

@testable import Readers

@Suite struct FileLockTests {
    private func waits(_ text: String) -> [[Int32]]? {
        Array(text.utf8).withUnsafeBytes { FileLockReader.waits(parsing: $0) }?.map { [$0.waiter, $0.holder] }
    }

    @Test func `who waits stands below the lock that is held, however many wait`() {
        let text = """
            1: POSIX  ADVISORY  READ 12 fe:00:9 128 128
            2: FLOCK  ADVISORY  WRITE 812 fe:00:131 0 EOF
            2: -> FLOCK  ADVISORY  WRITE 907 fe:00:131 0 EOF
            2:  -> FLOCK  ADVISORY  WRITE 908 fe:00:131 0 EOF
            3: OFDLCK ADVISORY  WRITE -1 fe:00:132 0 EOF
            3: -> POSIX  ADVISORY  WRITE 909 fe:00:132 0 EOF
            4: LEASE  ACTIVE    READ 13 fe:00:133 0 EOF

            """
        #expect(waits(text) == [[907, 812], [908, 812]])
        #expect(waits("") == [])
        #expect(waits("garbage\n") == nil)
    }

    @Test func `a process that waits for another's flock is seen with the holder's name`() throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "lock-\(UUID().uuidString)").path
        defer { unlink(file) }
        let descriptor = open(file, O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
        defer { close(descriptor) }
        #expect(flock(descriptor, LOCK_EX) == 0)
        let waiter = try ChildProcess("flock", [file, "true"], log: file + ".log")
        defer {
            waiter.stop()
            unlink(file + ".log")
        }
        var reader = FileLockReader(root: "")
        var buffer = ReadBuffer()
        let deadline = ContinuousClock.now + .seconds(20)
        var found: FileLockWait?
        while found == nil, ContinuousClock.now < deadline {
            found = try reader.read(&buffer).first { $0.waiter == waiter.pid }
        }
        #expect(found?.holder.pid == getpid())
        #expect(found?.comm.isEmpty == false)
    }
}
