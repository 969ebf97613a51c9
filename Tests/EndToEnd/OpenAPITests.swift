import Foundation
import Testing

/// The OpenAPI document in the hands of those who know OpenAPI, against the real product. What they need from PyPI, `deploy/test` puts
/// into `.build/python`.
@Suite(.serialized) struct OpenAPITests {
    private let scratch = ScratchDirectory()
    private static let document = Stack.sources.appending(path: "nginx/openapi.json").path

    private func python(_ program: String) throws -> String {
        let path = Stack.sources.appending(path: ".build/python/bin/\(program)").path
        try #require(FileManager.default.isExecutableFile(atPath: path), "deploy/test installs \(path)")
        return path
    }

    @Test func `the document is valid`() throws {
        let check = try execute(try python("openapi-spec-validator"), [Self.document])
        #expect(check.status == 0, "\(check.output)")
    }

    @Test func `whatever is asked, allowed or not, no answer is an error of ours or against the document`() throws {
        let stack = try Stack.running(config: "agent: {mode: observe, cycle_interval_seconds: 1}\n")
        try stack.startAgent()
        try require(within: 20, "the agent has decided something or nothing") {
            try stack.get("/api/agent/history").json["count"] as? Int ?? 0 > 0
        }
        // It keeps what it has found where it is started.
        let run = try execute(
            "/usr/bin/env",
            [
                "-C", scratch.url.path, try python("schemathesis"), "run", Self.document, "--url",
                "http://127.0.0.1:\(stack.port)", "--phases",
                "examples,coverage,fuzzing",
                "--checks",
                "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance",
                "--max-examples", "15", "--generation-deterministic", "--no-color",
                // Nobody has signals and decisions of every number.
                "--warnings", "off",
            ], seconds: 600)
        #expect(run.status == 0, "\(run.output.suffix(4000))")
        #expect(run.output.contains("No issues found"), "\(run.output.suffix(1000))")
    }
}
