import Model

extension LoadReading {
    /// `0.15 0.21 0.13 1/93 9127`
    init?(parsing bytes: UnsafeRawBufferPointer) {
        var file = Scanner(bytes)
        guard let one = file.decimal(), let five = file.decimal(), let fifteen = file.decimal(),
            let running = file.count(), file.pass(UInt8(ascii: "/")), let total = file.count()
        else { return nil }
        self.init(oneMinute: one, fiveMinutes: five, fifteenMinutes: fifteen, running: running, total: total)
    }
}
