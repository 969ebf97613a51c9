import Model

/// Who waits for whose file lock: `/proc/locks`, and the status of those who hold what others wait for.
///
/// Reading the file holds up everybody who takes a lock meanwhile, so that it is read only when somebody waits for one.
struct FileLockReader: ~Copyable {
    private var directory: ProcessDirectory
    private var locks: ProcFile

    /// Waits that are looked into per tick.
    static let most = 64

    init(root: String) {
        directory = ProcessDirectory(path: root + "/proc")
        locks = ProcFile(root + "/proc/locks")
    }

    mutating func read(_ buffer: inout ReadBuffer) throws(ReaderError) -> [FileLockWait] {
        let pairs = try locks.read(&buffer, Self.waits(parsing:))
        var waits: [FileLockWait] = []
        for pair in pairs {
            // Who took the lock may be gone, and whoever it left it to is not listed.
            guard let holder = try directory.read("/stat", of: pair.holder, &buffer, ProcessStat.init(parsing:)) else {
                continue
            }
            waits.append(
                FileLockWait(
                    waiter: pair.waiter, holder: holder.identity, comm: holder.comm, parent: holder.parent,
                    processGroup: holder.processGroup))
        }
        return waits
    }

    /// `12: FLOCK  ADVISORY  WRITE 812 fe:00:131 0 EOF`, and below it, with the same number and an arrow, whoever waits:
    /// `12: -> FLOCK  ADVISORY  WRITE 907 fe:00:131 0 EOF`. A lock of an open file (OFD) has the pid -1.
    static func waits(parsing bytes: UnsafeRawBufferPointer) -> [(waiter: Int32, holder: Int32)]? {
        var file = Scanner(bytes)
        var holder: Int32?
        var waits: [(waiter: Int32, holder: Int32)] = []
        while var line = file.line(), waits.count < most {
            guard line.word() != nil, let arrow = line.word() else { return nil }
            let isWaiting = "->" ~= arrow
            if isWaiting { _ = line.word() }
            guard line.word() != nil, line.word() != nil, let word = line.word() else { return nil }
            let pid = word.number.flatMap(Int32.init(exactly:))
            if !isWaiting {
                holder = pid
            } else if let pid, let holder, pid != holder, pid > 0, holder > 0 {
                waits.append((pid, holder))
            }
        }
        return waits
    }
}
