import Foundation
import Glibc
import Testing

/// The collector's control socket, with callers that are slow, many or odd.
@Suite(.serialized) struct ControlSocketTests {
    /// A connection on which nothing was said yet.
    private func connect(_ stack: Stack) throws -> Int32 {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let path = stack.directory.appending(path: "run/collector.sock").path
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(result == 0)
        return descriptor
    }

    private func say(_ text: String, on descriptor: Int32) {
        let bytes = Array(text.utf8)
        send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }

    /// What comes until the other side closes.
    private func reply(on descriptor: Int32) -> String {
        var bytes = [UInt8](repeating: 0, count: 2048)
        var all: [UInt8] = []
        while case let count = recv(descriptor, &bytes, bytes.count, 0), count > 0 { all += bytes[..<count] }
        close(descriptor)
        return String(decoding: all, as: UTF8.self)
    }

    @Test func `who is slow keeps nobody waiting, a fifth of one user is told to wait, half a request is none`() throws
    {
        let stack = try Stack(config: "")
        try stack.startCollector()
        // Who says nothing has two seconds. Where this host takes longer over a round, nothing is known, and it is played again.
        try require(within: 30, "three who are silent, one who is answered, one who is told to wait") {
            let silent = try (0..<3).map { _ in try connect(stack) }
            defer { for descriptor in silent { close(descriptor) } }
            let fourth = try connect(stack)
            let fifth = reply(on: try connect(stack))
            say("prune 1\n", on: fourth)
            let answer = reply(on: fourth)
            var byte: UInt8 = 0
            let areSilent = silent.allSatisfy { recv($0, &byte, 1, Int32(MSG_DONTWAIT)) == -1 }
            return areSilent && answer == "ok signals=0\n"
                && fifth == "error 4 requests of this user are under way: try again\n"
        }

        // The last round's have to be seen to have gone.
        try require(within: 10, "half a request is none") {
            let half = try connect(stack)
            say("prune 1", on: half)
            shutdown(half, Int32(SHUT_WR))
            return reply(on: half).hasPrefix("error a request is one line")
        }
        let long = try connect(stack)
        say(String(repeating: "x", count: 1500) + "\n", on: long)
        #expect(reply(on: long).hasPrefix("error a request is one line"))
    }
}
