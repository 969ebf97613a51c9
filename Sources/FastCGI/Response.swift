/// What a handler answers.
public struct Response: Sendable {
    /// 200–599.
    public var status: Int
    /// In the order they are sent. `Content-Length` is the server's business and left out if it is given.
    public var headers: [(name: String, value: String)]
    public var body: [UInt8]

    public init(status: Int = 200, headers: [(name: String, value: String)] = [], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// Whether a reply of this status has no body by definition, and no length either.
    var isBodiless: Bool { status == 204 || status == 304 }

    /// Status line and headers in CGI form, ready to send. `Content-Length` is what the body has, for HEAD too.
    func head() -> [UInt8] {
        var head: [UInt8] = []
        head.reserveCapacity(256)
        head += "Status: \(status) \(Self.reason(status))\r\n".utf8
        for (name, value) in headers where !name.utf8.elementsEqual("Content-Length".utf8) {
            head += name.utf8.lazy.map(Self.headerByte)
            head += ": ".utf8
            head += value.utf8.lazy.map(Self.headerByte)
            head += "\r\n".utf8
        }
        if !isBodiless { head += "Content-Length: \(body.count)\r\n".utf8 }
        head += "\r\n".utf8
        return head
    }

    /// A control character would end the header or the head: a space takes its place.
    private static func headerByte(_ byte: UInt8) -> UInt8 { byte < 0x20 || byte == 0x7F ? 0x20 : byte }

    private static func reason(_ status: Int) -> StaticString {
        switch status {
        case 200: "OK"
        case 204: "No Content"
        case 304: "Not Modified"
        case 400: "Bad Request"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 413: "Content Too Large"
        case 414: "URI Too Long"
        case 422: "Unprocessable Content"
        case 429: "Too Many Requests"
        case 500: "Internal Server Error"
        case 503: "Service Unavailable"
        default: status < 400 ? "OK" : "Error"
        }
    }
}
