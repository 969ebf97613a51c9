import Foundation
import Glibc
import Testing

/// `deploy/render-nginx`: what nginx makes of the paths in its configuration.
struct RenderTests {
    private let scratch = ScratchDirectory()

    private func render(in directory: String) throws -> (output: String, status: Int32) {
        try execute(
            Stack.sources.appending(path: "deploy/render-nginx").path,
            ["8080", directory, directory, "\(directory)/1.sock", "\(directory)/2.sock"])
    }

    @Test func `nginx reads a path with blanks, quotes and its own punctuation`() throws {
        let directory = scratch.url.appending(path: #"a b & |c|; it's "{d}" \e #f:g"#).path
        mkdir(directory, 0o755)
        let rendered = try render(in: directory)
        #expect(rendered.status == 0)
        let file = scratch.url.appending(path: "nginx.conf").path
        try rendered.output.write(toFile: file, atomically: false, encoding: .utf8)
        let check = try execute("/usr/sbin/nginx", ["-q", "-t", "-p", directory, "-c", file, "-e", "stderr"])
        #expect(check.status == 0, "\(check.output)")
        for name in ["nginx.pid", "nginx-error.log", "nginx-access.log", "cache", "body"] {
            #expect(access("\(directory)/\(name)", F_OK) == 0, "\(name) is where it belongs")
        }
    }

    @Test func `a path with a dollar sign is refused`() throws {
        let rendered = try render(in: "/tmp/cash$")
        #expect(rendered.status == 1)
        #expect(
            rendered.output
                == "render-nginx: /tmp/cash$: nginx cannot read a path with a dollar sign; choose another directory\n")
    }
}
