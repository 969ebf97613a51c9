import Glibc
import Model

extension DataDirectory {
    /// Makes a directory if it is missing, readable for everybody: workers belong to other users. The one
    /// above must exist: a path with a typing error makes no tree.
    public static func make(_ path: String) throws(StartFailure) {
        guard mkdir(path, 0o755) != 0, errno != EEXIST else { return }
        throw StartFailure("cannot make the directory \(path): \(String(cString: strerror(errno))); make it by hand")
    }
}
