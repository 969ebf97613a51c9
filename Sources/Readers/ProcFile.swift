import Glibc

/// One buffer for all readers: a file is parsed where it was read to, then the next one takes its place.
// @unchecked because the memory belongs to this value alone, which cannot be copied.
struct ReadBuffer: ~Copyable, @unchecked Sendable {
    /// No file that a reader reads is larger on a sane host: 64 cores make 30 KB of `/proc/stat`, a thousand interfaces
    /// 150 KB of `/proc/net/dev`.
    static let limit = 4 << 20

    private(set) var bytes: UnsafeMutableRawBufferPointer

    init() { bytes = .allocate(byteCount: 64 << 10, alignment: 16) }

    deinit { bytes.deallocate() }

    mutating func grow() {
        let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count * 2, alignment: 16)
        larger.copyMemory(from: UnsafeRawBufferPointer(bytes))
        bytes.deallocate()
        bytes = larger
    }

    /// Reads a short file (below 4 KB) from its start in one go; `nil` when that fails, as for a process that is gone.
    mutating func readOnce(_ descriptor: Int32) -> UnsafeRawBufferPointer? {
        let length = pread(descriptor, bytes.baseAddress, bytes.count, 0)
        return length > 0 ? UnsafeRawBufferPointer(rebasing: bytes[..<length]) : nil
    }

    /// Where a link in an open directory leads; `nil` if it is not there.
    mutating func readLink(_ name: String, in directory: Int32) -> UnsafeRawBufferPointer? {
        guard let text = bytes.assumingMemoryBound(to: CChar.self).baseAddress else { return nil }
        let length = readlinkat(directory, name, text, bytes.count)
        return length > 0 ? UnsafeRawBufferPointer(rebasing: bytes[..<length]) : nil
    }
}

/// A file of /proc that stays open and is read again from its start each time.
struct ProcFile: ~Copyable {
    let path: String
    private var descriptor: Int32 = -1

    /// Nothing is opened yet: a file that is missing now may be there later.
    init(_ path: String) { self.path = path }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Reads the whole file and hands its bytes to `parse`, whose `nil` means that they are not what the kernel writes.
    /// After an error the file is opened anew next time.
    mutating func read<Sample>(
        _ buffer: inout ReadBuffer, _ parse: (UnsafeRawBufferPointer) -> Sample?
    ) throws(ReaderError) -> Sample {
        if descriptor < 0 {
            descriptor = open(path, O_RDONLY | O_CLOEXEC)
            if descriptor < 0 { throw .file(path: path, errno: errno) }
        }
        var length = 0
        while true {
            if length == buffer.bytes.count {
                if length >= ReadBuffer.limit { throw .tooLarge(path: path, limit: ReadBuffer.limit) }
                buffer.grow()
            }
            let got = pread(
                descriptor, buffer.bytes.baseAddress.map { $0 + length }, buffer.bytes.count - length, off_t(length))
            if got == 0 { break }
            if got < 0 {
                let code = errno
                if code == EINTR { continue }
                close(descriptor)
                descriptor = -1
                throw .file(path: path, errno: code)
            }
            length += got
        }
        guard let sample = parse(UnsafeRawBufferPointer(rebasing: buffer.bytes[..<length])) else {
            throw .malformed(path: path)
        }
        return sample
    }
}
