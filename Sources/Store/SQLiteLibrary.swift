import CSQLite

/// What holds for all connections of the process.
enum SQLiteLibrary {
    /// Touched before a connection is opened that others may read beside; done once.
    static let isPrepared: Bool = {
        csqlite_stop_memory_statistics()
        return true
    }()
}
