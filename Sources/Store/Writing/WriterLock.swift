import Glibc

/// One writer per database: an advisory lock on `PATH-writer`, which also names the process that holds it. The kernel lets
/// go of it when the process ends, however it ends.
final class WriterLock {
    private(set) var descriptor: Int32

    init(database path: String) throws {
        try WriterAccess.check(path)
        let lockPath = path + "-writer"
        descriptor = open(lockPath, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            throw StoreError.denied(path: lockPath, reason: "cannot be opened: \(String(cString: strerror(errno)))")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            var digits = [UInt8](repeating: 0, count: 16)
            let length = pread(descriptor, &digits, digits.count, 0)
            close(descriptor)
            let text = String(decoding: digits.prefix(max(0, length)).prefix { $0 != 10 }, as: UTF8.self)
            throw StoreError.writerRuns(path: path, pid: Int32(text) ?? 0)
        }
        let text = Array("\(getpid())\n".utf8)
        ftruncate(descriptor, 0)
        pwrite(descriptor, text, text.count, 0)
    }

    deinit { release() }

    func release() {
        guard descriptor >= 0 else { return }
        // A child that is between fork and exec has a copy of the descriptor, whose lock closing this one would not end.
        flock(descriptor, LOCK_UN)
        close(descriptor)
        descriptor = -1
    }
}
