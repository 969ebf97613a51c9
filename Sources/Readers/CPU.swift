import Model

/// `/proc/stat` as it stands.
struct CPUSample: Counters {
    /// Clock ticks in each mode. Guest time is part of user and nice, so that it is not read.
    struct Times: Equatable {
        var user: UInt64 = 0
        var nice: UInt64 = 0
        var system: UInt64 = 0
        var idle: UInt64 = 0
        var iowait: UInt64 = 0
        var irq: UInt64 = 0
        var softirq: UInt64 = 0
        var steal: UInt64 = 0
    }

    var total = Times()
    var cores: [Int: Times] = [:]
    var contextSwitches: UInt64 = 0
    var forks: UInt64 = 0
    var running = 0
    var blocked = 0

    init?(parsing bytes: UnsafeRawBufferPointer) {
        var file = Scanner(bytes)
        var hasTotal = false
        while var line = file.line() {
            guard let key = line.word() else { continue }
            switch key {
            case "cpu":
                guard let times = Times(parsing: &line) else { return nil }
                total = times
                hasTotal = true
            case "ctxt": contextSwitches = line.number() ?? 0
            case "processes": forks = line.number() ?? 0
            case "procs_running": running = line.count() ?? 0
            case "procs_blocked": blocked = line.count() ?? 0
            default:
                guard let core = key.dropping(prefix: "cpu")?.number.flatMap(Int.init(exactly:)) else { continue }
                guard let times = Times(parsing: &line) else { return nil }
                cores[core] = times
            }
        }
        guard hasTotal else { return nil }
    }

    func rates(since earlier: CPUSample, seconds: Double) -> CPUReading? {
        var growth = Growth(seconds: seconds)
        let contextSwitches = growth.perSecond(earlier.contextSwitches, contextSwitches)
        let forks = growth.perSecond(earlier.forks, forks)
        guard !growth.wentBackwards, let total = total.shares(since: earlier.total) else { return nil }
        var shares: [Int: CPUReading.Shares] = [:]
        for (core, times) in cores {
            guard let before = earlier.cores[core], let share = times.shares(since: before) else { continue }
            shares[core] = share
        }
        var reading = CPUReading(
            total: total, cores: shares, contextSwitchesPerSecond: contextSwitches, forksPerSecond: forks,
            running: running, blocked: blocked)
        reading.seconds = seconds
        return reading
    }
}

extension CPUSample.Times {
    init?(parsing line: inout Scanner) {
        guard let user = line.number(), let nice = line.number(), let system = line.number(), let idle = line.number()
        else { return nil }
        self.user = user
        self.nice = nice
        self.system = system
        self.idle = idle
        iowait = line.number() ?? 0
        irq = line.number() ?? 0
        softirq = line.number() ?? 0
        steal = line.number() ?? 0
    }

    /// `nil` after a reset, and when less than a clock tick has passed.
    func shares(since earlier: Self) -> CPUReading.Shares? {
        var growth = Growth(seconds: 1)
        let user = growth.count(earlier.user, user)
        let nice = growth.count(earlier.nice, nice)
        let system = growth.count(earlier.system, system)
        let irq = growth.count(earlier.irq, irq)
        let softirq = growth.count(earlier.softirq, softirq)
        let steal = growth.count(earlier.steal, steal)
        // The kernel itself steps these two back now and then (proc(5)): a small correction and no reset.
        let idle = idle > earlier.idle ? idle - earlier.idle : 0
        let iowait = iowait > earlier.iowait ? iowait - earlier.iowait : 0
        let sum = Double(user + nice + system + idle + iowait + irq + softirq + steal)
        guard !growth.wentBackwards, sum > 0 else { return nil }
        var shares = CPUReading.Shares()
        shares.user = Double(user) / sum
        shares.nice = Double(nice) / sum
        shares.system = Double(system) / sum
        shares.idle = Double(idle) / sum
        shares.iowait = Double(iowait) / sum
        shares.irq = Double(irq) / sum
        shares.softirq = Double(softirq) / sum
        shares.steal = Double(steal) / sum
        return shares
    }
}

struct CPUReader: ~Copyable {
    private var file: ProcFile
    private var rates = Rates<CPUSample>()

    init(root: String) { file = ProcFile(root + "/proc/stat") }

    mutating func read(_ buffer: inout ReadBuffer, at now: UInt64) throws(ReaderError) -> CPUReading? {
        rates.next(try file.read(&buffer, CPUSample.init(parsing:)), at: now)
    }
}
