/// Which descriptors of a process to look at: all that its table has room for, or, of a large table, as many as are enough to
/// estimate a share to a few percent.
struct DescriptorSample {
    static let most = 1024

    let tableSize: Int

    /// The golden ratio spreads them evenly, and an odd step takes even and odd numbers alike: a proxy that has its clients
    /// at even ones and its servers at odd ones is not taken for half of what it is.
    var numbers: some Sequence<Int> {
        let step = tableSize > Self.most ? Int(Double(tableSize) * 0.618_034) | 1 : 1
        return (0..<min(tableSize, Self.most)).lazy.map { [tableSize] in $0 * step % tableSize }
    }

    /// How many there are of what was found so often. A few hits of a sample may be chance, and each stands for many.
    func estimate(_ found: Int) -> Int {
        guard tableSize > Self.most else { return found }
        return found < Self.fewest ? 0 : Int((Double(found) * Double(tableSize) / Double(Self.most)).rounded())
    }

    private static let fewest = 8

    /// `FDSize:\t256` of `/proc/PID/status`.
    static func tableSize(parsing bytes: UnsafeRawBufferPointer) -> Int? {
        var file = Scanner(bytes)
        while var line = file.line() {
            if let key = line.word(), "FDSize:" ~= key { return line.count() }
        }
        return nil
    }

    /// `socket:[4711]`
    static func inode(parsing link: UnsafeRawBufferPointer) -> UInt64? {
        guard var rest = Word(link).dropping(prefix: "socket:[").map({ Scanner($0.bytes) }) else { return nil }
        return rest.number()
    }
}
