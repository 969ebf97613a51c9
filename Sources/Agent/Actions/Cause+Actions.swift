import Model

extension Cause {
    /// What may be done about a cause, with the values to do it with.
    func actions(cores: Int) -> [Action] {
        func about(_ kind: ActionKind, _ value: String? = nil) -> Action? {
            try? Action(kind, on: process, value: value)
        }
        let found: [Action?] =
            switch resource {
            case .cpu:
                [
                    about(.lowerProcessPriority), about(.throttleCPU),
                    about(.setCPUAffinity, "\(max(cores - 1, 0))"), about(.pauseProcess), about(.terminateProcess),
                ]
            case .disk:
                [about(.lowerIOPriority), about(.throttleIO), about(.pauseProcess), about(.terminateProcess)]
            case .memory:
                [about(.pauseProcess), about(.reduceSwappiness), about(.terminateProcess)]
            case .pageCache:
                [about(.throttleIO), about(.pauseProcess), about(.terminateProcess)]
            // Who holds a lock would hold it longer still, and a leaked socket stays leaked.
            case .lock, .sockets: [about(.terminateProcess)]
            }
        return found.compactMap(\.self)
    }
}

extension Action {
    /// The part of what a cause takes that the action takes from it (0–1). Estimates, held against what came of it in VERIFY.
    func relief(of cause: Cause, _ target: Target, _ ground: Ground) -> Double {
        let cores = max(target.cores ?? cause.share * Double(ground.cores), 0.01)
        switch kind {
        // It goes on switching and forking.
        case .lowerProcessPriority: return 0.95
        case .throttleCPU: return max(0, 1 - (value.flatMap(Double.init) ?? 100) / 100 / cores)
        case .setCPUAffinity:
            let allowed = Double(value.flatMap { CPUSet($0)?.cpus.count } ?? ground.cores)
            return max(0, 1 - allowed / min(max(cores, 1), Double(ground.cores)))
        // Requests that are on their way to the device go first all the same.
        case .lowerIOPriority: return 0.5
        case .throttleIO: return 0.9
        // What it holds comes back only as it is reclaimed.
        case .pauseProcess: return cause.resource == .memory ? 0.7 : 1
        case .terminateProcess: return 1
        case .reduceSwappiness: return 0.1
        default: return 0
        }
    }
}
