import ArgumentParser
import Foundation
import Model

struct Predict: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Says where the measure behind a type of signal is going.",
        discussion: "Exit status 1 when the data support no forecast.")

    @Option(help: "The type: \(SignalType.allCases.map(\.rawValue).joined(separator: ", ")).")
    var signalType: SignalType

    @Option(help: "Minutes ahead, 1 to 1440.")
    var duration = 30.0

    @Option(help: "Units per minute to assume instead of the measured slope.")
    var slope: Double?

    @Flag(help: "The API's reply as it is.")
    var json = false

    @OptionGroup var source: SourceOptions

    func validate() throws {
        guard (1...1440).contains(duration) else { throw ValidationError("--duration: 1 to 1440 minutes") }
        guard slope.map({ abs($0) <= 1e9 }) ?? true else { throw ValidationError("--slope: at most 1e9 a minute") }
    }

    func run() throws {
        var question = JSONWriter(capacity: 128)
        question.object {
            $0.member("signal_type", signalType.rawValue)
            $0.member("duration_minutes", duration)
            if let slope { $0.member("custom_slope", slope) }
        }
        let body = try source.ask("/api/predict", body: Data(question.bytes))
        let reply = try source.read(Replies.Prediction.self, body, of: "/api/predict")
        for line in json ? [String(decoding: body, as: UTF8.self)] : Self.lines(reply) { print(line) }
    }

    static func lines(_ reply: Replies.Prediction) -> [String] {
        func text(_ value: Double) -> String {
            reply.unit == "share" ? "\(Terminal.short(value * 100)) %" : "\(Terminal.short(value)) \(reply.unit)"
        }
        return [
            "risk \(reply.riskLevel), confidence \(reply.trend.confidence) "
                + "(\(reply.trend.points) points, r² \(Terminal.short(reply.trend.rSquared)))",
            Terminal.plain(reply.scenarioDescription),
            "in \(Terminal.short(reply.durationMinutes)) minutes \(text(reply.projectedValue)), with 95 % probability "
                + "\(text(reply.band.lower)) to \(text(reply.band.upper))",
        ]
    }
}

extension SignalType: ExpressibleByArgument {}
