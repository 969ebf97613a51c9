import Glibc
import Model

/// Whether this process may write a database and what stands beside it, asked before SQLite is: its "unable to open
/// database file" does not say which file, or what would help.
enum WriterAccess {
    static func check(_ path: String) throws(StoreError) {
        let directory = DataDirectory.of(path)
        // The dot makes a file in its place ENOTDIR.
        try check(directory, as: directory + "/.", needed: W_OK | X_OK)
        for file in [path, path + "-wal", path + "-shm", path + "-writer"] where may(file, F_OK) {
            try check(file, as: file, needed: R_OK | W_OK)
        }
    }

    private static func check(_ path: String, as probe: String, needed: Int32) throws(StoreError) {
        guard !may(probe, needed) else { return }
        let reason =
            switch errno {
            case ENOENT: "there is no such directory; make it, or correct database.path in config.yaml"
            case EACCES: denial(path)
            case EROFS: "is on a file system that is mounted read-only; mount it for writing, or move database.path"
            case let code: "cannot be written: \(String(cString: strerror(code)))"
            }
        throw .denied(path: path, reason: reason)
    }

    private static func may(_ path: String, _ mode: Int32) -> Bool { faccessat(AT_FDCWD, path, mode, AT_EACCESS) == 0 }

    private static func denial(_ path: String) -> String {
        let user = geteuid()
        var info = stat()
        guard stat(path, &info) == 0 else { return "cannot be reached by uid \(user); see the directories above it" }
        // Root finds this surprising.
        let rights = user == 0 ? ", for the collector gives up the right to pass over permissions" : ""
        return info.st_uid == user
            ? "uid \(user) cannot write to it though it is its owner\(rights); chmod u+rwX \(path)"
            : "belongs to uid \(info.st_uid) and uid \(user) cannot write to it\(rights); run this as uid \(info.st_uid), "
                + "or give the database's directory and all in it to uid \(user) (chown -R)"
    }
}
