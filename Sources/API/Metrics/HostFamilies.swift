import Model
import Store

/// How the series of `docs/metrics.md` are called for Prometheus.
struct HostFamily {
    /// Without `kernelsight_` and `_total`.
    var name: String
    var help: String
    /// What some of its samples are made from: a series, its labels, and what its values are multiplied with.
    struct Member {
        var metric: String
        var labels: [Exposition.Label]
        var scale: Double

        init(_ metric: String, _ labels: [Exposition.Label] = [], scale: Double = 1) {
            self.metric = metric
            self.labels = labels
            self.scale = scale
        }
    }

    var members: [Member]
    /// The label that takes what stands behind the colon of a series' name.
    var instance: String?

    init(
        _ name: String, _ help: String, instance: String? = nil, _ members: [Member]
    ) {
        self.name = name
        self.help = help
        self.instance = instance
        self.members = members
    }

    /// One series.
    init(_ name: String, _ help: String, instance: String? = nil, _ metric: String, scale: Double = 1) {
        self.init(name, help, instance: instance, [Member(metric, scale: scale)])
    }

    /// One series for each value of a label, called `prefix` + value.
    init(
        _ name: String, _ help: String, instance: String? = nil, by label: String, _ prefix: String, _ values: [String],
        scale: Double = 1
    ) {
        let members = values.map { Member(prefix + $0, [(label, $0.replacing(".", with: "_"))], scale: scale) }
        self.init(name, help, instance: instance, members)
    }
}

extension HostFamily {
    /// What was measured in the last second.
    static let gauges: [HostFamily] = processor + memory + disks + network

    private static let processor: [HostFamily] = [
        HostFamily("cpu_busy_ratio", "Share of all cores that is not idle and not iowait.", "cpu.busy"),
        HostFamily(
            "cpu_mode_ratio", "Share of all cores by mode.", by: "mode", "cpu.",
            ["user", "nice", "system", "iowait", "irq", "softirq", "steal"]),
        HostFamily("cpu_core_busy_ratio", "Share of a core that is busy.", instance: "cpu", "cpu.core.busy"),
        HostFamily("tasks", "Tasks by state.", by: "state", "tasks.", ["running", "blocked", "total"]),
        HostFamily(
            "load", "Tasks that run or are in D state, decaying mean.",
            ["1", "5", "15"].map { Member("load.\($0)m", [("minutes", $0)]) }),
        HostFamily(
            "pressure_ratio", "Share of the time in which some or all tasks wait for a resource (PSI).",
            ["cpu", "memory", "io"].flatMap { resource in
                ["some", "full"].map { Member("pressure.\(resource).\($0)", [("resource", resource), ("kind", $0)]) }
            }),
        HostFamily("tasks_uninterruptible", "Tasks in D state, mean.", "sched.blocked", scale: 0.001),
    ]

    private static let memory: [HostFamily] = [
        HostFamily(
            "memory_bytes", "Memory by kind.", by: "kind", "memory.",
            [
                "total", "free", "available", "buffers", "cached", "active", "inactive", "anonymous", "dirty",
                "writeback", "slab",
            ]),
        HostFamily("memory_used_ratio", "Share of the memory that is not available.", "memory.used"),
        HostFamily("swap_bytes", "Size of the swap space.", "swap.total"),
        HostFamily("swap_used_ratio", "Share of the swap space that is used.", "swap.used"),
    ]

    private static let disks: [HostFamily] = [
        HostFamily("disk_busy_ratio", "Share of the time with a request in progress.", instance: "device", "disk.busy"),
        HostFamily("disk_queue_depth", "Requests in progress, mean.", instance: "device", "disk.queue_depth"),
        HostFamily("disk_in_flight", "Requests in progress now.", instance: "device", "disk.in_flight"),
        HostFamily(
            "disk_operation_seconds", "Mean time of a request with its time in queues.", instance: "device",
            [
                Member("disk.read_time", [("operation", "read")], scale: 0.001),
                Member("disk.write_time", [("operation", "write")], scale: 0.001),
            ]),
    ]

    private static let network: [HostFamily] = [
        HostFamily(
            "tcp_sockets", "TCP sockets by state.", by: "state", "sockets.",
            [
                "established", "time_wait", "syn_sent", "syn_received", "fin_wait1", "fin_wait2", "close", "close_wait",
                "last_ack", "listen", "closing",
            ])
    ]

