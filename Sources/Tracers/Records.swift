import CLibBPF
import Model

extension TaskIdentity {
    /// From the first part of every event. Names are anybody's bytes: what is not UTF-8 is repaired.
    init(_ record: task_identity) {
        self.init(
            process: ProcessIdentity(record), tid: Int32(bitPattern: record.tid), uid: record.uid,
            cgroup: record.cgroup, comm: withUnsafeBytes(of: record.comm, text))
    }
}

extension ProcessIdentity {
    init(_ record: task_identity) {
        self.init(pid: Int32(bitPattern: record.pid), startTicks: record.start_ticks)
    }
}

/// The bytes up to the first zero.
func text(_ bytes: UnsafeRawBufferPointer) -> String { String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self) }

extension TracerProgram {
    /// The events that have come since the last call, decoded.
    func takeEvents<Record, Event>(as type: Record.Type, _ decode: (Record) -> Event) -> [Event] {
        takeEvents().withUnsafeBytes { bytes in
            stride(from: 0, to: bytes.count, by: MemoryLayout<Record>.stride).map {
                decode(bytes.loadUnaligned(fromByteOffset: $0, as: type))
            }
        }
    }
}

extension hook_ledger {
    /// Runs with an outcome.
    func count(_ outcome: outcome) -> UInt64 {
        withUnsafeBytes(of: outcomes) { $0.load(fromByteOffset: 8 * Int(outcome.rawValue), as: UInt64.self) }
    }
}
