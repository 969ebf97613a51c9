import Foundation
import Glibc

/// A write-ahead log, looked at from outside: https://www.sqlite.org/fileformat2.html#walformat
struct WAL {
    let path: String

    init(database: String) { path = database + "-wal" }

    /// When it was last written to.
    var changed: timespec {
        var info = stat()
        return stat(path, &info) == 0 ? info.st_mtim : timespec()
    }

    /// Whether it ends in the middle of a transaction: frames of this round of the log after the last one that commits.
    var endsInATransaction: Bool {
        guard let file = FileManager.default.contents(atPath: path), file.count > 32 else { return false }
        return file.withUnsafeBytes { bytes in
            func word(_ offset: Int) -> UInt32 {
                bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self).bigEndian
            }
            let frame = 24 + Int(word(8))
            var commits = true
            for start in stride(from: 32, through: bytes.count - frame, by: frame) {
                // The salts of a frame that an earlier round has left differ.
                guard word(start + 8) == word(16), word(start + 12) == word(20) else { break }
                commits = word(start + 4) != 0
            }
            return !commits
        }
    }
}
