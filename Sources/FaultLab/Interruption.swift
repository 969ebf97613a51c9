import Glibc
import Synchronization

/// Somebody pressed Ctrl-C, closed the terminal, or sent SIGTERM: everything is taken down as at the end.
public struct LabInterruption: Error {}

private let isInterrupted = Atomic(false)

/// From now on, these signals only make `checkForInterruption` throw.
func watchForInterruption() {
    for number in [SIGINT, SIGTERM, SIGHUP] { signal(number) { _ in isInterrupted.store(true, ordering: .relaxed) } }
}

/// Throws if somebody wants it to stop.
func checkForInterruption() throws {
    if isInterrupted.load(ordering: .relaxed) { throw LabInterruption() }
}
