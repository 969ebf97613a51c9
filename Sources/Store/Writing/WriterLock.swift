import Glibc

/// One writer per database: an advisory lock on `PATH-writer`, which also names the process that holds it. The kernel lets
/// go of it when the process ends, however it ends.
final class WriterLock {
    private(set) var descriptor: Int32

    init(database path: String) throws {
        try WriterAccess.check(path)
        let lockPath = path + "-writer"
        // Not the property yet: once that is set, `deinit` closes it too when this throws, and by then the number may be that of
        // another thread's file.
        let file = open(lockPath, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard file >= 0 else {
            throw StoreError.denied(path: lockPath, reason: "cannot be opened: \(String(cString: strerror(errno)))")
        }
        guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
            var digits = [UInt8](repeating: 0, count: 16)
            let length = pread(file, &digits, digits.count, 0)
            close(file)
            let text = String(decoding: digits.prefix(max(0, length)).prefix { $0 != 10 }, as: UTF8.self)
            throw StoreError.writerRuns(path: path, pid: Int32(text) ?? 0)
        }
        let text = Array("\(getpid())\n".utf8)
        ftruncate(file, 0)
        pwrite(file, text, text.count, 0)
        descriptor = file
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
