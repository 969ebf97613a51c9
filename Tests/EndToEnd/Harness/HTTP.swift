import Foundation
import Glibc

/// A reply to one HTTP request.
struct Reply {
    var status: Int
    var headers: [String: String]
    var body: Data

    var text: String { String(decoding: body, as: UTF8.self) }

    /// The body as a JSON object.
    var json: [String: Any] {
        get throws {
            guard let object = try JSONSerialization.jsonObject(with: body) as? [String: Any] else {
                throw HTTPFailure("not a JSON object: \(String(decoding: body.prefix(200), as: UTF8.self))")
            }
            return object
        }
    }
}

struct HTTPFailure: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}

/// One request on a connection of its own, by hand: what a client library would retry or repair must be seen here.
func request(
    _ path: String, port: Int, method: String = "GET", headers: [String: String] = [:], seconds: Int = 10
) throws -> Reply {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw HTTPFailure("socket: errno \(errno)") }
    defer { close(descriptor) }
    var limit = timeval(tv_sec: seconds, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    let connected = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
    }
    guard connected == 0 else { throw HTTPFailure("connect to \(port): errno \(errno)") }

    var text = "\(method) \(path) HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
    for (name, value) in headers { text += "\(name): \(value)\r\n" }
    text += "\r\n"
    let bytes = Array(text.utf8)
    guard send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else {
        throw HTTPFailure("send: errno \(errno)")
    }
    var received = Data()
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
        let count = recv(descriptor, &buffer, buffer.count, 0)
        if count == 0 { break }
        guard count > 0 else { throw HTTPFailure("receive: errno \(errno)") }
        received.append(contentsOf: buffer[..<count])
    }
    return try parse(received, method: method)
}

private func parse(_ data: Data, method: String) throws -> Reply {
    guard let end = data.range(of: Data("\r\n\r\n".utf8)) else { throw HTTPFailure("no end of headers") }
    let lines = String(decoding: data[..<end.lowerBound], as: UTF8.self).components(separatedBy: "\r\n")
    let status = lines[0].split(separator: " ").dropFirst().first.flatMap { Int($0) }
    guard let status else { throw HTTPFailure("no status in \(lines[0])") }
    var headers: [String: String] = [:]
    for line in lines.dropFirst() {
        guard let colon = line.firstIndex(of: ":") else { continue }
        headers[line[..<colon].lowercased()] = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
    }
    var body = Data(data[end.upperBound...])
    if headers["transfer-encoding"] == "chunked" { body = try unchunk(body) }
    if method != "HEAD", let length = headers["content-length"].flatMap({ Int($0) }), length != body.count {
        throw HTTPFailure("body cut: \(body.count) of \(length) bytes")
    }
    return Reply(status: status, headers: headers, body: body)
}

private func unchunk(_ data: Data) throws -> Data {
    var rest = data[...]
    var body = Data()
    while let line = rest.range(of: Data("\r\n".utf8)) {
        let text = String(decoding: rest[..<line.lowerBound], as: UTF8.self)
        guard let size = Int(text.prefix { $0 != ";" }, radix: 16) else { break }
        if size == 0 { return body }
        guard rest.endIndex - line.upperBound >= size + 2 else { break }
        body.append(rest[line.upperBound..<line.upperBound + size])
        rest = rest[(line.upperBound + size + 2)...]
    }
    throw HTTPFailure("chunked body cut")
}
