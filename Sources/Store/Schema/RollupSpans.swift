import Model

/// The spans that rollups are kept for, in seconds.
enum RollupSpans {
    /// Minute, ten minutes, hour, six hours, day, week: each is a part of the next, so that a window of whole minutes is some
    /// thirty of them however long it is.
    static let parts: [Int64] = [60, 600, 3600, 21_600, 86_400, 604_800]
    /// 0 stands for everything there is.
    static let all = [0] + parts

    /// The start of the span that a time lies in, in seconds since the epoch.
    static func start(of span: Int64, at time: Timestamp) -> Int64 {
        span == 0 ? 0 : time.nanoseconds / (span * 1_000_000_000) * span
    }
}
