import FastCGI
import Model
import Store

/// A JSON reply that is no error.
struct Reply {
    /// How long it may be kept by whoever stands between.
    enum Caching {
        /// One second, two more while somebody fetches a new one, and ten where nobody can be reached who has one.
        case briefly
        case never
    }

    var status = 200
    var caching = Caching.briefly
    /// Seconds after which it is worth while to ask again, with status 503.
    var retryAfter: Int?
    /// The methods that the path can be asked with, where these were asked for.
    var allowed: String?
    var contentType = "application/json"
    /// Whether the request's Accept header decides about the form.
    var variesByAccept = false
    var body: [UInt8]

    /// Writes one JSON object.
    init(capacity: Int = 1024, _ write: (inout JSONWriter) throws -> Void) rethrows {
        var json = JSONWriter(capacity: capacity)
        try json.object(write)
        body = json.bytes
    }

    /// Text in one of several forms.
    init(contentType: String, body: [UInt8]) {
        self.contentType = contentType
        self.body = body
        variesByAccept = true
    }

    /// What OPTIONS is answered with.
    static func options(_ methods: String) -> Reply {
        var reply = Reply(capacity: 0) { _ in }
        reply.status = 204
        reply.allowed = methods
        return reply
    }

    func response(ifNoneMatch: String?) -> Response {
        if let allowed {
            return Response(status: status, headers: [("Allow", allowed), ("Cache-Control", "no-store")])
        }
        guard case .briefly = caching else {
            var headers = [("Content-Type", contentType), ("Cache-Control", "no-store")]
            if let retryAfter { headers.append(("Retry-After", "\(retryAfter)")) }
            return Response(status: status, headers: headers, body: body)
        }
        let tag = EntityTag(body)
        var headers = [
            ("Content-Type", contentType),
            ("Cache-Control", "public, max-age=1, stale-while-revalidate=2, stale-if-error=10"), ("ETag", tag.text),
        ]
        if variesByAccept { headers.append(("Vary", "Accept")) }
        if let ifNoneMatch, tag.matches(ifNoneMatch: ifNoneMatch) { return Response(status: 304, headers: headers) }
        return Response(status: status, headers: headers, body: body)
    }
}

extension JSONWriter {
    /// The time of the data that a reply was made from, so that whoever reads a kept one can tell its age; null when
    /// nothing has been written yet, or when the reply needs no data.
    mutating func dataTime(_ time: Timestamp?, isStale: Bool) {
        if let time, time.nanoseconds != 0 {
            member("data_timestamp", rfc3339: time)
            member("data_timestamp_ns", time.nanoseconds)
        } else {
            member("data_timestamp", nil as String?)
            member("data_timestamp_ns", nil as Double?)
        }
        member("stale", isStale)
    }

    /// The same of what the collector has written, and how complete it is.
    ///
    /// - Parameter time: Of the data that this reply is made from.
    mutating func data(of time: Timestamp, in state: Reader.State, isStale: Bool) {
        dataTime(time, isStale: isStale)
        member("completeness", json: state.completeness)
    }
}
