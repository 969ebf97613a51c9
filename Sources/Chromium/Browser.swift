import ChildProcess
import Foundation
import Glibc
import Testing

/// A headless Chromium with one page, driven over its debugging pipe: JSON messages of the DevTools protocol, each ended by a
/// zero byte.
final class Browser {
    private let child: ChildProcess
    private let profile = ScratchDirectory()
    private let toBrowser: Int32
    private let fromBrowser: Int32
    private var received = Data()
    private var lastCall = 0
    private var session = ""
    /// What the page has said that no page of ours may say: errors in the console, exceptions, refusals of the policy.
    private(set) var complaints: [String] = []
    /// Every address that the page asked for, and the bytes that came over the wire.
    private(set) var requests: [String] = []
    private(set) var receivedBytes = 0.0

    init(width: Int = 1400, height: Int = 1000) throws {
        // A browser that is gone is a failure of its test, not the end of all.
        signal(SIGPIPE, SIG_IGN)
        let down = try Self.pipe()
        let up = try Self.pipe()
        toBrowser = down.write
        fromBrowser = up.read
        // Root needs no sandbox to be kept from what it can do anyway.
        let arguments = [
            "--headless=new", "--no-sandbox", "--remote-debugging-pipe", "--disable-gpu", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
            "--user-data-dir=\(profile.url.path)", "about:blank",
        ]
        child = try ChildProcess(
            "/usr/bin/chromium", arguments, log: profile.url.appending(path: "log").path,
            descriptors: [down.read, up.write])
        close(down.read)
        close(up.write)
        let target = try call("Target.createTarget", ["url": "about:blank"])
        let attached = try call("Target.attachToTarget", ["targetId": target["targetId"] ?? "", "flatten": true])
        session = try #require(attached["sessionId"] as? String)
        for domain in ["Page", "Runtime", "Log", "Network"] { try call("\(domain).enable") }
        try resize(width: width, height: height)
    }

    deinit {
        close(toBrowser)
        close(fromBrowser)
        child.stop(seconds: 5, group: true)
    }

    /// Beyond the numbers that they have in the child.
    private static func pipe() throws -> (read: Int32, write: Int32) {
        var ends: [Int32] = [0, 0]
        guard Glibc.pipe(&ends) == 0 else { throw HTTPFailure("pipe: errno \(errno)") }
        let moved = ends.map { fcntl($0, F_DUPFD_CLOEXEC, 10) }
        for end in ends { close(end) }
        guard moved.allSatisfy({ $0 >= 0 }) else { throw HTTPFailure("fcntl: errno \(errno)") }
        return (moved[0], moved[1])
    }

    func resize(width: Int, height: Int) throws {
        try call(
            "Emulation.setDeviceMetricsOverride",
            ["width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600])
    }

    func setScheme(_ scheme: String) throws {
        try call(
            "Emulation.setEmulatedMedia", ["features": [["name": "prefers-color-scheme", "value": scheme]]])
    }

    func open(_ address: String) throws { try call("Page.navigate", ["url": address]) }

    /// The value of an expression; of a promise, what it comes to.
    @discardableResult
    func evaluate(_ expression: String) throws -> Any? {
        let reply = try call(
            "Runtime.evaluate", ["expression": expression, "awaitPromise": true, "returnByValue": true])
        if let exception = reply["exceptionDetails"] { throw HTTPFailure("\(expression): \(exception)") }
        return (reply["result"] as? [String: Any])?["value"]
    }

    /// What can be read in the page.
    func text(_ selector: String = "body") throws -> String {
        try evaluate("document.querySelector(\(quoted(selector)))?.innerText ?? ''") as? String ?? ""
    }

    func holds(_ expression: String) throws -> Bool { try evaluate(expression) as? Bool == true }

    func click(_ selector: String) throws {
        try evaluate("document.querySelector(\(quoted(selector))).click()")
    }

    /// A PNG of the whole page.
    func screenshot(to path: String) throws {
        let reply = try call("Page.captureScreenshot", ["captureBeyondViewport": true])
        try #require(Data(base64Encoded: reply["data"] as? String ?? "")).write(to: URL(filePath: path))
    }

    private func quoted(_ text: String) -> String {
        String(decoding: (try? JSONEncoder().encode(text)) ?? Data(), as: UTF8.self)
    }

    @discardableResult
    func call(_ method: String, _ parameters: [String: Any] = [:]) throws -> [String: Any] {
        lastCall += 1
        var message: [String: Any] = ["id": lastCall, "method": method, "params": parameters]
        if !session.isEmpty { message["sessionId"] = session }
        var bytes = try JSONSerialization.data(withJSONObject: message)
        bytes.append(0)
        try bytes.withUnsafeBytes { (buffer: UnsafeRawBufferPointer) in
            var sent = 0
            while sent < buffer.count {
                let count = write(toBrowser, buffer.baseAddress! + sent, buffer.count - sent)
                guard count > 0 else { throw HTTPFailure("the browser is gone: \(child.output.suffix(500))") }
                sent += count
            }
        }
        let deadline = ContinuousClock.now + .seconds(30)
        while ContinuousClock.now < deadline {
            guard let reply = try nextMessage() else { continue }
            guard reply["id"] as? Int == lastCall else {
                note(reply)
                continue
            }
            if let error = reply["error"] { throw HTTPFailure("\(method): \(error)") }
            return reply["result"] as? [String: Any] ?? [:]
        }
        throw HTTPFailure("\(method): no answer in 30 s")
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
            guard count > 0 else { throw HTTPFailure("the browser is gone: \(child.output.suffix(500))") }
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
