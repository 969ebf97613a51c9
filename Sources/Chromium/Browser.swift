import ChildProcess
import Foundation
import Glibc

/// Why the browser could not do what was asked.
public struct BrowserFailure: Error, CustomStringConvertible, Sendable {
    public let description: String

    init(_ description: String) { self.description = description }
}

/// A headless Chromium with one page, driven over its debugging pipe: JSON messages of the DevTools protocol, each ended by a
/// zero byte. It ends with its owner.
public final class Browser {
    private let child: ChildProcess
    private let profile: URL
    private let toBrowser: Int32
    private let fromBrowser: Int32
    private var received = Data()
    private var lastCall = 0
    private var session = ""
    /// What the page has said that no page of ours may say: errors in the console, exceptions, refusals of the policy.
    public private(set) var complaints: [String] = []
    /// Every address that the page asked for, and the bytes that came over the wire.
    public private(set) var requests: [String] = []
    public private(set) var receivedBytes = 0.0

    public var pid: pid_t { child.pid }

    /// Starts it with a new profile and an empty page. What it keeps is in a directory in `place`, for as long as it is there.
    public init(
        in place: URL = FileManager.default.temporaryDirectory, width: Int = 1400, height: Int = 1000
    ) throws {
        let program = "/usr/bin/chromium"
        guard access(program, X_OK) == 0 else {
            throw BrowserFailure("there is no \(program): apt-get install chromium")
        }
        // A browser that is gone is an error here, not the end of its owner.
        signal(SIGPIPE, SIG_IGN)
        profile = place.appending(path: "kernelsight-browser-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: profile, withIntermediateDirectories: true)
        let down = try Self.pipe()
        let up = try Self.pipe()
        toBrowser = down.write
        fromBrowser = up.read
        // Root needs no sandbox to be kept from what it can do anyway.
        let arguments = [
            "--headless=new", "--no-sandbox", "--remote-debugging-pipe", "--disable-gpu", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
            "--user-data-dir=\(profile.path)", "about:blank",
        ]
        child = try ChildProcess(
            program, arguments, log: profile.appending(path: "log").path,
            descriptors: [down.read, up.write])
        close(down.read)
        close(up.write)
        let target = try call("Target.createTarget", ["url": "about:blank"])
        let attached = try call("Target.attachToTarget", ["targetId": target["targetId"] ?? "", "flatten": true])
        guard let session = attached["sessionId"] as? String else { throw BrowserFailure("the browser shows no page") }
        self.session = session
        for domain in ["Page", "Runtime", "Log", "Network"] { try call("\(domain).enable") }
        try resize(width: width, height: height)
    }

    deinit {
        close(toBrowser)
        close(fromBrowser)
        child.stop(seconds: 5, group: true)
        try? FileManager.default.removeItem(at: profile)
    }

    /// Beyond the numbers that they have in the child.
    private static func pipe() throws -> (read: Int32, write: Int32) {
        var ends: [Int32] = [0, 0]
        guard Glibc.pipe(&ends) == 0 else { throw BrowserFailure("pipe: errno \(errno)") }
        let moved = ends.map { fcntl($0, F_DUPFD_CLOEXEC, 10) }
        for end in ends { close(end) }
        guard moved.allSatisfy({ $0 >= 0 }) else { throw BrowserFailure("fcntl: errno \(errno)") }
        return (moved[0], moved[1])
    }

    /// Below 600 points of width it is a phone.
    public func resize(width: Int, height: Int) throws {
        try call(
            "Emulation.setDeviceMetricsOverride",
            ["width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600])
    }

    /// - Parameter scheme: `light` or `dark`.
    public func setScheme(_ scheme: String) throws {
        try call(
            "Emulation.setEmulatedMedia", ["features": [["name": "prefers-color-scheme", "value": scheme]]])
    }

    /// Goes to an address; what is there comes later.
    public func open(_ address: String) throws { try call("Page.navigate", ["url": address]) }

    /// The value of an expression; of a promise, what it comes to.
    @discardableResult
    public func evaluate(_ expression: String) throws -> Any? {
        let reply = try call(
            "Runtime.evaluate", ["expression": expression, "awaitPromise": true, "returnByValue": true])
        if let exception = reply["exceptionDetails"] { throw BrowserFailure("\(expression): \(exception)") }
        return (reply["result"] as? [String: Any])?["value"]
    }

    /// What can be read in the page.
    public func text(_ selector: String = "body") throws -> String {
        try evaluate("document.querySelector(\(quoted(selector)))?.innerText ?? ''") as? String ?? ""
    }

    /// Whether an expression is true.
    public func holds(_ expression: String) throws -> Bool { try evaluate(expression) as? Bool == true }

    /// Clicks on the first element of a selector.
    public func click(_ selector: String) throws {
        try evaluate("document.querySelector(\(quoted(selector))).click()")
    }

    /// A PNG of the whole page.
    public func screenshot(to path: String) throws {
        // What is out of sight is not painted.
        let sizes = try evaluate("[innerWidth, innerHeight, document.documentElement.scrollHeight]") as? [Int] ?? []
        guard sizes.count == 3 else { throw BrowserFailure("the page has no size") }
        try resize(width: sizes[0], height: sizes[2])
        try evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))")
        let reply = try call("Page.captureScreenshot")
        try resize(width: sizes[0], height: sizes[1])
        guard let picture = Data(base64Encoded: reply["data"] as? String ?? "") else {
            throw BrowserFailure("what the browser sent is no picture")
        }
        try picture.write(to: URL(filePath: path))
    }

    private func quoted(_ text: String) -> String {
        String(decoding: (try? JSONEncoder().encode(text)) ?? Data(), as: UTF8.self)
    }

    /// A command of the DevTools protocol and its result; what happens meanwhile is noted.
    @discardableResult
    private func call(_ method: String, _ parameters: [String: Any] = [:]) throws -> [String: Any] {
        lastCall += 1
        var message: [String: Any] = ["id": lastCall, "method": method, "params": parameters]
        if !session.isEmpty { message["sessionId"] = session }
        var bytes = try JSONSerialization.data(withJSONObject: message)
        bytes.append(0)
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { write(toBrowser, $0.baseAddress, $0.count) }
            guard count > 0 else { throw BrowserFailure("the browser is gone: \(child.output.suffix(500))") }
            bytes = bytes.dropFirst(count)
        }
        let deadline = ContinuousClock.now + .seconds(30)
        while ContinuousClock.now < deadline {
            guard let reply = try nextMessage() else { continue }
            guard reply["id"] as? Int == lastCall else {
                note(reply)
                continue
            }
            if let error = reply["error"] { throw BrowserFailure("\(method): \(error)") }
            return reply["result"] as? [String: Any] ?? [:]
        }
        throw BrowserFailure("\(method): no answer in 30 s")
    }

