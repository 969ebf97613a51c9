import ChildProcess
import Foundation
import Glibc
import Testing

/// `kernelsight` as people run it, against the real product. Needs root, for the tracers.
@Suite(.serialized) struct CommandsTests {
    private func kernelsight(_ arguments: String...) throws -> (output: String, status: Int32) {
        try execute(Stack.binaries.appending(path: "kernelsight").path, arguments)
    }

    private func api(_ stack: Stack) -> String { "http://127.0.0.1:\(stack.port)" }

    @Test func `why names a real fault with who causes it and who suffers, by the API and without it`() throws {
        // A debug build must not run out of its budget.
        let stack = try Stack.running(config: "overhead: {budget_percent: 100}\n")
        try require(within: 40, "nothing hurts yet") { try kernelsight("why", "--api", api(stack)).status == 0 }
        let crowd = try Crowd(named: "greedy", in: stack)
        try require(within: 40, "why names it") {
            let why = try kernelsight("why", "--api", api(stack))
            return why.status == 2 && why.output.contains("caused by greedy") && why.output.contains("suffer: ")
        }
        let direct = try kernelsight("why", "--db", stack.database)
        #expect(direct.status == 2 && direct.output.contains("caused by greedy"), "\(direct.output)")
        // Colours are for terminals.
        #expect(!direct.output.contains("\u{1B}"))

        let list = try kernelsight("query", "--state", "open", "--severity", "medium", "--csv", "--api", api(stack))
        let rows = list.output.split(separator: "\n")
        #expect(list.status == 0 && rows.first == "timestamp,signal_type,severity,pressure_score,summary")
        #expect(rows.count > 1, "\(list.output)")
        let json = try kernelsight("signals", "--severity", "medium", "--json", "--api", api(stack))
        let reply = try #require(
            JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any], "\(json.output)")
        let id = try #require((reply["signals"] as? [[String: Any]])?.first?["id"] as? Int)
        let one = try kernelsight("signal", "\(id)", "--api", api(stack))
        #expect(one.status == 0 && one.output.contains("threshold "), "\(one.output)")

        // Three points, ten seconds apart. Of what the fault does not move: a line through a jump is refused, and rightly.
        let question = ["predict", "--signal-type", "memory_pressure", "--duration", "1"]
        for source in [["--api", api(stack)], ["--db", stack.database]] {
            var predict = (output: "", status: Int32(0))
            try require(within: 60, "there is a forecast, not: \(predict.output)") {
                predict = try execute(Stack.binaries.appending(path: "kernelsight").path, question + source)
                return predict.status == 0 && predict.output.hasPrefix("risk ")
                    && predict.output.contains("memory.used is ")
            }
        }
        let none = try kernelsight("predict", "--signal-type", "scheduler", "--api", api(stack))
        #expect(none.status == 1 && none.output.contains("single processes"), "\(none.output)")
        let processes = try kernelsight("processes", "--sort", "cpu", "--limit", "3", "--api", api(stack))
        #expect(processes.status == 0 && processes.output.contains("greedy"), "\(processes.output)")
        let top = try kernelsight("top", "--db", stack.database)
        #expect(top.status == 0 && top.output.contains("greedy") && top.output.contains("runq ms/s"), "\(top.output)")
        withExtendedLifetime(crowd) {}
    }

    @Test func `watch goes on until Ctrl-C, and top where nobody reads it once`() throws {
        let stack = try Stack.running(workers: 1)
        let watch = try start(
            Stack.binaries.appending(path: "kernelsight").path, ["signals", "--watch", "--api", api(stack)],
            directory: stack.directory)
        try require(within: 20, "it is told again") {
            watch.output.components(separatedBy: "Found").count > 2 && watch.isRunning
        }
        watch.signal(SIGINT)
        #expect(watch.wait(seconds: 10))
        #expect(watch.exitStatus == 128 + SIGINT)
        #expect(try kernelsight("top", "--api", api(stack)).status == 0)
    }

    @Test func `what cannot be done is said in a sentence that helps, with its exit status`() throws {
        let port = try freePort()
        let nobody = try kernelsight("why", "--api", "http://127.0.0.1:\(port)")
        #expect(nobody.status == 1 && nobody.output.contains("127.0.0.1:\(port)"), "\(nobody.output)")
        let nothing = try kernelsight("signals", "--db", "/nonexistent/kernelsight.db")
        #expect(nothing.status == 1 && nothing.output.contains("/nonexistent/kernelsight.db"), "\(nothing.output)")
        let scratch = ScratchDirectory()
        let broken = scratch.url.appending(path: "broken.yaml").path
        try "agent: {mode: sometimes}\n".write(toFile: broken, atomically: true, encoding: .utf8)
        let config = try kernelsight("config", "check", broken)
        #expect(config.status == 1 && config.output.contains("broken.yaml:1: agent.mode: "), "\(config.output)")
        let wrong = try kernelsight("signals", "--nonsense")
        #expect(wrong.status == 64 && wrong.output.contains("--nonsense"), "\(wrong.output)")
        let both = try kernelsight("signals", "--json", "--csv")
        #expect(both.status == 64 && both.output.contains("one of them"), "\(both.output)")
    }

    @Test func `doctor says of every tracer whether it is attached`() throws {
        let stack = try Stack.running(config: "overhead: {budget_percent: 100}\n", workers: 1)
        try require(within: 60, "all tracers are attached") {
            let doctor = try kernelsight("doctor", "--db", stack.database)
            let names = ["syscall_tracer", "sched_tracer", "page_fault_tracer", "io_latency_tracer"]
            return doctor.status == 0 && names.allSatisfy { doctor.output.contains("\($0): attached") }
        }
    }

    @Test func `status is about every part, by the API and without it, and fails where something is broken`() throws {
        let stack = try Stack.running(config: "api: {freshness_limit_seconds: 4}\n", workers: 1)
        var status: (output: String, status: Int32) = ("", -1)
        // One commit that is late makes the data older than these four seconds.
        try require(within: 20, "nothing is broken: \(status.output)") {
            status = try kernelsight("status", "--api", api(stack))
            return status.status == 0
        }
        for part in ["database ", "collector ", "sched_tracer ", "worker_pool ", "agent "] {
            #expect(status.output.contains("\n\(part)") || status.output.hasPrefix(part), "\(part) in \(status.output)")
        }
        let config = stack.directory.appending(path: "config.yaml").path
        func direct() throws -> (output: String, status: Int32) {
            try kernelsight("status", "--db", stack.database, "--config", config)
        }
        try require(within: 20, "the data are fresh") { try direct().status == 0 }
        try require(within: 20, "the same as JSON") {
            let json = try kernelsight("status", "--json", "--api", api(stack))
            let reply = try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any]
            return json.status == 0 && reply?["checks"] is [Any]
        }
        stack.collector?.stop()
        // In fewer than the ten seconds that are the default.
        try require(within: 9, "the data are old by what the configuration says") { try direct().status == 1 }
        #expect(try direct().output.contains("start kernelsight-collector"))
        try require(within: 10, "the API says so, too") {
            let (old, json) = (
                try kernelsight("status", "--api", api(stack)), try kernelsight("status", "--json", "--api", api(stack))
            )
            return old.status == 1 && json.status == 1
        }
    }

    @Test(arguments: ["bash", "zsh", "fish"]) func `a shell completes its commands`(shell: String) throws {
        let script = try kernelsight("--generate-completion-script", shell)
        #expect(script.status == 0 && script.output.contains("demo-data"))
        guard shell == "bash" else { return }
        // As bash asks: the words so far, and which of them is asked about.
        let asked = try execute(
            "/bin/bash",
            [
                "-c",
                "eval \"$1\"; COMP_WORDS=(kernelsight sig); COMP_CWORD=1; _kernelsight kernelsight sig kernelsight; echo \"${COMPREPLY[@]}\"",
                "bash", script.output,
            ])
        #expect(asked.output.contains("signals"), "\(asked.output)")
    }
}
