import Foundation
import Glibc
import Testing

/// A Python program that says a line, waits for a line, and so goes step by step with a test.
final class SteppedChild {
    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()
    private var pending: [UInt8] = []

    /// `script` may use `step(text)`, which says a line and waits, and `sys.argv`.
    init(_ script: String, _ arguments: String...) throws {
        let preamble = """
            import sys, os, mmap, resource, ctypes
            def step(text):
                os.write(1, (text + "\\n").encode())
                os.read(0, 1)

            """
        process.executableURL = URL(filePath: "/usr/bin/python3")
        process.arguments = ["-c", preamble + script] + arguments
        process.standardInput = input
        process.standardOutput = output
        try process.run()
    }

    deinit {
        guard process.isRunning else { return }
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    /// The numbers of the next line.
    func numbers() throws -> [UInt64] {
        try line().split(separator: " ").map { try #require(UInt64($0)) }
    }

    /// Lets it go on from a `step`.
    func go() { input.fileHandleForWriting.write(Data("\n".utf8)) }

    private func line() throws -> String {
        let descriptor = output.fileHandleForReading.fileDescriptor
        while true {
            if let end = pending.firstIndex(of: 10) {
                defer { pending.removeFirst(end + 1) }
                return String(decoding: pending[..<end], as: UTF8.self)
            }
            var ready = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            try #require(poll(&ready, 1, 120_000) == 1, "the child says nothing")
            var chunk = [UInt8](repeating: 0, count: 4096)
            let count = read(descriptor, &chunk, chunk.count)
            try #require(count > 0, "the child ended")
            pending += chunk[..<count]
        }
    }
}

/// Whether a condition comes true within a number of seconds.
func eventually(within seconds: Double = 20, _ condition: () -> Bool) -> Bool {
    let deadline = Date(timeIntervalSinceNow: seconds)
    while Date() < deadline {
        if condition() { return true }
        usleep(20_000)
    }
    return condition()
}

/// A path that goes away with this, on a file system that has a disk below.
final class DiskFile {
    let path = "/var/tmp/kernelsight-test-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
    deinit { unlink(path) }
}
