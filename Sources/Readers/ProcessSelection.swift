import Model

/// Which processes are worth a closer look: the most active of each kind, so that no kind crowds out another.
enum ProcessSelection {
    /// Positions in `readings`, at most `count`: those that are watched, then a quarter each by CPU time, faults, I/O and
    /// memory, then by CPU time again. Only memory makes an idle process count.
    static func choose(from readings: [ProcessReading], watching: [Int32], count: Int) -> [Int] {
        var chosen: [Int] = []
        var taken = Set<Int>()
        func take(_ position: Int) {
            if chosen.count < count, taken.insert(position).inserted { chosen.append(position) }
        }
        func take(_ limit: Int, by score: (ProcessReading) -> Double) {
            let ranked = readings.indices.map { (position: $0, score: score(readings[$0])) }
                .filter { $0.score > 0 }
                .sorted { ($1.score, $0.position) < ($0.score, $1.position) }
            for entry in ranked.prefix(limit) { take(entry.position) }
        }
        if !watching.isEmpty {
            let watched = Set(watching)
            for position in readings.indices where watched.contains(readings[position].identity.pid) { take(position) }
        }
        take(count / 4, by: \.cpuShare)
        take(count / 4) { $0.majorFaultsPerSecond * 1000 + $0.minorFaultsPerSecond }
        // A process that waits for its disk uses no CPU, and what it reads is not known before it is looked at.
        take(count / 4) {
            ($0.readBytesPerSecond ?? 0) + ($0.writeBytesPerSecond ?? 0) + ($0.state == "D" ? 1 : 0)
        }
        take(count / 4) { Double($0.residentBytes) }
        take(count, by: \.cpuShare)
        return chosen
    }
}
