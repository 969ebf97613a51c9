import ArgumentParser

/// A span of time as people write it: `7d`, `12h`, `30m`, `45s`.
struct Age: ExpressibleByArgument, Hashable {
    let seconds: Int64

    init?(argument: String) {
        let units: [Character: Int64] = ["d": 86_400, "h": 3600, "m": 60, "s": 1]
        guard let unit = argument.last.flatMap({ units[$0] }),
            argument.utf8.dropLast().allSatisfy({ (48...57).contains($0) }),
            let count = Int64(argument.dropLast()), count > 0, count <= Age.longest / unit
        else { return nil }
        seconds = count * unit
    }

    /// Ten years: the longest retention there is.
    private static let longest: Int64 = 3650 * 86_400
}
