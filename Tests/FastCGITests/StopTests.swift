import Glibc
import Synchronization
import Testing

@testable import FastCGI

func shutdownSending(_ client: Client) { shutdown(client.descriptor, Int32(SHUT_WR)) }

@Test func `a request in progress is answered before the server stops`() throws {
    let entered = DispatchFlag(), release = DispatchFlag()
    let running = try Running { _, _ in
        entered.raise()
        release.wait()
        return Response(body: Array("finished".utf8))
    }
    let client = try running.connect()
    client.send(Client.request(keep: true))
    entered.wait()
    let server = running.server
    let stopping = Worker { server.stop() }
    // The socket's file goes first: from then on the stop is under way.
    while access(running.path, F_OK) == 0 { sched_yield() }
    release.raise()
    stopping.join()
    #expect(client.reply().body == "finished")
    #expect(client.isClosed)
}

@Test func `idle connections do not hold up a stop`() throws {
    func stopping() throws -> Duration {
        let running = try Running(threads: 8)
        let kept = try (0..<4).map { _ in try running.connect() }
        for client in kept {
            client.send(Client.request(keep: true))
            #expect(client.reply().ended)
        }
        let halfway = try running.connect()
        halfway.send(Array(Client.request().prefix(30)))
        let start = ContinuousClock.now
        running.server.stop()
        let took = ContinuousClock.now - start
        for client in kept { #expect(client.isClosed) }
        #expect(Client(running.path) == nil)
        return took
    }
    // libfcgi would linger for two seconds each time; a host may stand still once.
    #expect(try (1...3).contains { _ in try stopping() < .seconds(1) })
}

@Test func `a stale socket file is replaced and a served one refused`() throws {
    let path = "/tmp/fastcgi-stale-\(getpid())"
    defer { unlink(path) }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
    let stale = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    let bound = withUnsafeBytes(of: address) {
        bind(stale, $0.assumingMemoryBound(to: sockaddr.self).baseAddress, socklen_t(MemoryLayout<sockaddr_un>.size))
    }
    close(stale)
    #expect(bound == 0)

    let first = try Server(path: path, threads: 1, handler: Running.echo)
    try first.start()
    #expect(throws: ListenError.self) { try Server(path: path, threads: 1, handler: Running.echo) }
    #expect(Client(path) != nil)
    first.stop()
    #expect(access(path, F_OK) != 0)
}

@Test func `a file that is no socket is never replaced`() throws {
    let path = "/tmp/fastcgi-file-\(getpid())"
    close(open(path, O_CREAT | O_WRONLY, 0o600))
    defer { unlink(path) }
    #expect(throws: ListenError.self) { try Server(path: path, threads: 1, handler: Running.echo) }
    #expect(access(path, F_OK) == 0)
}

@Test func `the socket has the mode and the group it was asked for`() throws {
    let path = "/tmp/fastcgi-mode-\(getpid())"
    let server = try Server(path: path, mode: 0o620, group: getgid(), threads: 1, handler: Running.echo)
    var file = stat()
    #expect(lstat(path, &file) == 0)
    #expect(file.st_mode & 0o7777 == 0o620)
    #expect(file.st_gid == getgid())
    server.stop()
}

@Test func `a path that is too long or a directory that is missing is an error that names it`() throws {
    let long = "/tmp/" + String(repeating: "x", count: 200)
    let error = #expect(throws: ListenError.self) { try Server(path: long, threads: 1, handler: Running.echo) }
    #expect(error?.description.contains("shorter") == true)
    let missing = #expect(throws: ListenError.self) {
        try Server(path: "/tmp/none-\(getpid())/s", threads: 1, handler: Running.echo)
    }
    #expect(missing?.description.contains("No such file") == true)
}

/// Raised once, waited for by anybody.
final class DispatchFlag: Sendable {
    private let raised = Atomic(false)
    func raise() { raised.store(true, ordering: .releasing) }
    func wait() { while !raised.load(ordering: .acquiring) { sched_yield() } }
}

/// A thread that can be joined.
final class Worker {
    private var thread = pthread_t()

    init(_ body: @escaping @Sendable () -> Void) {
        let box = Unmanaged.passRetained(Body(body))
        pthread_create(
            &thread, nil,
            { argument in
                Unmanaged<Body>.fromOpaque(argument!).takeRetainedValue().run()
                return nil
            }, box.toOpaque())
    }

    func join() { pthread_join(thread, nil) }

    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }
}
