import Model

/// The JSON of `process_snapshots`.
enum ProcessJSON {
    static func text(_ processes: [ProcessActivity]) -> String {
        var json = JSONWriter(capacity: processes.count * 400 + 16)
        json.array { json in for process in processes { json.object { write(process, &$0) } } }
        return json.text
    }

    private static func write(_ process: ProcessActivity, _ json: inout JSONWriter) {
        json.member("pid", process.identity.pid)
        json.member("start_ticks", process.identity.startTicks)
        json.member("comm", process.comm)
        json.member("parent", process.parent)
        json.member("uid", process.uid)
        json.member("cgroup", process.cgroup)
        json.member("threads", process.threads)
        json.member("kernel_thread", process.isKernelThread)
        json.member("exited", process.exited)
        if let scheduling = process.scheduling {
            json.object("scheduling") {
                $0.member("cpu_ns", scheduling.cpuNanoseconds)
                $0.member("wait_ns", scheduling.waitNanoseconds)
                $0.member("longest_wait_ns", scheduling.longestWaitNanoseconds.map(Double.init))
                $0.member("blocked_ns", scheduling.blockedNanoseconds.map(Double.init))
                $0.member("memory_stall_ns", scheduling.memoryStallNanoseconds.map(Double.init))
                $0.member("voluntary_switches", scheduling.voluntarySwitches)
                $0.member("involuntary_switches", scheduling.involuntarySwitches)
                $0.member("wakeups", scheduling.wakeups.map(Double.init))
            }
        }
        if let faults = process.faults {
            json.object("faults") {
                $0.member("minor", faults.minor)
                $0.member("major", faults.major)
                $0.member("latency_ns", faults.latencyNanoseconds)
            }
        }
        if let io = process.blockIO {
            json.object("block_io") {
                $0.member("reads", io.reads)
                $0.member("read_bytes", io.readBytes)
                $0.member("writes", io.writes)
                $0.member("write_bytes", io.writeBytes)
            }
        }
        if let calls = process.calls {
            json.array("calls") { json in
                for (category, calls) in calls.sorted(by: { $0.key.rawValue < $1.key.rawValue }) where calls.count > 0 {
                    json.object {
                        $0.member("category", category.name)
                        $0.member("count", calls.count)
                        $0.member("latency_ns", calls.latencyNanoseconds)
                    }
                }
            }
        }
        if let proc = process.proc { json.object("proc") { write(proc, &$0) } }
    }

    private static func write(_ proc: ProcessReading, _ json: inout JSONWriter) {
        json.member("state", proc.state)
        json.member("cpu_share", proc.cpuShare)
        json.member("resident_bytes", proc.residentBytes)
        json.member("minor_faults_per_second", proc.minorFaultsPerSecond)
        json.member("major_faults_per_second", proc.majorFaultsPerSecond)
        json.member("read_bytes_per_second", proc.readBytesPerSecond)
        json.member("write_bytes_per_second", proc.writeBytesPerSecond)
        json.member("cgroup_path", proc.cgroup)
    }
}
