import CLibBPF
import Model

/// `io_latency_tracer`: block requests by device and operation, queue depth, and the slow ones.
/// `docs/tracers/io_latency_tracer.md` says which requests count.
final class BlockIOTracer: Tracer {
    static let name = TracerName.blockIO
    static let fallback = "/proc/diskstats: means per device, no percentiles and no process"

    let program: TracerProgram
    private let requests: Int32
    private let deviceMap: BlockIODeviceMap
    private var devices = BlockIODevices()

    convenience init(host: TracerHost, limits: TracerLimits) throws(LoadFailure) {
        // 5a80bd075f3b (6.5) brought block_io_start.
        try self.init(host: host, limits: limits, hasStartHook: ks_tracepoint_arguments("block_io_start") >= 0)
    }

    /// - Parameter hasStartHook: false does as on kernels before 6.5.
    init(host: TracerHost, limits: TracerLimits, hasStartHook: Bool) throws(LoadFailure) {
        let starts = ["block_io_start", "block_bio_backmerge", "block_bio_frontmerge"]
        let (used, unused) = hasStartHook ? (starts, ["block_rq_insert"]) : (["block_rq_insert"], starts)
        let deviceRoom = BlockIODeviceMap.suitableRoom()
        program = try TracerProgram(
            Self.name, image: BPFImage.ioLatencyTracer, eventSize: MemoryLayout<block_io_event>.stride, host: host,
            limits: limits
        ) { object throws(LoadFailure) in
            object.setConstant("has_io_start", to: UInt8(hasStartHook ? 1 : 0))
            object.setRoom(of: "requests", to: limits.mapEntries)
            object.setRoom(of: "devices", to: deviceRoom)
            for name in unused { bpf_program__set_autoload(object.program(name), false) }
        } attach: { object throws(LoadFailure) in
            // A request whose end is missed would stand in the queue for as long as its memory lies idle.
            let ends = ["block_rq_complete", "block_rq_merge", "block_rq_requeue", "block_rq_issue"]
            for name in ends + used.reversed() { try object.attach(name) }
        }
        requests = program.object.descriptor(of: "requests")
        deviceMap = BlockIODeviceMap(descriptor: program.object.descriptor(of: "devices"), room: deviceRoom)
    }

    func read(clock: KernelClock) -> BlockIOReading? {
        guard let counters = deviceMap.read() else { return nil }
        let events = program.takeEvents(as: block_io_event.self) {
            BlockIOEvent($0, device: BlockIODevices.name(of: $0.device), clock: clock)
        }
        return BlockIOReading(devices: devices.advance(to: counters), events: events)
    }

    func claim(last: Bool) -> UInt64 {
        // No request has the address 0; what follows an unknown key is the first one.
        var (none, key): (UInt64, UInt64) = (0, 0)
        var count: UInt64 = 0
        while bpf_map_get_next_key(requests, &none, &key) == 0 {
            var request = io_request()
            if bpf_map_lookup_elem(requests, &key, &request) == 0, request.issue_ns > 0 {
                deviceMap.leaveQueue(of: request.device)
            }
            guard bpf_map_delete_elem(requests, &key) == 0 else { break }
            count += 1
        }
        return count
    }
}

extension BlockIOEvent {
    /// From the record that the BPF program writes.
    init(_ record: block_io_event, device: String, clock: KernelClock) {
        self.init(
            time: clock.wall(record.time_ns), task: TaskIdentity(record.task),
            major: BlockIODevices.major(of: record.device), minor: BlockIODevices.minor(of: record.device),
            device: device, operation: BlockOperation(rawValue: Int(record.operation)) ?? .read,
            sector: record.sector, bytes: record.bytes, latencyNanoseconds: record.latency_ns,
            queuedNanoseconds: record.queued_ns, error: BlockIOStatus.errno(record.error))
    }
}
