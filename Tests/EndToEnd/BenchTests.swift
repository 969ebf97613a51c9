import Testing

/// What `kernelsight bench` says when it cannot measure.
struct BenchTests {
    @Test func `bench tracers without tracefs says how to mount it`() throws {
        // Hidden in a mount namespace of its own.
        let bench = try execute(
            "/usr/bin/unshare",
            [
                "--mount", "/bin/sh", "-c", "mount -t tmpfs none /sys/kernel && exec \"$0\" bench tracers --rounds 1",
                Stack.binaries.appending(path: "kernelsight").path,
            ])
        #expect(bench.status == 1)
        #expect(bench.output.contains("mount -t tracefs tracefs /sys/kernel/tracing\n"), "\(bench.output)")
        #expect(!bench.output.contains("\n\n"), "one line: \(bench.output)")
    }
}
