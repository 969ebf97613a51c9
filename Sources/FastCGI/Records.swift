import CFastCGI
import Glibc

/// A reply as FastCGI records: the output, its end, and the end of the request.
struct Records {
    private(set) var bytes: [UInt8] = []
    private let id: UInt16
    /// The most that a record holds, in whole eight-byte words.
    private static let contentLimit = 65_528

    /// - Parameter output: The parts of the output in their order, so that nobody has to join them before.
    init(id: Int32, output: [UInt8]...) {
        self.id = UInt16(truncatingIfNeeded: id)
        bytes.reserveCapacity(output.reduce(32) { $0 + $1.count + ($1.count / Self.contentLimit + 1) * 8 })
        for part in output {
            for start in stride(from: 0, to: part.count, by: Self.contentLimit) {
                append(UInt8(FCGI_STDOUT), part[start..<min(start + Self.contentLimit, part.count)])
            }
        }
        append(UInt8(FCGI_STDOUT), [])
        // Application status 0, FCGI_REQUEST_COMPLETE.
        append(UInt8(FCGI_END_REQUEST), [0, 0, 0, 0, 0, 0, 0, 0])
    }

    /// Sends everything; false when the peer went away or did not read for the connection's time limit.
    func send(to connection: Int32) -> Bool {
        bytes.withUnsafeBytes { bytes in
            var sent = 0
            while sent < bytes.count {
                let count = Glibc.send(
                    connection, bytes.baseAddress?.advanced(by: sent), bytes.count - sent, Int32(MSG_NOSIGNAL))
                if count < 0 && errno == EINTR { continue }
                guard count > 0 else { return false }
                sent += count
            }
            return true
        }
    }

    private mutating func append(_ type: UInt8, _ content: ArraySlice<UInt8>) {
        bytes.append(UInt8(FCGI_VERSION_1))
        bytes.append(type)
        bytes.append(UInt8(id >> 8))
        bytes.append(UInt8(id & 255))
        bytes.append(UInt8(content.count >> 8))
        bytes.append(UInt8(content.count & 255))
        bytes.append(0)
        bytes.append(0)
        bytes += content
    }
}
