import Foundation

/// Compiles one BPF program and writes the object as a Swift byte array, for SwiftPM's build plug-in.
///
///     embed-bpf CLANG OBJCOPY SOURCE OUTPUT.swift
@main
struct EmbedBPF {
    static func main() throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 5 else { throw Failure("usage: embed-bpf CLANG OBJCOPY SOURCE OUTPUT.swift") }
        let (clang, objcopy, source) = (arguments[1], arguments[2], URL(fileURLWithPath: arguments[3]))
        let output = URL(fileURLWithPath: arguments[4])
        let object = output.deletingPathExtension().appendingPathExtension("o")
        defer { try? FileManager.default.removeItem(at: object) }

        let include = source.deletingLastPathComponent()
        // Debian keeps asm/ under the architecture's name; clang does not look there for the bpf target.
        let system = ["x86_64-linux-gnu", "aarch64-linux-gnu"].map { "/usr/include/" + $0 }
            .filter(FileManager.default.fileExists(atPath:)).flatMap { ["-isystem", $0] }
        try run(
            clang,
            ["-target", "bpf", "-g", "-O2", "-mcpu=v3", "-Wall", "-Werror", "-I", include.path] + system
                + ["-c", source.path, "-o", object.path])
        // DWARF goes, BTF stays: CO-RE needs it.
        try run(objcopy, ["--strip-debug", object.path])

        let name = source.lastPathComponent.replacingOccurrences(of: ".bpf.c", with: "")
        try swift(name: name, image: Data(contentsOf: object)).write(to: output, atomically: true, encoding: .utf8)
    }

    static func run(_ program: String, _ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Failure("\(program) failed for \(arguments.last ?? ""); is libbpf-dev installed?")
        }
    }

    /// `syscall_tracer` becomes `BPFImage.syscallTracer`.
    static func swift(name: String, image: Data) -> String {
        let words = name.split(separator: "_")
        let property = words.prefix(1).map(String.init).joined() + words.dropFirst().map(\.capitalized).joined()
        var bytes = ""
        for (index, byte) in image.enumerated() {
            bytes += index % 32 == 0 ? "\n        " : " "
            bytes += "\(byte),"
        }
        return """
            // From bpf/\(name).bpf.c.
            extension BPFImage {
                static let \(property): [UInt8] = [\(bytes)
                ]
            }

            """
    }
}

/// What stopped the build.
struct Failure: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}
