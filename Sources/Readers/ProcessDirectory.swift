import Glibc

/// The process ids in /proc, a few at a time: the kernel remembers where the last look ended.
///
/// Listing 5 000 processes costs the kernel milliseconds; going on from where it was left costs what is looked at.
// @unchecked because the directory stream belongs to this value alone, which cannot be copied.
struct ProcessDirectory: ~Copyable, @unchecked Sendable {
    private let path: String
    private var stream: OpaquePointer?

    init(path: String) { self.path = path }

    deinit { if let stream { closedir(stream) } }

    /// The next process id, or `nil` at the end of a round; the call after that begins the next round.
    mutating func next() throws(ReaderError) -> Int32? {
        guard let stream = try opened() else { return nil }
        while true {
            errno = 0
            guard let entry = readdir(stream) else {
                let code = errno
                if code == 0 {
                    rewinddir(stream)
                    return nil
                }
                closedir(stream)
                self.stream = nil
                throw .file(path: path, errno: code)
            }
            let pid = withUnsafeBytes(of: &entry.pointee.d_name) { name in
                let length = name.firstIndex(of: 0) ?? name.count
                return Word(UnsafeRawBufferPointer(rebasing: name[..<length])).number
            }
            if let pid = pid.flatMap(Int32.init(exactly:)) { return pid }
        }
    }

    /// Opens a file of one process (`/stat`), to be closed by the caller; negative if the process is gone or does not
    /// let itself be looked at.
    mutating func open(_ file: String, of pid: Int32) throws(ReaderError) -> Int32 {
        guard let stream = try opened() else { return -1 }
        return openat(dirfd(stream), String(pid) + file, O_RDONLY | O_CLOEXEC)
    }

    /// What one short file of one process (`/stat`) says; `nil` as for `open`, and where it is not in the kernel's format.
    mutating func read<Content>(
        _ file: String, of pid: Int32, _ buffer: inout ReadBuffer, _ parse: (UnsafeRawBufferPointer) -> Content?
    ) throws(ReaderError) -> Content? {
        let descriptor = try open(file, of: pid)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        return buffer.readOnce(descriptor).flatMap(parse)
    }

    /// How many descriptors a process has open; anybody may ask. 0 before Linux 6.2, and for a process that is gone.
    mutating func descriptors(of pid: Int32) throws(ReaderError) -> Int {
        guard let stream = try opened() else { return 0 }
        var info = stat()
        return fstatat(dirfd(stream), "\(pid)/fd", &info, 0) == 0 ? Int(info.st_size) : 0
    }

    private mutating func opened() throws(ReaderError) -> OpaquePointer? {
        if stream == nil { stream = opendir(path) }
        if stream == nil { throw .file(path: path, errno: errno) }
        return stream
    }
}
