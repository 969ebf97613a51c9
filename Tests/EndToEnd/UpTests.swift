import ChildProcess
import Foundation
import Glibc
import Testing

/// `deploy/up` and `deploy/down`, as people run them. Needs root, for the tracers.
@Suite(.serialized) struct UpTests {
    private let scratch = ScratchDirectory()
    private static let tracers = ["syscall_tracer", "sched_tracer", "page_fault_tracer", "io_latency_tracer"]

    @Test func `up runs the whole product without privileges beside the collector, and down leaves nothing`() throws {
        let installation = try Installation(directory: scratch.url.appending(path: "data"))
        let up = try installation.up("--detach")
        try #require(up.status == 0, "\(up.output)")
        #expect(up.output.contains("KernelSight is up: http://127.0.0.1:\(installation.port)\n"), "\(up.output)")
        for tracer in Self.tracers { #expect(up.output.contains("\n  \(tracer): attached to "), "\(up.output)") }
        #expect(try installation.get("/api/health").status == 200)
        let page = try installation.get("/")
        #expect(page.status == 200)
        #expect(page.headers["content-type"]?.hasPrefix("text/html") == true)

        #expect(installation.processes.count { $0.name == "kernelsight-col" } == 1)
        let unprivileged = installation.unprivileged
        #expect(unprivileged.count { $0.name == "kernelsight-api" } == 2)
        #expect(unprivileged.count { $0.name == "nginx" } >= 3)
        for process in unprivileged {
            #expect(process.user == getpwnam("nobody").pointee.pw_uid, "\(process)")
            #expect(Int(process.capabilities, radix: 16) == 0, "\(process)")
        }

        let down = try installation.down()
        #expect(down.status == 0 && down.output == "stopped\n", "\(down.output)")
        #expect(installation.processes.isEmpty, "\(installation.processes)")
        #expect(throws: HTTPFailure.self, "the port is free") { try installation.get("/") }
        #expect(try installation.down().output.hasPrefix("nothing is up"))
    }

    @Test func `a second up on the same data says that it is already up`() throws {
        let installation = try Installation(directory: scratch.url.appending(path: "data"))
        #expect(try installation.up("--detach").status == 0)
        let processes = Set(installation.unprivileged)
        let second = try installation.up()
        #expect(second.status == 1)
        let data = installation.directory.path
        #expect(second.output == "up: already up on \(data); deploy/down --data \(data) stops it\n")
        #expect(Set(installation.unprivileged) == processes)
    }

    @Test(arguments: [SIGINT, SIGHUP, SIGKILL])
    func `everything stops with a foreground up that gets a signal`(number: Int32) throws {
        let installation = try Installation(directory: scratch.url.appending(path: "data"))
        let up = try installation.foreground()
        #expect(installation.processes.count >= 6)
        // Ctrl-C reaches the whole group, as does the end of a terminal.
        up.signal(number, group: number != SIGKILL)
        #expect(up.wait(seconds: 30))
        if number != SIGKILL {
            #expect(up.exitStatus == 0)
            #expect(up.output.hasSuffix("\nstopped\n"), "\(up.output)")
        }
        try require(within: 20, "no process is left") { installation.processes.isEmpty }
        #expect(throws: HTTPFailure.self, "the port is free") { try installation.get("/") }
        unlink(up.log)
    }

    @Test func `nginx comes back when its master is killed alone`() throws {
        let installation = try Installation(directory: scratch.url.appending(path: "data"))
        #expect(try installation.up("--detach").status == 0)
        func nginx() -> Set<pid_t> { Set(installation.processes.filter { $0.name == "nginx" }.map(\.pid)) }
        let before = nginx()
        let file = installation.directory.appending(path: "run/nginx/nginx.pid")
        let text = try String(contentsOf: file, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)
        let master = try #require(pid_t(text))
        try #require(before.contains(master))
        kill(master, SIGKILL)
        try require(within: 15, "new processes have taken the port") {
            let now = nginx()
            guard now.count >= 3, now.isDisjoint(with: before) else { throw HTTPFailure("\(before) became \(now)") }
            return try installation.get("/api/health").status == 200
        }
    }

    @Test func `up right after down waits for the new collector's own data`() throws {
        let installation = try Installation(directory: scratch.url.appending(path: "data"))
        #expect(try installation.up("--detach").status == 0)
        #expect(try installation.down().status == 0)
        let stopped = Int64(Date.now.timeIntervalSince1970 * 1e9)
        let again = try installation.up("--detach")
        for tracer in Self.tracers { #expect(again.output.contains("\n  \(tracer): attached to "), "\(again.output)") }
        let time = try #require(try installation.get("/api/health").json["data_timestamp_ns"] as? Int64)
        #expect(time > stopped)
    }

    @Test func `down never signals a process whose pid was left over`() throws {
        let installation = try Installation(directory: scratch.url.appending(path: "data"))
        let run = installation.directory.appending(path: "run")
        try FileManager.default.createDirectory(at: run, withIntermediateDirectories: true)
        let bystander = try start("/bin/sleep", ["600"], directory: scratch.url)
        let holder = try start(
            "/usr/bin/flock", [run.appending(path: "up.lock").path, "/bin/sleep", "600"], directory: scratch.url)
        defer { holder.stop(group: true) }
        try "\(bystander.pid)\n".write(to: run.appending(path: "up.pid"), atomically: false, encoding: .utf8)
        try require(within: 5, "the lock is taken") { try installation.down().output.contains("to stop; try as root") }
        #expect(bystander.isRunning)
    }

    @Test func `root follows no link that nobody has put where nginx writes`() throws {
        let installation = try Installation(directory: scratch.url.appending(path: "data"))
        let logs = installation.directory.appending(path: "log/nginx")
        try FileManager.default.createDirectory(at: logs, withIntermediateDirectories: true)
        let target = scratch.url.appending(path: "target").path
        symlink(target, logs.appending(path: "nginx-error.log").path)
        #expect(try installation.up("--detach").status == 1)
        #expect(access(target, F_OK) != 0)
    }

    @Test func `up in a closed home runs the workers as the checkout's owner`() throws {
        let home = try Home(in: scratch.url, named: #"a home & |more|; it's "{odd}""#, owner: 54321)
        let installation = try home.installation()
        let up = try installation.up("--detach")
        try #require(up.status == 0, "\(up.output)")
        #expect(up.output.contains("workers and nginx run as 54321: user nobody cannot read \(home.checkout.path)"))
        #expect(try installation.get("/api/health").status == 200)
        #expect(try installation.get("/").status == 200)
        #expect(try installation.get("/nothing").headers["content-type"] == "application/problem+json")
        #expect(installation.unprivileged.count >= 5)
        for process in installation.unprivileged { #expect(process.user == 54321, "\(process)") }
        #expect(try installation.down().status == 0)
        #expect(installation.processes.isEmpty, "\(installation.processes)")
    }

    @Test func `up in root's own home runs the workers as root without capabilities`() throws {
        let installation = try Home(in: scratch.url, named: "root", owner: 0).installation()
        let up = try installation.up("--detach")
        try #require(up.status == 0, "\(up.output)")
        #expect(try installation.get("/").status == 200)
        #expect(installation.unprivileged.count >= 5)
        for process in installation.unprivileged {
            #expect(Int(process.capabilities, radix: 16) == 0, "\(process)")
        }
    }

    @Test func `up says what to open where neither nobody nor the checkout's owner can read`() throws {
        let home = try Home(in: scratch.url, named: "home", owner: 54321)
        chown(home.checkout.path, 0, 0)
        let up = try home.installation().up("--detach")
        #expect(up.status == 1)
        let neither = "neither user nobody nor root, who owns \(home.checkout.path), can read "
        #expect(up.output.contains(neither), "\(up.output)")
        #expect(up.output.contains("chmod o+rx"), "\(up.output)")
    }

    @Test(arguments: [
        (["--port", "80"], "up: --port 80: a number from 1024 to 65535 is needed"),
        (["--workers", "33"], "up: --workers 33: a number from 1 to 32 is needed"),
        (["--config", "/nowhere.yaml"], "config.yaml has every key with its default"),
        (["--colour", "blue"], "usage: deploy/up"),
    ])
    func `up says what an option may be`(arguments: [String], said: String) throws {
        let up = try execute(Stack.sources.appending(path: "deploy/up").path, arguments)
        #expect(up.status == 1)
        #expect(up.output.contains(said), "\(up.output)")
    }

    @Test func `up says why it cannot use a directory, before it builds`() throws {
        func refusal(_ name: String, owner: uid_t? = nil, as user: uid_t? = nil) throws -> String {
            let directory = scratch.url.appending(path: name)
            if let owner {
                mkdir(directory.path, 0o755)
                chown(directory.path, owner, owner)
            }
            let prefix = user.map { ["/usr/bin/setpriv", "--reuid", "\($0)", "--clear-groups"] } ?? []
            let up = try Installation(directory: directory, prefix: prefix).up("--detach")
            #expect(up.status == 1)
            return up.output
        }
        #expect(try refusal("cash$").contains("nginx cannot read a path with a dollar sign; choose another directory"))
        // Two bytes each.
        let long = try refusal(String(repeating: "ü", count: 30))
        #expect(long.contains("is 91 bytes long; for sockets in it, at most 83 are allowed"), "\(long)")
        #expect(try refusal("made-by-another", owner: 54321).contains("choose another directory, or give it to root"))
        #expect(try refusal("not-made", as: 54321).contains("cannot be made; choose a directory in which"))
        #expect(try refusal("of-root", owner: 0, as: 54321).contains("cannot be made"))
    }
}
