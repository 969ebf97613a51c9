import ArgumentParser
import Glibc
import Settings

struct Config: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Checks a configuration, or lists every key.", subcommands: [Check.self, Keys.self])

    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Says what is wrong with a configuration: FILE:LINE: KEY: what is wrong, what is allowed.")

        @Argument(help: "The file.")
        var file = Settings.defaultFile

        func run() throws {
            do throws(SettingsErrors) {
                _ = try Settings.load(path: file)
                print("\(file): ok")
            } catch {
                let lines = Array("\(error)\n".utf8)
                write(STDERR_FILENO, lines, lines.count)
                throw ExitCode.failure
            }
        }
    }

    struct Keys: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists every key with what is allowed, its default and its meaning.")

        func run() { print(Settings.reference) }
    }
}
