import Model

extension Action {
    /// What there is to do, in order; throws why it would do nothing. What is so already makes no step.
    public func steps(for target: Target, on ground: Ground) throws(Inapplicable) -> [Step] {
        let party = target.party
        if kind.blastRadius == .party, party.isEmpty { throw Inapplicable("its processes have ended") }
        let value = value ?? ""
        switch kind {
        case .lowerProcessPriority: return try lowerPriority(value, target, ground)
        case .throttleCPU: return try throttleCPU(value, target, ground)
        case .setCPUAffinity: return try setAffinity(value, party, ground)
        case .pauseProcess:
            guard party.members.contains(where: { !$0.isStopped }) else {
                throw Inapplicable("all of its processes are stopped already")
            }
            // Whoever starts others comes first.
            return party.members.filter { !$0.isStopped }.map { .set(.stopped($0.process), "yes") }
        case .resumeProcess:
            guard party.members.contains(where: \.isStopped) else {
                throw Inapplicable("none of its processes is stopped")
            }
            return party.members.filter(\.isStopped).map { .set(.stopped($0.process), "no") }
        case .terminateProcess: return party.members.map { .run(.terminate($0.process)) }
        case .lowerIOPriority: return try lowerIOPriority(value, target, ground)
        case .throttleIO: return try throttleIO(value, target, ground)
        case .flushBuffers: return [.run(.sync)]
        case .reduceSwappiness:
            guard let now = ground.swappiness, let value = Int(value), value < now else {
                throw Inapplicable("vm.swappiness is \(ground.swappiness.map(String.init) ?? "not known") already")
            }
            return [.set(.file("/proc/sys/vm/swappiness"), String(value))]
        case .clearPageCache: return [.run(.dropCaches(level: value))]
        case .increaseTCPBacklog:
            // Linux since 4.4 counts requests per listener, against its own backlog; tcp_max_syn_backlog only matters
            // where no cookies are sent.
            guard ground.synCookies == 0 else {
                throw Inapplicable("with SYN cookies on, tcp_max_syn_backlog limits nothing")
            }
            guard let now = ground.synBacklog, let value = Int(value), value > now else {
                throw Inapplicable("tcp_max_syn_backlog is as high already")
            }
            return [.set(.file("/proc/sys/net/ipv4/tcp_max_syn_backlog"), String(value))]
        case .reduceFinTimeout:
            guard let now = ground.finTimeout, let value = Int(value), value < now else {
                throw Inapplicable("tcp_fin_timeout is as low already")
            }
            return [.set(.file("/proc/sys/net/ipv4/tcp_fin_timeout"), String(value))]
        case .listTopMemory, .listTopCPU, .checkIOActivity, .checkNetworkStats, .checkTCPStats, .monitorSwap: return []
        }
    }

    /// The directory of the cgroup that an action makes: named for whom it is about, so that whoever finds it knows.
    func group(in directory: String) -> String { "\(directory)/kernelsight-\(process?.pid ?? 0)" }
}
