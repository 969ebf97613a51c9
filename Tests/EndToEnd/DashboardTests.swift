import ChildProcess
import Chromium
import Foundation
import Glibc
import Testing

/// The dashboard in a real browser, before the real product. Needs root, for the tracers.
@Suite(.serialized, .enabled(if: getuid() == 0)) struct DashboardTests {
    private static let views = ["now", "time", "processes", "agent", "cost"]
    /// What is there only when the view has its data.
    private static let filled = [
        "now": "main .chips .badge", "time": ".charts .plot canvas", "processes": "main tbody tr",
        "agent": "section[aria-label=Actions] tbody tr", "cost": "section[aria-label=Tracers] tbody tr",
    ]
    /// A process may have this name.
    private static let hostile = "<img src=x>"

    private func address(_ stack: Stack, _ view: String) -> String { "http://127.0.0.1:\(stack.port)/#/\(view)" }

    /// No error in the console, and nothing was asked of anybody else.
    private func expectClean(_ browser: Browser, _ stack: Stack) throws {
        try browser.evaluate("1")
        #expect(browser.complaints.isEmpty, "\(browser.complaints.prefix(5))")
        let elsewhere = browser.requests.filter {
            !$0.hasPrefix("http://127.0.0.1:\(stack.port)/") && !$0.hasPrefix("about:") && !$0.hasPrefix("data:")
        }
        #expect(elsewhere.isEmpty, "\(elsewhere)")
    }

    private func expectFilled(_ browser: Browser, _ view: String) throws {
        try require(within: 20, "\(view) is there with its data") {
            try browser.holds(
                """
                document.querySelector('nav a[aria-current]')?.hash === '#/\(view)' && !document.getElementById('verdict').matches('.asking')
                    && document.querySelector('\(Self.filled[view] ?? "main")') !== null && !document.querySelector('main').innerText.includes('Asking …')
                """)
        }
    }

    @Test func `a fault is shown with who causes it, its page tells all, and the charts have its band`() throws {
        let stack = try Stack.running(config: "agent: {mode: observe, cycle_interval_seconds: 1}\n")
        try stack.startAgent()
        let browser = try Browser()
        try browser.open(address(stack, "now"))
        try require(within: 20, "the host is judged") {
            try browser.holds("!document.getElementById('verdict').matches('.asking, .silent, .stale')")
        }
        let pictures = ProcessInfo.processInfo.environment["KERNELSIGHT_PICTURES"]
        let name = pictures == nil ? Self.hostile : "compress"
        if pictures != nil { try waitForHistory(of: 90, stack) }
        let crowd = try Crowd(named: name, in: stack)
        try require(within: 40, "the page names who causes it") {
            try browser.text("#verdict").contains(name) && browser.text("main .cards").contains(name)
        }
        #expect(try browser.holds("document.querySelector('img[src=x]') === null"))
        try browser.evaluate(
            "[...document.querySelectorAll('main .cards article')].find((card) => card.innerText.includes('\(name)')).querySelector('a').click()"
        )
        try require(within: 10, "its page has evidence and culprits") {
            try browser.holds("document.querySelector('section[aria-label=Evidence] tbody tr') !== null")
                && browser.text("section[aria-label='Caused by']").contains(name)
        }
        try require(within: 10, "its charts are drawn") {
            try browser.holds("document.querySelectorAll('.plot canvas').length > 0")
        }
        // The victim's band, in the colour of its severity, over the pressure.
        try browser.open(address(stack, "time"))
        try require(within: 15, "a band is in the chart") {
            try browser.holds(
                """
                (() => {
                    const probe = document.createElement('span');
                    document.body.append(probe);
                    const wanted = ['low', 'medium', 'high', 'critical'].map((name) => {
                        probe.style.color = `var(--severity-${name})`;
                        return getComputedStyle(probe).color.match(/[0-9]+/g).slice(0, 3).map(Number);
                    });
                    probe.remove();
                    const pressure = [...document.querySelectorAll('.chart')].find((chart) => chart.innerText.startsWith('Pressure'));
                    return [...pressure.querySelectorAll('.plot canvas')].some((canvas) => {
                        const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, 3);
                        for (let at = 0; at < data.length; at += 4) {
                            if (data[at + 3] > 200 && wanted.some((colour) => colour.every((part, index) => Math.abs(part - data[at + index]) < 12))) return true;
                        }
                        return false;
                    });
                })()
                """)
        }
        #expect(try browser.text("section[aria-label='Signals in this window']").contains(name))
        try expectClean(browser, stack)
        if let pictures {
            try waitForHistory(of: 130, stack)
            try takePictures(browser, stack, into: pictures)
        }
        withExtendedLifetime(crowd) {}
    }

    /// A picture of a chart should have something to show.
    private func waitForHistory(of seconds: Int, _ stack: Stack) throws {
        try require(within: 300, "\(seconds) s have been measured") {
            let columns = try stack.get("/api/series?metric=cpu.busy&form=columns&step=1").json["mean"] as? [Any] ?? []
            return columns.count { $0 is NSNumber } >= seconds
        }
    }

    /// Each view in light and dark, for `docs/pictures`, of a release build:
    /// KERNELSIGHT_BINARIES=.build/release KERNELSIGHT_PICTURES=docs/pictures swift test --filter 'DashboardTests.*fault'
    private func takePictures(_ browser: Browser, _ stack: Stack, into directory: String) throws {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let signals = try stack.get("/api/signals?severity=medium&limit=100").json["signals"] as? [[String: Any]] ?? []
        let id = try #require(signals.last?["id"] as? Int)
        let now = Date.now
        let window = [now.addingTimeInterval(-150), now].map { $0.formatted(.iso8601) }
        let pages = [
            "now": "now", "processes": "processes", "agent": "agent", "cost": "cost", "signal": "signals/\(id)",
        ]
        .merging(["time": "time?from=\(window[0])&to=\(window[1])"]) { first, _ in first }
        try browser.resize(width: 1200, height: 860)
        for scheme in ["light", "dark"] {
            try browser.setScheme(scheme)
            for (name, page) in pages {
                try browser.open("about:blank")
                try browser.open(address(stack, page))
                try require(within: 20, "\(name) has its data") {
                    try browser.holds(
                        """
                        document.querySelector('main tbody tr, main .plot canvas, main .card') !== null
                            && !document.body.innerText.includes('Asking …') && document.querySelectorAll('.tile .spark').length !== 1
                            && [...document.querySelectorAll("section[aria-label='The agent'] > div")].every((place) => place.innerText !== '')
                            && [...document.querySelectorAll('.charts .chart')].every((chart) => chart.querySelector('canvas, .note:not(:empty)'))
                        """
                    )
                }
                // The control groups that these tests happen to run in belong to their machine.
                try browser.evaluate(
                    "document.querySelectorAll('[data-title=\"Control group\"], .people .quiet').forEach((place) => { place.textContent = '' })"
                )
                try browser.screenshot(to: "\(directory)/\(name)-\(scheme).png")
            }
        }
    }

    @Test func `a decision waits in the page, a wrong token is refused there, and the right one executes it`() throws {
        let stack = try Stack.running(
            config:
                "agent: {mode: approve, cycle_interval_seconds: 1, settle_seconds: 5, protected_processes: [chromium]}\n",
            workers: 1)
        try stack.startAgent()
        let token = "a-token-of-some-length"
        let file = stack.directory.appending(path: "agent-token").path
        try token.write(toFile: file, atomically: true, encoding: .utf8)
        chmod(file, 0o600)
        let crowd = try Crowd(named: Self.hostile, in: stack)
        let browser = try Browser()
        try browser.open(address(stack, "agent"))
        try require(within: 60, "a decision waits") {
            try browser.holds("document.querySelector('button.yes') !== null")
        }
        func enter(_ text: String) throws {
            try browser.evaluate(
                "(() => { const field = document.getElementById('token'); field.value = '\(text)'; field.dispatchEvent(new Event('input')); })()"
            )
            try browser.click("button.yes")
        }
        try browser.click("button.yes")
        try require(within: 5, "the token is asked for") { try browser.text("main").contains("Enter the token first.") }
        try enter("wrong-wrong-wrong")
        try require(within: 10, "the wrong one is refused") { try browser.text("main").contains("The agent said") }
        // What was decided may not fit any more, and is refused then; another decision comes.
        func isChanged() throws -> Bool {
            try stack.sql(
                "SELECT count(*) FROM decisions WHERE state IN ('executing', 'verifying', 'standing', 'undone')",
                of: stack.agentDatabase) != "0"
        }
        var asked: Int64 = 0
        func decisions() -> String {
            let all = "SELECT group_concat(id || ' ' || state || ' ' || coalesce(note, ''), '; ') FROM decisions"
            return (try? stack.sql(all, of: stack.agentDatabase)) ?? "nothing"
        }
        try require(within: 90, "the change is made, but \(decisions())") {
            let waiting =
                Int64(
                    try stack.sql(
                        "SELECT coalesce(max(id), 0) FROM decisions WHERE state = 'pending'", of: stack.agentDatabase))
                ?? 0
            if waiting > asked, try browser.holds("document.querySelector('button.yes:enabled') !== null") {
                asked = waiting
                try enter(token)
            }
            return try isChanged()
        }
        try require(within: 20, "the page says so") {
            try browser.holds(
                "[...document.querySelectorAll('section[aria-label=Decisions] .badge')].some((badge) => ['executing', 'verifying', 'standing', 'undone'].includes(badge.textContent))"
            )
        }
        withExtendedLifetime(crowd) {}
    }

    @Test func `when the workers die the page says that nothing is known, and recovers by itself`() throws {
        let stack = try Stack.running()
        let browser = try Browser()
        try browser.open(address(stack, "now"))
        func level() throws -> String {
            try browser.evaluate("document.getElementById('verdict').className") as? String ?? ""
        }
        let known = ["well", "low", "medium", "high", "critical"]
        try require(within: 20, "the host is judged") { try known.contains(level()) }
        for worker in stack.workers.values { worker.signal(SIGKILL) }
        try require(within: 30, "it is said that nothing is known") { try ["silent", "stale"].contains(level()) }
        #expect(try !browser.text("#host").contains("well"))
        try require(within: 30, "what is left is greyed") {
            try browser.holds("document.body.classList.contains('old')")
        }
        for number in 1...2 { try stack.startWorker(number) }
        try require(within: 20, "it is judged again") { try known.contains(level()) }
        // The collector's end is no calm either.
        stack.collector?.stop()
        try require(within: 30, "the data is called old") { try level() == "stale" }
    }

    @Test(arguments: ["light", "dark"])
    func `each view is clean, readable and fits a phone`(scheme: String) throws {
        let stack = try Stack.running()
        try stack.startAgent()
        let browser = try Browser()
        try browser.setScheme(scheme)
        for view in Self.views {
            try browser.resize(width: 360, height: 740)
            try browser.open(address(stack, view))
            try expectFilled(browser, view)
            let width = try #require(try browser.evaluate("document.documentElement.scrollWidth") as? Int)
            #expect(width <= 360, "\(view) is \(width) wide on a phone")
            let pale = try browser.evaluate(Self.paleTexts) as? [String] ?? ["not measured"]
            #expect(pale.isEmpty, "\(view), \(scheme): \(pale.prefix(5))")
        }
        try expectClean(browser, stack)
    }

    @Test func `the first page takes at most 300 kB, and every control of each view has a name`()
        throws
    {
        let stack = try Stack.running()
        try stack.startAgent()
        let browser = try Browser()
        try browser.open(address(stack, "now"))
        try require(within: 20, "the page is whole") {
            try browser.holds("document.querySelector('.tile polyline') !== null")
        }
        #expect(browser.receivedBytes > 10_000 && browser.receivedBytes < 300_000, "\(browser.receivedBytes)")
        for view in Self.views {
            try browser.open(address(stack, view))
            try expectFilled(browser, view)
            let nameless =
                try browser.evaluate(
                    """
                    [...document.querySelectorAll('a, button, input, select, canvas, [role=img], [role=region]')]
                        .filter((element) => element.offsetParent !== null && !element.closest('[role=img]:not(canvas)')?.contains(element.parentElement))
                        .filter((element) => !(element.getAttribute('aria-label') || (element.localName !== 'select' && element.textContent?.trim()) || element.labels?.length || element.title))
                        .map((element) => element.outerHTML.slice(0, 120))
                    """) as? [String] ?? ["not measured"]
            #expect(nameless.isEmpty, "\(view): \(nameless)")
        }
    }

    /// Texts with less contrast than WCAG's AA asks for, against the nearest background that is painted.
    private static let paleTexts = """
        (() => {
            const rgb = (text) => {
                const parts = text.match(/[0-9.]+/g).map(Number);
                return { r: parts[0], g: parts[1], b: parts[2], a: parts[3] ?? 1 };
            };
            const light = ({ r, g, b }) => [r, g, b].map((part) => part / 255)
                .map((part) => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
                .reduce((sum, part, index) => sum + part * [0.2126, 0.7152, 0.0722][index], 0);
            const behind = (element) => {
                for (let at = element; at; at = at.parentElement) {
                    const colour = rgb(getComputedStyle(at).backgroundColor);
                    if (colour.a === 1) return colour;
                }
                return { r: 255, g: 255, b: 255 };
            };
            const found = [];
            const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
            while (walker.nextNode()) {
                const element = walker.currentNode.parentElement;
                if (!walker.currentNode.textContent.trim() || element.offsetParent === null || element.closest('.unseen, .skip, noscript, script')) continue;
                const style = getComputedStyle(element);
                const [a, b] = [light(rgb(style.color)), light(behind(element))].sort((x, y) => y - x);
                const isLarge = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && style.fontWeight >= 700);
                if ((a + 0.05) / (b + 0.05) < (isLarge ? 3 : 4.5)) found.push(`${walker.currentNode.textContent.trim().slice(0, 40)} ${style.color}`);
            }
            return found;
        })()
        """
}
