extension Settings {
    /// Who reads the configuration and runs on.
    public enum Program: Sendable, CaseIterable { case collector, worker, agent }

    /// The keys that differ from what `program` was started with, and that it takes over only when it is started anew.
    public func needsRestart(of program: Program, startedWith old: Settings) -> [String] {
        Key.all.filter { $0.restart.contains(program) && $0.text(in: self) != $0.text(in: old) }.map(\.name)
    }

    /// The keys that a SIGHUP does not change, for `docs/configuration.md`.
    static func restartReference(of program: Program) -> String {
        Key.all.filter { $0.restart.contains(program) }.map { "`\($0.name)`" }.joined(separator: ", ")
    }
}
