import Store

extension Problem {
    /// What the database could not do, as a reply; the store's own words say what to do about it.
    init(_ error: StoreError) {
        let detail = error.description
        self =
            switch error {
            case .missing: .unavailable("database-missing", detail, retryAfter: 2)
            case .schema: .unavailable("unknown-schema", detail, retryAfter: 10)
            case .unreadable, .denied: .unavailable("database-unreadable", detail, retryAfter: 10)
            case .busy: .unavailable("busy", detail, retryAfter: 1)
            case .timedOut: .unavailable("timed-out", detail, retryAfter: 1)
            case .failed, .closed, .writerRuns: .unavailable("database-failed", detail, retryAfter: 5)
            case .invalid(let reason):
                Problem(
                    status: 422, code: "bad-parameters", title: "Parameters are not as they should be", detail: reason)
            }
    }
}

extension StoreError {
    /// In one or two words, for `database` in `/api/health`.
    var databaseState: String {
        switch self {
        case .missing: "not found"
        case .schema: "unknown schema"
        case .unreadable: "unreadable"
        case .denied: "denied"
        case .busy, .timedOut: "busy"
        case .writerRuns, .invalid, .closed, .failed: "failed"
        }
    }
}
