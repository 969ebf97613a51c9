/// The directory of the database, where the lock, the control socket and everything else stands too.
public enum DataDirectory {
    /// The directory that a file is in; `.` for a bare name.
    public static func of(_ path: String) -> String {
        path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    }
}
