import CLibBPF

/// What maps take in the kernel: the formula of `docs/tracers/README.md`.
enum MapMemory {
    static func bytes(type: bpf_map_type, keySize: Int, valueSize: Int, entries: Int) -> UInt64 {
        let value = (valueSize + 7) & ~7
        switch type {
        case BPF_MAP_TYPE_PERCPU_ARRAY: return UInt64(entries * value * PerCPUArray.possibleCPUs)
        case BPF_MAP_TYPE_ARRAY: return UInt64((entries * value + 4095) & ~4095)
        // The buffer, and a page each for the two positions and the header.
        case BPF_MAP_TYPE_RINGBUF: return UInt64(entries + 3 * 4096)
        // struct htab_elem is 48 bytes; a bucket 16, and there are at least as many as entries.
        case BPF_MAP_TYPE_HASH: return UInt64(entries * (48 + (keySize + 7) & ~7 + value) + 16 * powerOfTwo(entries))
        // Task storage grows with the threads.
        default: return 0
        }
    }

    /// Task storage: for each thread an element in a slab of 512 bytes, and the kernel's list of a task's elements in
    /// one of 192.
    static func taskStorage(threads: Int) -> UInt64 { UInt64(threads) * (512 + 192) }

    private static func powerOfTwo(_ atLeast: Int) -> Int {
        var power = 1
        while power < atLeast { power <<= 1 }
        return power
    }
}
