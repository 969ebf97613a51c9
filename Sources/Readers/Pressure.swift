import Model

/// The `total` counters of the three files of `/proc/pressure`, in microseconds.
struct PressureSample: Counters {
    struct Stall: Equatable {
        var some: UInt64 = 0
        /// Stays 0 for the CPU before kernel 5.13.
        var full: UInt64 = 0

        /// `some avg10=4.20 avg60=1.90 avg300=3.21 total=30201490`
        init?(parsing bytes: UnsafeRawBufferPointer) {
            var file = Scanner(bytes)
            var hasSome = false
            while var line = file.line() {
                guard let kind = line.word() else { continue }
                while let field = line.word() {
                    guard let total = field.dropping(prefix: "total=")?.number else { continue }
                    switch kind {
                    case "some":
                        some = total
                        hasSome = true
                    case "full": full = total
                    default: break
                    }
                }
            }
            guard hasSome else { return nil }
        }
    }

    var cpu: Stall
    var memory: Stall
    var io: Stall

    func rates(since earlier: PressureSample, seconds: Double) -> PressureReading? {
        var growth = Growth(seconds: seconds)
        func share(_ from: UInt64, _ to: UInt64) -> Double { min(1, growth.perSecond(from, to) / 1e6) }
        func stall(_ from: Stall, _ to: Stall) -> PressureReading.Stall {
            .init(some: share(from.some, to.some), full: share(from.full, to.full))
        }
        let reading = PressureReading(
            cpu: stall(earlier.cpu, cpu), memory: stall(earlier.memory, memory), io: stall(earlier.io, io))
        return growth.wentBackwards ? nil : reading
    }
}

struct PressureReader: ~Copyable {
    private var cpu: ProcFile
    private var memory: ProcFile
    private var io: ProcFile
    private var rates = Rates<PressureSample>()

    init(root: String) {
        cpu = ProcFile(root + "/proc/pressure/cpu")
        memory = ProcFile(root + "/proc/pressure/memory")
        io = ProcFile(root + "/proc/pressure/io")
    }

    mutating func read(_ buffer: inout ReadBuffer, at now: UInt64) throws(ReaderError) -> PressureReading? {
        let sample = PressureSample(
            cpu: try cpu.read(&buffer, PressureSample.Stall.init(parsing:)),
            memory: try memory.read(&buffer, PressureSample.Stall.init(parsing:)),
            io: try io.read(&buffer, PressureSample.Stall.init(parsing:)))
        return rates.next(sample, at: now)
    }
}
