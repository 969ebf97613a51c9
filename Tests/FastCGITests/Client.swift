import Glibc

/// A web server's side of FastCGI, record by record, right or wrong as the test wants.
final class Client {
    enum RecordType: UInt8 {
        case begin = 1
        case abort, end, parameters, input, output, error, data, getValues
    }

    struct Reply {
        var output: [UInt8] = []
        /// Whether the server said that the request was completed.
        var ended = false

        /// Head and body of the CGI reply.
        var head: String { split.0 }
        var body: String { split.1 }
        var status: Int? { head.hasPrefix("Status: ") ? Int(head.dropFirst(8).prefix(3)) : nil }

        private var split: (String, String) {
            let text = String(decoding: output, as: UTF8.self)
            guard let end = text.firstRange(of: "\r\n\r\n") else { return (text, "") }
            return (String(text[..<end.lowerBound]), String(text[end.upperBound...]))
        }
    }

    let descriptor: Int32

    init?(_ path: String) {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        // No test may hang: a reply that takes ten seconds is a failure.
        var limit = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        let connected = withUnsafeBytes(of: address) {
            connect(
                descriptor, $0.assumingMemoryBound(to: sockaddr.self).baseAddress,
                socklen_t(MemoryLayout<sockaddr_un>.size))
        }
        // `deinit` closes it.
        if connected != 0 { return nil }
    }

    deinit { close(descriptor) }

    /// Sends bytes; false when the server has closed.
    @discardableResult func send(_ bytes: [UInt8]) -> Bool {
        Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count
    }

    /// Waits for the next reply on the connection; `ended` is false when the connection ended before it was complete.
    func reply() -> Reply {
        var reply = Reply()
        while let header = read(8) {
            let length = Int(header[4]) << 8 | Int(header[5])
            guard let content = read(length), read(Int(header[6])) != nil else { break }
            switch RecordType(rawValue: header[1]) {
            case .output: reply.output += content
            case .end:
                reply.ended = content.count == 8 && content[4] == 0
                return reply
            default: break
            }
        }
        return reply
    }

    /// Whether the server has closed the connection; waits for it.
    var isClosed: Bool { read(1) == nil }

    private func read(_ count: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        var have = 0
        while have < count {
            let got = bytes.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress! + have, count - have) }
            guard got > 0 else { return nil }
            have += got
        }
        return bytes
    }

    // MARK: Records

    static func record(
        _ type: RecordType, id: UInt16 = 1, version: UInt8 = 1, padding: UInt8 = 0, _ content: [UInt8] = []
    )
        -> [UInt8]
    {
        [
            version, type.rawValue, UInt8(id >> 8), UInt8(id & 255), UInt8(content.count >> 8),
            UInt8(content.count & 255), padding, 0,
        ] + content + [UInt8](repeating: 0, count: Int(padding))
    }

    static func begin(keep: Bool) -> [UInt8] { record(.begin, [0, 1, keep ? 1 : 0, 0, 0, 0, 0, 0]) }

    static func pair(_ name: [UInt8], _ value: [UInt8]) -> [UInt8] {
        length(name.count) + length(value.count) + name + value
    }

    static func length(_ count: Int) -> [UInt8] {
        count < 128
            ? [UInt8(count)]
            : [UInt8(count >> 24 & 127 | 128), UInt8(count >> 16 & 255), UInt8(count >> 8 & 255), UInt8(count & 255)]
    }

    static func request(
        method: String = "GET", path: String = "/", query: String = "", others: [(String, String)] = [],
        body: [UInt8] = [], keep: Bool = false, recordSize: Int = 65_535
    ) -> [UInt8] {
        let all = [("REQUEST_METHOD", method), ("DOCUMENT_URI", path), ("QUERY_STRING", query)] + others
        let parameters = all.flatMap { pair(Array($0.0.utf8), Array($0.1.utf8)) }
        func stream(_ type: RecordType, _ bytes: [UInt8]) -> [UInt8] {
            stride(from: 0, to: bytes.count, by: recordSize).flatMap {
                record(type, padding: 3, Array(bytes[$0..<min($0 + recordSize, bytes.count)]))
            } + record(type)
        }
        return begin(keep: keep) + stream(.parameters, parameters) + stream(.input, body)
    }
}