    private func nextMessage() throws -> [String: Any]? {
        while true {
            if let end = received.firstIndex(of: 0) {
                let message = Data(received[received.startIndex..<end])
                received = Data(received[(end + 1)...])
                return try JSONSerialization.jsonObject(with: message) as? [String: Any]
            }
            var waiting = pollfd(fd: fromBrowser, events: Int16(POLLIN), revents: 0)
            guard poll(&waiting, 1, 1000) > 0 else { return nil }
            var chunk = [UInt8](repeating: 0, count: 1 << 16)
            let count = read(fromBrowser, &chunk, chunk.count)
            guard count > 0 else { throw BrowserFailure("the browser is gone: \(child.output.suffix(500))") }
            received.append(contentsOf: chunk[..<count])
        }
    }

    private func note(_ event: [String: Any]) {
        let parameters = event["params"] as? [String: Any] ?? [:]
        switch event["method"] as? String {
        case "Runtime.exceptionThrown": complaints.append("exception: \(parameters["exceptionDetails"] ?? "")")
        case "Runtime.consoleAPICalled" where ["error", "warning", "assert"].contains(parameters["type"] as? String):
            complaints.append("console: \(parameters["args"] ?? "")")
        case "Log.entryAdded":
            let entry = parameters["entry"] as? [String: Any] ?? [:]
            if entry["level"] as? String == "error" {
                complaints.append("log: \(entry["text"] ?? "") \(entry["url"] ?? "")")
            }
        case "Network.requestWillBeSent":
            let request = parameters["request"] as? [String: Any]
            requests.append(request?["url"] as? String ?? "")
        case "Network.loadingFinished": receivedBytes += parameters["encodedDataLength"] as? Double ?? 0
        default: break
        }
    }
}
