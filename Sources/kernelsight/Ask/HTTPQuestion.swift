import Foundation
import Glibc

/// One question over HTTP/1.0, a GET or a POST of JSON: the reply is whole when the connection ends, and nothing is chunked. The API is on this host or behind a
/// tunnel, so there is no TLS here.
enum HTTPQuestion {
    private static let patience = 10
    private static let most = 64 << 20

    static func ask(
        _ base: String, _ path: String, _ query: String, body: Data? = nil
    ) throws -> (status: Int, body: Data) {
        guard let url = URLComponents(string: base), url.scheme == "http", let host = url.host else {
            throw Failure("--api \(base): must be http://HOST:PORT; for TLS use a tunnel, or --db on the host itself")
        }
        let address = url.path.hasSuffix("/") ? String(url.path.dropLast()) : url.path
        let target = address + path + (query.isEmpty ? "" : "?\(query)")
        let descriptor = try connect(host, url.port ?? 80, base)
        defer { close(descriptor) }
        let method = body == nil ? "GET" : "POST"
        let content = body.map { "Content-Type: application/json\r\nContent-Length: \($0.count)\r\n" } ?? ""
        let head = "\(method) \(target) HTTP/1.0\r\nHost: \(host)\r\nAccept: application/json\r\n\(content)\r\n"
        let request = Array(head.utf8) + (body ?? Data())
        guard send(descriptor, request, request.count, Int32(MSG_NOSIGNAL)) == request.count else {
            throw Failure("\(base): \(String(cString: strerror(errno)))")
        }
        var received = Data()
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while received.count < most {
            let count = recv(descriptor, &chunk, chunk.count, 0)
            if count == 0 { return try parse(received, base) }
            guard count > 0 else { throw Failure("\(base) gave no answer in \(patience) s") }
            received.append(contentsOf: chunk[..<count])
        }
        throw Failure("\(base) answered more than \(most >> 20) MB")
    }

    private static func connect(_ host: String, _ port: Int, _ base: String) throws -> Int32 {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let result = getaddrinfo(host, "\(port)", &hints, &list)
        guard result == 0 else { throw Failure("--api \(base): \(String(cString: gai_strerror(result)))") }
        defer { freeaddrinfo(list) }
        var reason = "no address"
        var next = list
        while let info = next?.pointee {
            next = info.ai_next
            let descriptor = socket(info.ai_family, info.ai_socktype | Int32(SOCK_CLOEXEC.rawValue), info.ai_protocol)
            guard descriptor >= 0 else { continue }
            var limit = timeval(tv_sec: patience, tv_usec: 0)
            for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
                setsockopt(descriptor, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
            }
            if Glibc.connect(descriptor, info.ai_addr, info.ai_addrlen) == 0 { return descriptor }
            reason = String(cString: strerror(errno))
            close(descriptor)
        }
        throw Failure(
            "\(base) does not answer (\(reason)): start it with deploy/up, name it with --api, or read the files with --db PATH"
        )
    }

    private static func parse(_ data: Data, _ base: String) throws -> (status: Int, body: Data) {
        guard let end = data.range(of: Data("\r\n\r\n".utf8)),
            let line = String(decoding: data[..<end.lowerBound], as: UTF8.self).split(separator: "\r\n").first,
            let status = line.split(separator: " ").dropFirst().first.flatMap({ Int($0) })
        else { throw Failure("\(base) does not speak HTTP") }
        return (status, Data(data[end.upperBound...]))
    }
}
