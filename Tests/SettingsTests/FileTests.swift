import Glibc
import Testing

@testable import Settings

@Suite struct FileTests {
    /// Writes a file, reads it as a configuration, and removes it.
    private func load(_ bytes: [UInt8]) throws -> (errors: [String], file: String) {
        var template = Array("/tmp/kernelsight-settings-XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        try #require(descriptor >= 0)
        let file = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        defer { unlink(file) }
        #expect(write(descriptor, bytes, bytes.count) == bytes.count)
        close(descriptor)
        do {
            _ = try Settings.load(path: file)
            return ([], file)
        } catch {
            return (error.errors.map(\.description), file)
        }
    }

    @Test func `a file that is named must exist`() {
        #expect(
            throws: SettingsErrors(errors: [
                SettingsError(file: "/nowhere.yaml", problem: "cannot be read: No such file or directory")
            ])
        ) {
            try Settings.load(path: "/nowhere.yaml")
        }
    }

    @Test func `a directory is not a configuration`() {
        #expect(
            throws: SettingsErrors(errors: [SettingsError(file: "/tmp", problem: "cannot be read: Is a directory")])
        ) {
            try Settings.load(path: "/tmp")
        }
    }

    @Test func `errors carry the name that the file was given by`() throws {
        let (errors, file) = try load(Array("agent:\n  cycle_interval_seconds: 0\n".utf8))
        #expect(errors.first?.hasPrefix("\(file):2: agent.cycle_interval_seconds: 0 is out of range") == true)
    }

    @Test func `bytes that are not text are refused`() throws {
        let (errors, file) = try load([0x61, 0xFF, 0xFE])
        #expect(errors == ["\(file): is not UTF-8 text; save it as UTF-8"])
    }

    @Test func `a file of 64 KiB is read and a longer one is refused`() throws {
        #expect(try load(Array(repeating: 0x23, count: 65_536)).errors == [])
        let (errors, file) = try load(Array(repeating: 0x23, count: 65_537))
        #expect(errors == ["\(file): is longer than 65536 bytes, allowed: a configuration of less"])
    }
}