    /// What was counted since the database was made.
    static let counters: [HostFamily] = kernelCounters + diskCounters + networkCounters + tracerCounters

    private static let kernelCounters: [HostFamily] = [
        HostFamily("context_switches", "Context switches of the host.", "cpu.context_switches"),
        HostFamily("forks", "Processes and threads that were made.", "cpu.forks"),
        HostFamily(
            "vm_events", "Events of the memory management.", by: "event", "vm.",
            [
                "faults", "major_faults", "swap_in", "swap_out", "scan.direct", "scan.kswapd", "steal.direct",
                "steal.kswapd", "steal.limit", "refaults", "allocation_stalls",
            ]),
        HostFamily("oom_kills", "Processes that the kernel killed for want of memory.", "vm.oom_kills"),
    ]

    private static let diskCounters: [HostFamily] = [
        HostFamily(
            "disk_operations", "Requests that completed.", instance: "device",
            [Member("disk.reads", [("operation", "read")]), Member("disk.writes", [("operation", "write")])]),
        HostFamily(
            "disk_bytes", "Bytes that were moved.", instance: "device",
            [Member("disk.read_bytes", [("operation", "read")]), Member("disk.write_bytes", [("operation", "write")])]),
    ]

    private static let networkCounters: [HostFamily] = [
        network("bytes", "Bytes by direction."), network("packets", "Packets by direction."),
        network("errors", "Packets with errors."), network("drops", "Packets that were dropped."),
        HostFamily(
            "tcp_events", "Events of TCP.", by: "event", "tcp.",
            [
                "out_segments", "retransmits", "active_opens", "passive_opens", "attempt_fails", "resets_sent",
                "listen_overflows", "listen_drops", "syn_cookies", "syn_retransmits", "timeouts",
            ]),
    ]

    private static func network(_ what: String, _ help: String) -> HostFamily {
        HostFamily(
            "network_\(what)", help, instance: "interface",
            [
                Member("net.rx_\(what)", [("direction", "receive")]),
                Member("net.tx_\(what)", [("direction", "transmit")]),
            ])
    }

    private static let tracerCounters: [HostFamily] = [
        HostFamily("syscalls", "System calls that returned.", instance: "category", "syscalls.count"),
        HostFamily(
            "syscall_errors", "System calls that returned an error.", instance: "category", "syscalls.errors"),
        HostFamily(
            "switches", "Context switches by kind.", by: "kind", "sched.switches.", ["voluntary", "involuntary"]),
        HostFamily("wakeups", "Wake-ups of tasks.", "sched.wakeups"),
        HostFamily("page_faults", "Page faults by kind.", by: "kind", "faults.", ["minor", "major"]),
    ]

    /// Latencies since the database was made.
    static let latencies: [HostFamily] = [
        HostFamily(
            "syscall_latency_seconds", "System calls that returned, by category.", instance: "category",
            "syscalls.latency"),
        HostFamily("run_queue_latency_seconds", "Waits of tasks for a CPU.", "runq.latency"),
        HostFamily("on_cpu_seconds", "Stays of tasks on a CPU.", "sched.on_cpu"),
        HostFamily(
            "page_fault_latency_seconds", "Page faults by kind.", by: "kind", "faults.latency.", ["minor", "major"]),
        HostFamily(
            "disk_latency_seconds", "Requests to a disk from issue to completion.", instance: "device", by: "operation",
            "disk.latency.", ["read", "write", "flush", "discard"]),
    ]
}

/// Values by series and instance.
struct Instances<Value> {
    private var values: [Substring: [(instance: Substring, value: Value)]] = [:]

    /// - Parameter name: `disk.busy:vda`; without a colon the instance is empty.
    init(_ elements: some Sequence<(name: String, value: Value)>) {
        for (name, value) in elements {
            let parts = name.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            values[parts[0], default: []].append((parts.count > 1 ? parts[1] : "", value))
        }
    }

    /// Every value of a family with its labels and its scale.
    func of(_ family: HostFamily) -> [(value: Value, labels: [Exposition.Label], scale: Double)] {
        var found: [(value: Value, labels: [Exposition.Label], scale: Double)] = []
        for member in family.members {
            for (instance, value) in values[member.metric[...]] ?? [] {
                var labels: [Exposition.Label] = []
                switch (family.instance, instance.isEmpty) {
                case (let name?, false): labels.append((name, String(instance)))
                case (nil, true): break
                default: continue
                }
                found.append((value, labels + member.labels, member.scale))
            }
        }
        return found
    }
}
