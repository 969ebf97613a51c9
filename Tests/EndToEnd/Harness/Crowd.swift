import ChildProcess
import Foundation

/// Eight programs that want all CPUs, and one that suffers for it.
final class Crowd {
    private let children: [ChildProcess]

    /// - Parameter name: of each of the eight.
    init(named name: String, in stack: Stack) throws {
        let program = stack.directory.appending(path: name).path
        try FileManager.default.copyItem(atPath: "/bin/bash", toPath: program)
        let log = stack.directory.appending(path: "log")
        let victim = try ChildProcess(
            Stack.binaries.appending(path: "faultlab-workload").path, ["periodic", "10", "2000"],
            log: log.appending(path: "victim.log").path)
        children =
            try [victim]
            + (1...8).map { number in
                // Of another user, whom the agent may put down; should nobody end it, it ends by itself.
                try ChildProcess(
                    "timeout",
                    [
                        "180", "setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", program, "-c",
                        "while :; do :; done",
                    ], log: log.appending(path: "hog-\(number).log").path)
            }
    }

    deinit { for child in children { child.stop(seconds: 5, group: true) } }
}
