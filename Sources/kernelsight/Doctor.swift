import ArgumentParser
import Foundation
import Glibc
import Model
import Settings
import Store

struct Doctor: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Says what this host can do, what is missing, and how to get it.",
        discussion: "Exit status 1 when something is missing without which KernelSight does not work.")

    @OptionGroup var options: DatabaseOptions

    /// One thing that was looked at.
    struct Finding: Equatable {
        enum Level: String { case ok, lacks = "LACKS", less }

        var level: Level
        var what: String
        /// What helps; nothing where nothing has to.
        var remedy: String?

        init(_ level: Level, _ what: String, _ remedy: String? = nil) {
            self.level = level
            self.what = what
            self.remedy = remedy
        }
    }

    func run() throws {
        let findings = Self.kernel(release: Self.release) + Self.files + [Self.rights()] + Self.programs + (try data())
        let terminal = Terminal()
        for finding in findings {
            let word: String =
                switch finding.level {
                case .ok: terminal.paint("ok", .green) + "   "
                case .less: terminal.paint("less", .yellow) + " "
                case .lacks: terminal.paint("LACKS", .red)
                }
            print("\(word) \(finding.what)\(finding.remedy.map { "; \($0)" } ?? "")")
        }
        if findings.contains(where: { $0.level == .lacks }) { throw ExitCode.failure }
    }

    private static var release: String {
        var name = utsname()
        uname(&name)
        return withUnsafeBytes(of: name.release) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    /// - Parameter release: as `uname -r` says it.
    static func kernel(release: String) -> [Finding] {
        let parts = release.split(whereSeparator: { !$0.isNumber }).prefix(2).compactMap { Int($0) }
        guard parts.count == 2 else { return [Finding(.less, "Linux \(release), whose version is not understood")] }
        let version = (parts[0], parts[1])
        if version < (5, 15) {
            return [
                Finding(
                    .less, "Linux \(release): the tracers need 5.15",
                    "the collector runs on /proc alone; a newer kernel shows who waits for whom")
            ]
        }
        if version < (6, 5) {
            return [Finding(.less, "Linux \(release): block requests are attributed in full from 6.5 on")]
        }
        return [Finding(.ok, "Linux \(release)")]
    }

    private static var files: [Finding] {
        func there(_ path: String) -> Bool { access(path, R_OK) == 0 }
        return [
            there("/sys/kernel/btf/vmlinux")
                ? Finding(.ok, "BTF of the kernel")
                : Finding(
                    .less, "no /sys/kernel/btf/vmlinux",
                    "the tracers need a kernel with CONFIG_DEBUG_INFO_BTF, as Debian's and Ubuntu's have it"),
            there("/proc/pressure/cpu")
                ? Finding(.ok, "PSI")
                : Finding(
                    .less, "no /proc/pressure", "boot with psi=1: without it nobody knows for how long somebody waits"),
            there("/sys/fs/cgroup/cgroup.controllers")
                ? Finding(.ok, "control groups, version 2")
                : Finding(
                    .less, "no control groups of version 2",
                    "the agent uses version 1 where its controllers are mounted; see diagnostics for what it can do"),
        ]
    }

    private static func rights() -> Finding {
        // CAP_PERFMON is 38, CAP_BPF 39.
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("CapEff:") }
        let set = line.flatMap { UInt64($0.dropFirst(7).trimmingCharacters(in: .whitespaces), radix: 16) } ?? 0
        return set >> 38 & 3 == 3
            ? Finding(.ok, "CAP_BPF and CAP_PERFMON")
            : Finding(
                .less, "without CAP_BPF and CAP_PERFMON",
                "start the collector as root: it gives up all that it does not need")
    }

    private static var programs: [Finding] {
        func isThere(_ name: String) -> Bool {
            let path = getenv("PATH").map { String(cString: $0) } ?? ""
            return (path.split(separator: ":").map(String.init) + ["/usr/sbin", "/sbin"]).contains {
                access("\($0)/\(name)", X_OK) == 0
            }
        }
        return [
            isThere("nginx")
                ? Finding(.ok, "nginx")
                : Finding(.lacks, "no nginx, which serves the API and the dashboard", "apt-get install nginx"),
            access("/usr/share/javascript/dygraphs/dygraph.min.js", R_OK) == 0
                ? Finding(.ok, "dygraphs")
                : Finding(.lacks, "no dygraphs, which draws the dashboard's charts", "apt-get install libjs-dygraphs"),
            isThere("sqlite3")
                ? Finding(.ok, "sqlite3")
                : Finding(.less, "no sqlite3 to ask the database with", "apt-get install sqlite3"),
        ]
    }

    private func data() throws -> [Finding] {
        let settings = try Settings.load(path: options.config)
        let path = options.database ?? settings.database.path
        do {
            let health = try Reader(path: path, connections: 1).health()
            let freshness = Freshness(of: health.lastTick, at: .now, limit: settings.api.freshnessLimitSeconds)
            guard let reason = freshness.reason else {
                return [Finding(.ok, "\(path) has fresh data")] + Self.parts(health.components.map(\.state))
            }
            return [Finding(.less, "\(path): \(reason)")]
        } catch StoreError.missing {
            return [Finding(.less, "no database at \(path)", "deploy/up starts everything")]
        } catch let error as StoreError {
            return [Finding(.lacks, "\(error)")]
        }
    }

    /// What the collector that runs says of its tracers, with what stands in for them, and of any other part that is not in order.
    static func parts(_ components: [ComponentState]) -> [Finding] {
        components.filter { $0.status != .ok || TracerName(rawValue: $0.component) != nil }.map {
            Finding(
                $0.status == .ok ? .ok : $0.status == .error ? .lacks : .less,
                "\($0.component): \(Terminal.plain($0.message))")
        }
    }
}
