import Glibc

/// Short files of /proc, /sys and cgroups.
enum TextFile {
    /// As text without the newline at its end; `nil`, with errno, when it cannot be read.
    static func read(_ path: String) -> String? {
        withBytes(of: path) { bytes in
            var bytes = bytes[...]
            while let last = bytes.last, last == UInt8(ascii: "\n") || last == UInt8(ascii: " ") { bytes.removeLast() }
            return String(decoding: bytes, as: UTF8.self)
        }
    }

    /// `nil`, with errno, when it cannot be read.
    static func withBytes<Result>(of path: String, _ body: (UnsafeRawBufferPointer) -> Result) -> Result? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        return withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 16) { buffer in
            let first = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
            if first < 0 { return nil }
            // Less than was asked for is the rest of a file of a page or less, as most are.
            if first < buffer.count { return body(UnsafeRawBufferPointer(rebasing: buffer[..<first])) }
            var bytes = Array(buffer)
            while true {
                let length = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
                if length < 0 { return nil }
                if length == 0 { break }
                bytes += buffer[..<length]
            }
            return bytes.withUnsafeBytes(body)
        }
    }

    /// Writes in one call, as the kernel's files want it; 0 or errno.
    static func write(_ path: String, _ text: String) -> Int32 {
        let descriptor = open(path, O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return errno }
        defer { close(descriptor) }
        var bytes = Array(text.utf8)
        return Glibc.write(descriptor, &bytes, bytes.count) == bytes.count ? 0 : errno
    }
}
