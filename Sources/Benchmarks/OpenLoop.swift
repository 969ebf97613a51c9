import Foundation
import Glibc
import Synchronization

/// Requests that come when they come, whether the last one was answered or not: each answer's time counts from when its request was
/// due, so that a stall delays all that would have come meanwhile.
enum OpenLoop {
    /// Asks for the paths in turn, `rate` times a second, and returns what each answer took in milliseconds, sorted.
    ///
    /// - Parameter connections: Each a thread that asks now and then.
    static func run(
        port: Int, paths: [String], rate: Int, seconds: Int, connections: Int = 100, headers: String = ""
    ) throws -> [Double] {
        let answers = Mutex<[Double]>([])
        let failure = Mutex<String?>(nil)
        let all = DispatchGroup()
        let start = ContinuousClock.now + .milliseconds(100)
        let each = rate * seconds / connections
        for index in 0..<connections {
            all.enter()
            Thread.detachNewThread {
                defer { all.leave() }
                do {
                    let connection = try Connection(port: port)
                    for turn in 0..<each {
                        let number = turn * connections + index
                        let due = start + .nanoseconds(number * 1_000_000_000 / rate)
                        let early = (due - .now) / .microseconds(1)
                        if early > 0 { usleep(UInt32(early)) }
                        try connection.get(paths[number % paths.count], headers)
                        answers.withLock { $0.append((.now - due).milliseconds) }
                    }
                } catch {
                    failure.withLock { $0 = "\(error)" }
                }
            }
        }
        all.wait()
        if let failure = failure.withLock({ $0 }) { throw BenchmarkFailure(failure) }
        return answers.withLock { $0.sorted() }
    }

    static func isFree(port: Int) -> Bool { (try? Connection(port: port)) == nil }

    /// A kept connection to 127.0.0.1.
    private struct Connection: ~Copyable {
        private let descriptor: Int32

        init(port: Int) throws {
            descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = in_port_t(port).bigEndian
            address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
            let connected = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            guard connected == 0 else { throw BenchmarkFailure("cannot connect to port \(port)") }
        }

        deinit { close(descriptor) }

        /// Asks and reads the whole answer, which must be 200.
        func get(_ path: String, _ headers: String) throws {
            let request = "GET \(path) HTTP/1.1\r\nHost: localhost\r\n\(headers)\r\n"
            guard send(descriptor, request, request.utf8.count, Int32(MSG_NOSIGNAL)) == request.utf8.count
            else {
                throw BenchmarkFailure("the connection broke at \(path)")
            }
            var answer: [UInt8] = []
            var chunk = [UInt8](repeating: 0, count: 65_536)
            var header: (bytes: Int, length: Int?)?
            while true {
                let count = read(descriptor, &chunk, chunk.count)
                guard count > 0 else { throw BenchmarkFailure("the answer to \(path) broke off") }
                answer += chunk[..<count]
                header = try header ?? Self.header(of: answer, path)
                guard let header else { continue }
                let body = answer[header.bytes...]
                if header.length.map({ body.count >= $0 }) ?? Self.isWhole(body) { return }
            }
        }

        /// Bytes of the header, once it is there, and of the body; this is in chunks where it says nothing of them.
        private static func header(of answer: [UInt8], _ path: String) throws -> (bytes: Int, length: Int?)? {
            let text = String(decoding: answer.prefix(4096), as: UTF8.self)
            guard let end = text.range(of: "\r\n\r\n") else { return nil }
            let lines = text[..<end.lowerBound].lowercased().components(separatedBy: "\r\n")
            guard lines[0].hasPrefix("http/1.1 200") else { throw BenchmarkFailure("\(path): \(lines[0])") }
            let length = lines.first { $0.hasPrefix("content-length:") }.flatMap {
                Int($0.dropFirst(15).trimmingCharacters(in: .whitespaces))
            }
            return (text[..<end.upperBound].utf8.count, length)
        }

        /// Whether the last chunk, which is empty, is there.
        private static func isWhole(_ chunks: ArraySlice<UInt8>) -> Bool {
            var rest = chunks
            while let end = rest.firstIndex(of: UInt8(ascii: "\r")), rest.count >= end - rest.startIndex + 2 {
                guard let size = Int(String(decoding: rest[..<end], as: UTF8.self), radix: 16) else { return false }
                let next = end + 2 + size + 2
                guard next <= rest.endIndex else { return false }
                if size == 0 { return true }
                rest = rest[next...]
            }
            return false
        }
    }
}
