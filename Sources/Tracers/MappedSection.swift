import Glibc

/// Globals of a BPF program, mapped: a store here is what the program's next load sees.
final class MappedSection {
    private let start: UnsafeMutableRawPointer
    private let length: Int

    init?(descriptor: Int32, size: Int) {
        length = (size + 4095) & ~4095
        guard let mapped = mmap(nil, length, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0), mapped != MAP_FAILED
        else { return nil }
        start = mapped
    }

    deinit { munmap(start, length) }

    /// One aligned field.
    subscript<Value: FixedWidthInteger & BitwiseCopyable>(offset: Int, as type: Value.Type) -> Value {
        get { start.load(fromByteOffset: offset, as: type) }
        set { start.storeBytes(of: newValue, toByteOffset: offset, as: type) }
    }
}
