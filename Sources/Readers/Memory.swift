import Model

extension MemoryReading {
    init?(parsing bytes: UnsafeRawBufferPointer) {
        self.init()
        var file = Scanner(bytes)
        while var line = file.line() {
            guard let key = line.word(), let kilobytes = line.number() else { continue }
            let (amount, overflow) = kilobytes.multipliedReportingOverflow(by: 1024)
            guard !overflow else { return nil }
            switch key {
            case "MemTotal:": total = amount
            case "MemFree:": free = amount
            case "MemAvailable:": available = amount
            case "Buffers:": buffers = amount
            case "Cached:": cached = amount
            case "Active:": active = amount
            case "Inactive:": inactive = amount
            case "AnonPages:": anonymous = amount
            case "Dirty:": dirty = amount
            case "Writeback:": writeback = amount
            case "Slab:": slab = amount
            case "SwapTotal:": swapTotal = amount
            case "SwapFree:": swapFree = amount
            default: continue
            }
        }
        guard total > 0 else { return nil }
    }
}
