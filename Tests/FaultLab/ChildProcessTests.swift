import ChildProcess
import Foundation
import Glibc
import Testing

@Suite struct ChildProcessTests {
    @Test func `a program that is started has no file of its owner but those that it is given`() throws {
        let log = FileManager.default.temporaryDirectory.appending(path: "child-\(UUID().uuidString).log").path
        defer { unlink(log) }
        // As sockets of other threads are, which were made without CLOEXEC.
        let inherited = open("/dev/null", O_RDONLY)
        let given = fcntl(inherited, F_DUPFD_CLOEXEC, 10)
        defer { for descriptor in [inherited, given] { close(descriptor) } }
        let child = try ChildProcess("sh", ["-c", "ls /proc/self/fd"], log: log, descriptors: [given])
        #expect(child.wait(seconds: 60))
        // The last one is of the directory that is listed.
        #expect(child.output.split(separator: "\n") == ["0", "1", "2", "3", "4"])
    }
}
