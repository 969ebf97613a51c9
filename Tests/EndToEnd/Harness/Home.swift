import Foundation
import Glibc

/// A home that is closed to everybody but its owner, with a checkout in it that is already built.
struct Home {
    let checkout: URL
    private let swift: URL

    init(in directory: URL, named name: String, owner: uid_t) throws {
        let home = directory.appending(path: name)
        checkout = home.appending(path: "kernelsight")
        swift = directory.appending(path: "bin/swift")
        let files = FileManager.default
        let build = checkout.appending(path: "build")
        for directory in [build, swift.deletingLastPathComponent()] {
            try files.createDirectory(at: directory, withIntermediateDirectories: true)
        }
        for part in ["deploy", "nginx", "config.yaml"] {
            try files.copyItem(at: Stack.sources.appending(path: part), to: checkout.appending(path: part))
        }
        for program in ["kernelsight", "kernelsight-api", "kernelsight-collector"] {
            try files.copyItem(at: Stack.binaries.appending(path: program), to: build.appending(path: program))
        }
        // Building again at another path would take minutes.
        let script = """
            #!/bin/sh
            case "$*" in
            --version) echo "Swift version 6.3" ;;
            *--show-bin-path) echo '\(build.path.replacingOccurrences(of: "'", with: #"'\''"#))' ;;
            esac

            """
        try script.write(to: swift, atomically: false, encoding: .utf8)
        chmod(swift.path, 0o755)
        chmod(home.path, 0o700)
        try execute("/bin/chown", ["-R", "\(owner):\(owner)", home.path])
    }

    /// `deploy/up` there, with its data in the checkout.
    func installation() throws -> Installation {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        return try Installation(
            checkout: checkout, directory: checkout.appending(path: "data"),
            prefix: ["/usr/bin/env", "PATH=\(swift.deletingLastPathComponent().path):\(path)"])
    }
}
