import CLinux
import Model

extension ActionKind {
    /// What user 0 needs for it, and for the way back; capabilities(7). Files of /proc/sys and in cgroups belong to user 0, who
    /// needs none to write them; other users cannot write /proc/sys, whatever their capabilities. The directories of
    /// cgroup hierarchies can be written by nobody: to make a group in one is to pass over that.
    var capabilities: Set<Int> {
        switch self {
        // Nice values are lowered on the way back; the autogroup's file belongs to the process's user.
        case .lowerProcessPriority: [CLINUX_CAP_SYS_NICE, CLINUX_CAP_DAC_OVERRIDE]
        case .throttleCPU, .throttleIO: [CLINUX_CAP_DAC_OVERRIDE]
        case .setCPUAffinity, .lowerIOPriority: [CLINUX_CAP_SYS_NICE]
        case .pauseProcess, .resumeProcess, .terminateProcess: [CLINUX_CAP_KILL]
        case .flushBuffers, .reduceSwappiness, .clearPageCache, .increaseTCPBacklog, .reduceFinTimeout, .listTopMemory,
            .listTopCPU, .checkIOActivity, .checkNetworkStats, .checkTCPStats, .monitorSwap:
            []
        }
    }

    /// As bits; what an agent needs that may do some actions in a mode, and has to take back what one before it `left`.
    public static func capabilities(for kinds: [ActionKind], in mode: AgentMode, left: Set<ActionKind>) -> UInt64 {
        let kinds = left.union(mode == .observe ? [] : kinds)
        let needed = kinds.reduce(into: Set<Int>()) { $0.formUnion($1.capabilities) }
        return needed.reduce(into: 0) { $0 |= 1 << UInt64($1) }
    }
}
