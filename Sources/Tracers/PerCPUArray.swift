import CLibBPF
import Glibc

/// A per-CPU array map, read as a whole into a buffer that is used again. While hooks fire, what different CPUs counted
/// is read at different moments.
final class PerCPUArray {
    /// CPUs that the kernel has room for; per-CPU maps have a value for each.
    static let possibleCPUs = max(1, Int(libbpf_num_possible_cpus()))

    let entries: Int
    private let descriptor: Int32
    private let stride: Int
    private var buffer: [UInt64]
    private var keys: [UInt32]

    init(descriptor: Int32, valueSize: Int, entries: Int) {
        self.descriptor = descriptor
        self.entries = entries
        stride = (valueSize + 7) / 8
        buffer = Array(repeating: 0, count: entries * stride * Self.possibleCPUs)
        keys = Array(0..<UInt32(entries))
    }

    /// Takes a new reading; whether the kernel gave one.
    @discardableResult
    func refresh() -> Bool {
        var count = UInt32(entries)
        var position: UInt32 = 0
        if entries > 1 {
            // The kernel says that there is no next batch with ENOENT.
            let result = bpf_map_lookup_batch(descriptor, nil, &position, &keys, &buffer, &count, nil)
            if (result == 0 || errno == ENOENT) && count == UInt32(entries) { return true }
        }
        // Batches of per-CPU arrays came with f008d732ab18 (5.13).
        var complete = true
        buffer.withUnsafeMutableBufferPointer { all in
            for entry in 0..<entries {
                var key = UInt32(entry)
                let slot = all.baseAddress.map { $0 + entry * stride * Self.possibleCPUs }
                complete = bpf_map_lookup_elem(descriptor, &key, slot) == 0 && complete
            }
        }
        return complete
    }

    /// The value of one entry on one CPU, as of the last reading.
    func withValue<Result>(_ entry: Int, cpu: Int, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        buffer.withUnsafeBytes { bytes in
            let start = (entry * Self.possibleCPUs + cpu) * stride * 8
            return body(UnsafeRawBufferPointer(rebasing: bytes[start..<start + stride * 8]))
        }
    }

    /// One entry with all CPUs' values added up, word by word; for values that are all u64 counters.
    func sum(_ entry: Int) -> [UInt64] {
        var words = [UInt64](repeating: 0, count: stride)
        for cpu in 0..<Self.possibleCPUs {
            let start = (entry * Self.possibleCPUs + cpu) * stride
            for word in 0..<stride { words[word] &+= buffer[start + word] }
        }
        return words
    }
}
