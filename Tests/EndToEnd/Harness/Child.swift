import ChildProcess
import Foundation
import Glibc

/// A program that a test started in `directory`, where its output goes too.
func start(_ program: String, _ arguments: [String], directory: URL) throws -> ChildProcess {
    let name = URL(fileURLWithPath: program).lastPathComponent
    let log = directory.appending(path: "\(name)-\(UUID().uuidString.prefix(8)).log").path
    return try ChildProcess(program, arguments, log: log)
}

/// Runs a program to its end and returns its output and exit status.
@discardableResult
func execute(
    _ program: String, _ arguments: [String], seconds: Double = 60
) throws -> (output: String, status: Int32) {
    let child = try start(program, arguments, directory: .temporaryDirectory)
    defer { unlink(child.log) }
    child.wait(seconds: seconds)
    return (child.output, child.exitStatus ?? -1)
}

/// Polls a condition until it holds or `seconds` have passed; says whether it held.
func eventually(within seconds: Double, _ condition: () throws -> Bool) -> Bool {
    let deadline = ContinuousClock.now + .seconds(seconds)
    repeat {
        if (try? condition()) == true { return true }
        usleep(20_000)
    } while ContinuousClock.now < deadline
    return (try? condition()) == true
}
