import Foundation
import Glibc
import Model
import Store

/// What a benchmark measured, and where: the file that `--output` writes.
public struct Results: Codable, Sendable {
    /// Grows when what is here means something else.
    public var version = 1
    /// When it was finished, RFC 3339.
    public var taken: String
    public var machine: Machine
    public var figures: [Figure]

    /// What figures depend on.
    public struct Machine: Codable, Sendable, Equatable {
        public var kernel: String
        public var processor: String
        public var cores: Int
        public var memoryBytes: UInt64

        /// The one that this runs on.
        public static var own: Machine {
            var name = utsname()
            uname(&name)
            let kernel = withUnsafeBytes(of: name.release) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            let lines = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8))?.split(separator: "\n") ?? []
            let model = lines.first { $0.hasPrefix("model name") }?.split(separator: ":").last
            return Machine(
                kernel: kernel, processor: model.map { $0.trimmingCharacters(in: .whitespaces) } ?? "unknown",
                cores: sysconf(Int32(_SC_NPROCESSORS_ONLN)),
                memoryBytes: UInt64(sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))))
        }
    }

    public init(_ figures: [Figure], machine: Machine = .own, taken: Timestamp = .now) {
        self.figures = figures
        self.machine = machine
        self.taken = taken.rfc3339
    }

    /// With what another run gave: of a figure that is there already the median of all runs counts, and the rest is the latest.
    public func adding(_ figures: [Figure]) -> Results {
        var results = self
        for var figure in figures {
            guard let index = results.figures.firstIndex(where: { $0.name == figure.name }) else {
                results.figures.append(figure)
                continue
            }
            figure.runs = results.figures[index].runs + figure.runs
            if !figure.runs.isEmpty { figure.value = Samples(figure.runs).median }
            results.figures[index] = figure
        }
        return results
    }

    /// Reads a file that `write` wrote. Throws `BenchmarkFailure`.
    public init(path: String) throws {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw BenchmarkFailure("\(path): cannot be read; name a file that kernelsight bench --output wrote")
        }
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = Self.decodingLost
        // First the version: in another one the rest may be anything.
        if let version = try? decoder.decode(Version.self, from: data).version, version != 1 {
            throw BenchmarkFailure("\(path): has version \(version), this program knows 1; update KernelSight")
        }
        do { self = try decoder.decode(Results.self, from: data) } catch {
            throw BenchmarkFailure("\(path): is no result of kernelsight bench --output")
        }
    }

    /// Writes the file. Throws `BenchmarkFailure`.
    public func write(path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.nonConformingFloatEncodingStrategy = Self.encodingLost
        do { try encoder.encode(self).write(to: URL(fileURLWithPath: path)) } catch {
            throw BenchmarkFailure("\(path): cannot be written: \(error.localizedDescription)")
        }
    }

    private struct Version: Decodable { var version: Int }

    /// A figure that was lost in the noise is no number, and JSON has none for that.
    private static let encodingLost = JSONEncoder.NonConformingFloatEncodingStrategy.convertToString(
        positiveInfinity: "inf", negativeInfinity: "-inf", nan: "lost")
    private static let decodingLost = JSONDecoder.NonConformingFloatDecodingStrategy.convertFromString(
        positiveInfinity: "inf", negativeInfinity: "-inf", nan: "lost")
}
