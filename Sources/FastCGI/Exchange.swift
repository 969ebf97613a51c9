import CFastCGI
import Glibc

/// One thread's dealings with libfcgi: reads a request, writes its reply, and keeps or closes the connection.
///
/// libfcgi is given connections that are accepted already, and no socket to accept from (`listen_sock` −1): its own
/// accept waits two seconds for a first byte, and cannot be told from a connection that ended.
struct Exchange: ~Copyable {
    /// At a fixed address: libfcgi's streams point into it.
    private let request: UnsafeMutablePointer<FCGX_Request>

    init() {
        request = .allocate(capacity: 1)
        FCGX_InitRequest(request, -1, 0)
    }

    deinit {
        FCGX_Free(request, 1)
        request.deallocate()
    }

    /// The open connection, or −1.
    var connection: Int32 { request.pointee.ipcFd }

    /// Takes over a connection that was accepted.
    func open(_ connection: Int32) {
        request.pointee.ipcFd = connection
        // Makes libfcgi close this connection without lingering, which waits up to two seconds for the peer: TCP needs
        // that, a unix socket delivers what was written.
        FCGX_Detach(request)
    }

    /// Ends the connection.
    func close() { FCGX_Free(request, 1) }

    /// Waits for the next request on the connection and reads it whole. `nil` when the connection ended, or sent what
    /// is not a request; it is closed then.
    func read(limits: Server.Limits) -> Request? {
        // FCGX_Accept_r first finishes the request before, which there is none of: with 0 it would close.
        request.pointee.keepConnection = 1
        fastcgi_expect_request(limits.parameterBytes)
        guard FCGX_Accept_r(request) == 0 else { return nil }
        var parameters: [(name: String, value: String)] = []
        parameters.reserveCapacity(16)
        var next = request.pointee.envp
        while let entry = next?.pointee {
            let text = UnsafeBufferPointer(
                start: UnsafeRawPointer(entry).assumingMemoryBound(to: UInt8.self), count: strlen(entry))
            if let equals = text.firstIndex(of: UInt8(ascii: "=")) {
                parameters.append(
                    (
                        String(decoding: text[..<equals], as: UTF8.self),
                        String(decoding: text[(equals + 1)...], as: UTF8.self)
                    ))
            }
            next = next?.advanced(by: 1)
        }
        let body = readBody(limit: limits.bodyBytes)
        // A connection that breaks between two parameters, or inside the body, looks like their end.
        guard FCGX_GetError(request.pointee.in) == 0 else {
            close()
            return nil
        }
        guard let body else { return Request(parameters: parameters, bodyIsTooLarge: true) }
        return Request(parameters: parameters, body: body)
    }

    /// Reads standard input to its end, also where nobody wants it: what is left would stand before the next request.
    /// `nil` when there is more than `limit`; the connection is closed after the reply then.
    private func readBody(limit: Int) -> [UInt8]? {
        var body: [UInt8] = []
        while true {
            let read = withUnsafeTemporaryAllocation(of: CChar.self, capacity: 4096) { chunk in
                let count = FCGX_GetStr(chunk.baseAddress, 4096, request.pointee.in)
                if count > 0 { body += UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(chunk)[..<Int(count)]) }
                return count
            }
            if body.count > limit {
                request.pointee.keepConnection = 0
                return nil
            }
            if read < 4096 { return body }
        }
    }

    /// Sends the reply. Keeps the connection if the web server wants that, everything was sent and `keeping` is true.
    ///
    /// All records go out in one call and not through libfcgi's buffer of 8 KB: a process that is killed between two
    /// writes would leave half a reply, which nobody can retry any more.
    func write(_ response: Response, withBody: Bool, keeping: Bool) {
        let records = Records(
            id: request.pointee.requestId,
            output: response.head(), withBody && !response.isBodiless ? response.body : [])
        let isSent = records.send(to: request.pointee.ipcFd)
        FCGX_Free(request, isSent && keeping && request.pointee.keepConnection != 0 ? 0 : 1)
    }
}
