import Testing

@testable import Settings

/// The errors of a text, as people see them.
func errors(in yaml: String) -> [String] {
    do {
        _ = try Settings.parse(yaml: yaml)
        return []
    } catch {
        return error.errors.map(\.description)
    }
}

/// A text, and the lines that it is refused with.
struct Refused: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let yaml: String
    let lines: [String]

    init(_ title: String, _ yaml: String, _ lines: String...) {
        testDescription = title
        self.yaml = yaml
        self.lines = lines
    }
}

@Suite struct RefusedFileTests {
    static let sampling = "allowed: whole number, 0 to 100000 events/s"
    static let flush = "allowed: number, 0.1 to 60 s"
    static let path = "allowed: text, a file's path"
    static let stall = "allowed: list of 4 numbers that rise, 0 to 1"

    @Test(arguments: [
        Refused(
            "an unknown section", "datbase:\n  path: x\n", "config.yaml:1: datbase: unknown key, did you mean database?"
        ),
        Refused(
            "an unknown key", "# top\n\nadvanced:\n  signal_batchsize: 1\n",
            "config.yaml:4: advanced.signal_batchsize: unknown key, did you mean signal_batch_size?"),
        Refused(
            "a swapped pair of letters", "tracers:\n  sampling:\n    shced_tracer: 1\n",
            "config.yaml:3: tracers.sampling.shced_tracer: unknown key, did you mean sched_tracer?"),
        Refused(
            "a key in the wrong section", "flush_interval_seconds: 2\n",
            "config.yaml:1: flush_interval_seconds: unknown key, did you mean advanced.flush_interval_seconds?"),
        Refused(
            "a key like no other", "agent:\n  colour: red\n",
            "config.yaml:2: agent.colour: unknown key, allowed: \(Key.children(of: "agent").joined(separator: ", "))"),
        Refused(
            "a name with control characters", "\"a\\nb\": 1\n",
            "config.yaml:1: a b: unknown key, allowed: \(Key.children(of: "").joined(separator: ", "))"),
        Refused(
            "a list as a key", "[a, b]: 1\n", "config.yaml:1: a list of 2 as a key, allowed: a name"),
        Refused(
            "the merge key", "agent:\n  <<: {}\n",
            "config.yaml:2: agent.<<: unknown key, allowed: \(Key.children(of: "agent").joined(separator: ", "))"),
    ])
    func `keys that do not exist`(_ refused: Refused) { #expect(errors(in: refused.yaml) == refused.lines) }

    @Test(arguments: [
        Refused(
            "text for a number", "tracers:\n  sampling:\n    sched_tracer: many\n",
            "config.yaml:3: tracers.sampling.sched_tracer: many is not a whole number, \(sampling)"),
        Refused(
            "a quoted number", "tracers: {sampling: {sched_tracer: \"5\"}}\n",
            "config.yaml:1: tracers.sampling.sched_tracer: \"5\" is not a whole number, \(sampling)"),
        Refused(
            "a fraction for a whole number", "tracers: {sampling: {sched_tracer: 1.5}}\n",
            "config.yaml:1: tracers.sampling.sched_tracer: 1.5 is not a whole number, \(sampling)"),
        Refused(
            "an exponent for a whole number", "tracers: {sampling: {sched_tracer: 1E2}}\n",
            "config.yaml:1: tracers.sampling.sched_tracer: 1E2 is not a whole number, \(sampling)"),
        Refused(
            "hexadecimal", "tracers: {sampling: {sched_tracer: 0x10}}\n",
            "config.yaml:1: tracers.sampling.sched_tracer: 0x10 is not a whole number, \(sampling)"),
        Refused(
            "hexadecimal for a fraction", "advanced: {flush_interval_seconds: 0x1}\n",
            "config.yaml:1: advanced.flush_interval_seconds: 0x1 is not a number, \(flush)"),
        Refused(
            "sexagesimal", "advanced: {flush_interval_seconds: 1:30}\n",
            "config.yaml:1: advanced.flush_interval_seconds: 1:30 is not a number, \(flush)"),
        Refused(
            "not a number", "advanced:\n  flush_interval_seconds: .nan\n",
            "config.yaml:2: advanced.flush_interval_seconds: .nan is not a number, \(flush)"),
        Refused(
            "a boolean", "advanced:\n  flush_interval_seconds: yes\n",
            "config.yaml:2: advanced.flush_interval_seconds: yes is not a number, \(flush)"),
        Refused(
            "nothing", "advanced:\n  flush_interval_seconds:\n",
            "config.yaml:2: advanced.flush_interval_seconds: nothing is not a number, \(flush)"),
        Refused(
            "null", "database:\n  path: ~\n", "config.yaml:2: database.path: nothing is not text, \(path)"),
        Refused(
            "a number for text", "database:\n  path: 5\n", "config.yaml:2: database.path: 5 is not text, \(path)"),
        Refused(
            "a boolean for text", "database:\n  path: Yes\n", "config.yaml:2: database.path: Yes is not text, \(path)"),
        Refused(
            "a map for text", "database:\n  path: {a: b}\n",
            "config.yaml:2: database.path: a map is not text, \(path)"),
        Refused(
            "a list for a section", "database: [path]\n",
            "config.yaml:1: database: a list of 1 instead of a section, allowed: path"),
        Refused(
            "text for a section", "database: data/x.db\n",
            "config.yaml:1: database: data/x.db instead of a section, allowed: path"),
        Refused(
            "a map for a list", "tracers:\n  enabled: {syscall_tracer: true}\n",
            "config.yaml:2: tracers.enabled: a map is not a list, "
                + "allowed: list of syscall_tracer, sched_tracer, page_fault_tracer, io_latency_tracer"),
        Refused(
            "a mode that does not exist", "agent:\n  mode: atuo\n",
            "config.yaml:2: agent.mode: atuo is none of them (did you mean auto?), allowed: observe, approve, auto"),
        Refused(
            "a word for true", "agent:\n  undo_on_stop: yes\n",
            "config.yaml:2: agent.undo_on_stop: yes is neither, allowed: true or false"),
        Refused(
            "true in quotes", "agent:\n  undo_on_stop: \"true\"\n",
            "config.yaml:2: agent.undo_on_stop: \"true\" is neither, allowed: true or false"),
        Refused(
            "an action that can be undone among those that cannot",
            "agent:\n  actions:\n    unattended: [pause_process]\n",
            "config.yaml:3: agent.actions.unattended: pause_process is not an action, "
                + "allowed: list of flush_buffers, clear_page_cache"),
        Refused(
            "a number for a name", "agent:\n  protected_processes: [7]\n",
            "config.yaml:2: agent.protected_processes: 7 is not a name, allowed: list of names"),
        Refused(
            "a list for the file", "- database\n- tracers\n",
            "config.yaml:1: a list of 2 instead of sections, allowed: \(Key.children(of: "").joined(separator: ", "))"),
        Refused(
            "text for the file", "hello\n",
            "config.yaml:1: hello instead of sections, allowed: \(Key.children(of: "").joined(separator: ", "))"),
    ])
    func `values of the wrong type`(_ refused: Refused) { #expect(errors(in: refused.yaml) == refused.lines) }

    @Test(arguments: [
        Refused(
            "negative", "tracers:\n  sampling:\n    syscall_tracer: -1\n",
            "config.yaml:3: tracers.sampling.syscall_tracer: -1 is out of range, \(sampling)"),
        Refused(
            "too large", "tracers:\n  sampling:\n    syscall_tracer: 100001\n",
            "config.yaml:3: tracers.sampling.syscall_tracer: 100001 is out of range, \(sampling)"),
        Refused(
            "larger than any integer", "tracers: {sampling: {syscall_tracer: 99999999999999999999999999}}\n",
            "config.yaml:1: tracers.sampling.syscall_tracer: 99999999999999999999999999 is out of range, \(sampling)"),
        Refused(
            "larger than any number", "advanced: {flush_interval_seconds: 1e999}\n",
            "config.yaml:1: advanced.flush_interval_seconds: 1e999 is out of range, \(flush)"),
        Refused(
            "zero where something is needed", "advanced: {database_connection_pool_size: 0}\n",
            "config.yaml:1: advanced.database_connection_pool_size: 0 is out of range, allowed: whole number, 1 to 64"),
        Refused(
            "an empty path", "database: {path: \"\"}\n",
            "config.yaml:1: database.path: is 0 bytes long, allowed: a path of 1 to 4095 bytes"),
        Refused(
            "a path that is too long", "database: {path: \(String(repeating: "x", count: 5000))}\n",
            "config.yaml:1: database.path: is 5000 bytes long, allowed: a path of 1 to 4095 bytes"),
        Refused(
            "a band above its top", "thresholds:\n  memory_stall: [0.1, 0.2, 0.3, 1.5]\n",
            "config.yaml:2: thresholds.memory_stall: 1.5 is out of range, \(stall)"),
        Refused(
            "bands that fall", "thresholds:\n  memory_stall: [0.1, 0.3, 0.2, 0.5]\n",
            "config.yaml:2: thresholds.memory_stall: [0.1, 0.3, 0.2, 0.5] falls, \(stall)"),
        Refused(
            "three bands", "thresholds:\n  memory_stall: [0.1, 0.3, 0.5]\n",
            "config.yaml:2: thresholds.memory_stall: a list of 3 is not a list of 4, \(stall)"),
        Refused(
            "a tracer that does not exist",
            "tracers:\n  enabled:\n    - sched_tracer\n    - syscal_tracer\n",
            "config.yaml:4: tracers.enabled: syscal_tracer is not a tracer (did you mean syscall_tracer?), "
                + "allowed: list of syscall_tracer, sched_tracer, page_fault_tracer, io_latency_tracer"),
        Refused(
            "a tracer that stands twice", "tracers:\n  enabled:\n    - sched_tracer\n    - sched_tracer\n",
            "config.yaml:4: tracers.enabled: sched_tracer stands twice, allowed: once"),
        Refused(
            "a window that is too short", "hysteresis:\n  window: 1\n",
            "config.yaml:2: hysteresis.window: open_after 2 can never be reached in a window of 1, "
                + "allowed: open_after up to window"),
        Refused(
            "data that are written too seldom to be fresh", "advanced:\n  flush_interval_seconds: 60\n",
            "config.yaml:2: advanced.flush_interval_seconds: flush_interval_seconds 60 lets data become older than "
                + "freshness_limit_seconds 10, allowed: a limit of flush_interval_seconds + 2 or more"),
        Refused(
            "a freshness that no tick keeps", "api:\n  freshness_limit_seconds: 2\n",
            "config.yaml:2: api.freshness_limit_seconds: flush_interval_seconds 1 lets data become older than "
                + "freshness_limit_seconds 2, allowed: a limit of flush_interval_seconds + 2 or more"),
    ])
    func `values out of range`(_ refused: Refused) { #expect(errors(in: refused.yaml) == refused.lines) }

    @Test(arguments: [
        Refused(
            "tabs", "database:\n\tpath: x\n",
            "config.yaml:2: is not YAML: found character that cannot start any token "
                + "(while scanning for the next token, line 2); indent with spaces, not tabs"),
        Refused(
            "a bracket that is not closed", "agent:\n  cycle_interval_seconds: 5\ntracers:\n  enabled: [sched_tracer\n",
            "config.yaml:4: is not YAML: did not find expected ',' or ']' (while parsing a flow sequence, line 4)"),
        Refused(
            "two values in one line", "database: path: x\n",
            "config.yaml:1: is not YAML: mapping values are not allowed in this context"),
        Refused(
            "a control character", "database:\n  path: \u{1}\n",
            "config.yaml:2: is not YAML: control characters are not allowed"),
        Refused(
            "an alias without an anchor", "agent: *other\n",
            "config.yaml:1: an anchor or alias (& or *), allowed: values written out"),
        Refused(
            "a second document", "agent: {}\n---\nagent: {}\n",
            "config.yaml:2: is not YAML: but found another document (expected a single document in the stream, line 1)"),
        Refused(
            "a key that stands twice",
            "advanced:\n  signal_batch_size: 1\n  # again\n  signal_batch_size: 2\n",
            "config.yaml:4: signal_batch_size: stands twice, allowed: once (the first is in line 2)"),
        Refused(
            "a section that stands twice", "agent: {}\nadvanced: {}\n\"agent\": {}\n",
            "config.yaml:3: agent: stands twice, allowed: once (the first is in line 1)"),
        Refused(
            "a key that stands twice in one line",
            "\n\nagent: {cycle_interval_seconds: 1, cycle_interval_seconds: 2}\n",
            "config.yaml:3: cycle_interval_seconds: stands twice, allowed: once (the first is in line 3)"),
    ])
    func `texts that are not YAML`(_ refused: Refused) { #expect(errors(in: refused.yaml) == refused.lines) }

    @Test func `all errors are told, in the order of the lines`() {
        let lines = errors(
            in: """
                hysteresis:
                  open_after: 9
                advanced:
                  signal_batch_size: none
                  flush_interval_seconds: 0
                  pool: 3
                database:
                """)
        #expect(lines.map { $0.split(separator: ":")[1] } == ["2", "4", "5", "6"])
    }

    @Test func `an error is one short line whatever the file holds`() {
        let lines = errors(in: "agent:\n  cycle_interval_seconds: \"\(String(repeating: "a\\n", count: 2000))\"\n")
        #expect(lines.count == 1)
        #expect(lines.allSatisfy { $0.utf8.count < 200 && !$0.contains("\n") })
    }

    @Test(.timeLimit(.minutes(1))) func `small texts that stand for endless ones are refused at once`() {
        let bomb = (1...30).map { "a\($0): &a\($0) [*a\($0 - 1), *a\($0 - 1)]" }.joined(separator: "\n")
        #expect(errors(in: "a0: &a0 x\n\(bomb)\n? *a30\n: 1\n").count == 1)
        #expect(errors(in: "agent: " + String(repeating: "[", count: 60_000)).count == 1)
        #expect(errors(in: String(repeating: "? ", count: 30_000)).count == 1)
    }
}
