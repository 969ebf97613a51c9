import Foundation
import Synchronization
import Testing

@testable import Readers

/// A copy of one of `Trees` that a test may change, and a clock that moves only when it is told to.
final class FakeHost: Sendable {
    let root: String
    private let time = Mutex<UInt64>(1_000_000_000)

    init(_ tree: String) throws {
        let source = try #require(Bundle.module.url(forResource: "Trees", withExtension: nil))
        let copy = FileManager.default.temporaryDirectory.appendingPathComponent("readers-\(UUID().uuidString)")
        try FileManager.default.copyItem(at: source.appendingPathComponent(tree), to: copy)
        root = copy.path
    }

    deinit { try? FileManager.default.removeItem(atPath: root) }

    var clock: @Sendable () -> UInt64 { { self.time.withLock { $0 } } }

    /// On this host's clock reading takes no time, so no reader has to rest.
    func reader(_ limits: ProcessLimits = ProcessLimits()) -> HostReader {
        HostReader(root: root, processes: limits, clock: clock, threadCPU: { 0 })
    }

    func advance(seconds: Double) { time.withLock { $0 += UInt64(seconds * 1e9) } }

    func bytes(_ path: String) throws -> [UInt8] { try [UInt8](Data(contentsOf: url(path))) }

    /// Writes in place, as the kernel's files keep their identity; makes what is missing.
    func write(_ path: String, _ content: String) throws {
        try FileManager.default.createDirectory(
            at: url(path).deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(content.utf8).write(to: url(path))
    }

    func replace(_ path: String, _ old: String, _ new: String) throws {
        let text = String(decoding: try bytes(path), as: UTF8.self)
        try #require(text.contains(old))
        try write(path, text.replacingOccurrences(of: old, with: new))
    }

    func remove(_ path: String) throws { try FileManager.default.removeItem(at: url(path)) }

    /// A process that has used `ticks` of CPU time.
    func writeProcess(
        _ pid: Int32, comm: String = "worker", state: String = "S", ticks: Int = 0, minor: Int = 0, major: Int = 0,
        pages: Int = 10, start: Int = 500, written: Int = 0, parent: Int32 = 1,
        flags: Int = 4_194_560
    ) throws {
        try write(
            "/proc/\(pid)/stat",
            "\(pid) (\(comm)) \(state) \(parent) \(pid) \(pid) 0 -1 \(flags) \(minor) 0 \(major) 0 \(ticks) 0 0 0 20 0 1 0 "
                + "\(start) 49897472 \(pages) 18446744073709551615 1 1 0\n")
        try write(
            "/proc/\(pid)/io", "read_bytes: 0\nwrite_bytes: \(written)\ncancelled_write_bytes: 0\n")
        try write("/proc/\(pid)/cgroup", "0::/app\n")
    }

    /// Ends a process: a stat file that is open says nothing any more.
    func end(_ pid: Int32) throws {
        try write("/proc/\(pid)/stat", "")
        try remove("/proc/\(pid)")
    }

    private func url(_ path: String) -> URL { URL(fileURLWithPath: root + path) }
}

/// What a pure parser makes of some text.
func parse<Value>(_ text: String, _ parser: (UnsafeRawBufferPointer) -> Value?) -> Value? {
    Array(text.utf8).withUnsafeBytes(parser)
}

func isClose(_ value: Double?, _ expected: Double, within tolerance: Double = 1e-9) -> Bool {
    value.map { abs($0 - expected) <= tolerance } ?? false
}
