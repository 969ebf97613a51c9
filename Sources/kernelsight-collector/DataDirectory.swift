import Glibc

/// The directories that the collector writes to. The one above must exist: a path with a typing error makes no tree.
enum DataDirectory {
    /// The directory that a file is in.
    static func of(_ path: String) -> String {
        path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    }

    /// Makes a directory if it is missing, readable for everybody: workers belong to other users.
    static func make(_ path: String) throws(StartFailure) {
        guard mkdir(path, 0o755) != 0, errno != EEXIST else { return }
        throw StartFailure("cannot make the directory \(path): \(String(cString: strerror(errno))); make it by hand")
    }
}
