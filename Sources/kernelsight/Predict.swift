import API
import ArgumentParser
import Forecast
import Model
import Settings
import Store

struct Predict: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Says where the measure behind a type of signal is going.",
        discussion:
            "From the database alone, as POST /api/predict does. Exit status 1 when the data support no forecast.")

    @Option(help: "The type: \(SignalType.allCases.map(\.rawValue).joined(separator: ", ")).")
    var signalType: SignalType

    @Option(help: "Minutes ahead, 1 to 1440.")
    var duration = 30.0

    @Option(help: "Units per minute to assume instead of the measured slope.")
    var slope: Double?

    @OptionGroup var options: DatabaseOptions

    func validate() throws {
        guard (1...1440).contains(duration) else { throw ValidationError("--duration: 1 to 1440 minutes") }
        guard slope.map({ abs($0) <= 1e9 }) ?? true else { throw ValidationError("--slope: at most 1e9 a minute") }
    }

    func run() throws {
        let settings = try Settings.load(path: options.config)
        let path = options.database ?? settings.database.path
        let service = Service(reader: Reader(path: path, connections: 1), thresholds: { settings.thresholds })
        let prediction = try service.prediction(of: signalType, minutes: duration, slope: slope)
        for line in Self.lines(prediction) { print(line) }
    }

    static func lines(_ prediction: Prediction) -> [String] {
        let projection = prediction.outlook.projection
        let trend = prediction.outlook.trend
        return [
            "risk \((projection.risk ?? .low).name), confidence \(trend.confidence.rawValue) "
                + "(\(trend.count) points, r² \(Prediction.short(trend.rSquared)))",
            prediction.description,
            "in \(Prediction.short(projection.minutes)) minutes \(prediction.text(projection.projected)), with 95 % probability "
                + "\(prediction.text(projection.lower)) to \(prediction.text(projection.upper))",
        ]
    }
}

extension SignalType: ExpressibleByArgument {}
