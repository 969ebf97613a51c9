import CLibBPF
import Glibc
import Model

/// `page_fault_tracer`: minor and major faults, their latency, and the slow ones. `docs/tracers/page_fault_tracer.md`
/// says what counts as a fault.
final class PageFaultTracer: Tracer {
    static let name = TracerName.pageFault
    static let fallback = "/proc/vmstat and /proc/PID/stat: faults are counted, their latency is not known"

    /// `enum perf_sw_ids` in `linux/perf_event.h`.
    private enum SoftwareEvent {
        static let minorFaults: UInt64 = 5
        static let majorFaults: UInt64 = 6
    }

    let program: TracerProgram
    private let faults: PerCPUArray
    private let globals: MappedSection
    private var previous: [[UInt64]]?
    /// Stays on while the other hooks come off: a thread that ends between that and the stock-taking takes its fault
    /// along.
    private let exit: ExitHook

    init(host: TracerHost, limits: TracerLimits) throws(LoadFailure) {
        let exit = ExitHook()
        program = try TracerProgram(
            Self.name, image: BPFImage.pageFaultTracer, eventSize: MemoryLayout<page_fault_event>.stride, host: host,
            limits: limits
        ) { object throws(LoadFailure) in
            try exit.attach(object)
            try object.attach(
                "major_fault", toSoftwareEvent: SoftwareEvent.majorFaults, named: "perf_event/major-faults")
            try object.attach(
                "minor_fault", toSoftwareEvent: SoftwareEvent.minorFaults, named: "perf_event/minor-faults")
            try object.attach("page_fault_kernel")
            try object.attach("page_fault_user")
        }
        self.exit = exit
        faults = program.object.perCPUArray("faults")
        globals = try program.object.section(".bss")
    }

    func read(clock: KernelClock) -> PageFaultReading {
        faults.refresh()
        let current = (0..<Int(FAULT_KINDS.rawValue)).map(faults.sum)
        let grown = current.indices.map { current[$0].since(previous?[$0]) }
        previous = current
        let (minor, major) = (grown[Int(FAULT_MINOR.rawValue)], grown[Int(FAULT_MAJOR.rawValue)])
        return PageFaultReading(
            minor: minor[0], major: major[0], minorLatency: LatencyHistogram(counts: minor.dropFirst()),
            majorLatency: LatencyHistogram(counts: major.dropFirst()),
            events: program.takeEvents(as: page_fault_event.self) { PageFaultEvent($0, clock: clock) })
    }

    func claim(last: Bool) -> UInt64 {
        let offset = program.object.offset(of: "in_flight", in: ".bss")
        let before = globals[offset, as: UInt64.self]
        if exit.link != nil, let walk = HookLink(bpf_program__attach_iter(program.object.program("stamps"), nil)) {
            let descriptor = bpf_iter_create(walk.descriptor)
            var nothing: UInt64 = 0
            while Glibc.read(descriptor, &nothing, MemoryLayout.size(ofValue: nothing)) > 0 {}
            close(descriptor)
        }
        if last { exit.link = nil }
        return globals[offset, as: UInt64.self] - before
    }
}

/// The hook that stays while the others come and go.
private final class ExitHook {
    var link: HookLink?

    func attach(_ object: BPFObject) throws(LoadFailure) {
        guard link == nil else { return }
        link = HookLink(bpf_program__attach(object.program("sched_process_exit")))
        if link == nil { throw LoadFailure("attaching tp_btf/sched_process_exit", errno: errno, log: "") }
    }
}

/// A program on its hook for as long as this lives.
private final class HookLink {
    private let link: OpaquePointer

    init?(_ link: OpaquePointer?) {
        guard let link else { return nil }
        self.link = link
    }

    deinit { bpf_link__destroy(link) }

    var descriptor: Int32 { bpf_link__fd(link) }
}

extension PageFaultEvent {
    /// From the record that the BPF program writes.
    init(_ record: page_fault_event, clock: KernelClock) {
        let access: Access =
            switch UInt32(record.access) {
            case FAULT_WRITE.rawValue: .write
            case FAULT_INSTRUCTION.rawValue: .instruction
            default: .read
            }
        self.init(
            time: clock.wall(record.time_ns), task: TaskIdentity(record.task), cpu: Int32(clamping: record.cpu),
            address: record.address, access: access, userMode: record.user_mode != 0, major: record.major != 0,
            latencyNanoseconds: record.latency_ns)
    }
}
