import FastCGI
import Forecast
import Model

extension Service {
    /// `POST /api/predict`: `{"signal_type": …, "duration_minutes": 30, "custom_slope": …}`.
    func predict(_ request: Request) throws -> Reply {
        var body = try JSONBody(request)
        let type = body.choice("signal_type", SignalType.allCases.map { ($0.rawValue, $0) })
        let minutes = body.number("duration_minutes", in: 1...1440) ?? 30
        let slope = body.number("custom_slope", in: -1e9...1e9)
        try body.finish()
        // Without a type, `finish` has thrown.
        guard let type else { throw Problem.badParameters([]) }
        do {
            var reply = write(try prediction(of: type, minutes: minutes, slope: slope))
            reply.caching = .never
            return reply
        } catch let refusal as ForecastRefusal {
            throw Problem.noForecast(refusal.description)
        } catch let refusal as PredictionRefusal {
            throw Problem.noForecast(refusal.description)
        }
    }

    private func write(_ prediction: Prediction) -> Reply {
        let end = prediction.outlook.trend.end
        return Reply(capacity: 4096) {
            $0.prediction(prediction)
            $0.dataTime(end, isStale: freshness(of: end).isStale)
        }
    }
}

extension JSONWriter {
    /// Members of what is predicted.
    mutating func prediction(_ prediction: Prediction) {
        let projection = prediction.outlook.projection
        let trend = prediction.outlook.trend
        member("signal_type", prediction.type.rawValue)
        member("metric", prediction.metric)
        member("unit", prediction.unit)
        member("current_value", projection.current)
        member("projected_value", projection.projected)
        object("band") {
            $0.member("lower", projection.lower)
            $0.member("upper", projection.upper)
            $0.member("probability", 0.95)
        }
        member("slope", projection.slope)
        member("duration_minutes", projection.minutes)
        object("trend") {
            $0.member("slope", trend.slope)
            $0.member("r_squared", trend.rSquared)
            $0.member("confidence", trend.confidence.rawValue)
            $0.member("points", trend.count)
            $0.member("window_minutes", trend.minutes)
        }
        member("risk_level", (projection.risk ?? .low).name)
        member("baseline_p95", prediction.usual?.profile.p95)
        member("exceeds_baseline_at", prediction.exceedsUsualIn)
        member("reaches_critical_at", projection.crossings.last?.minutes)
        member("scenario_description", prediction.description)
        array("thresholds") { json in
            for crossing in projection.crossings {
                json.object {
                    $0.member("severity", crossing.severity.name)
                    $0.member("value", crossing.threshold)
                    $0.member("minutes", crossing.minutes)
                }
            }
        }
        array("timeline") { json in
            for moment in projection.timeline {
                json.object {
                    $0.member("time_minutes", moment.minutes)
                    $0.member("timestamp", rfc3339: prediction.time.advanced(bySeconds: 60 * moment.minutes))
                    $0.member("value", moment.value)
                    $0.member("lower", moment.lower)
                    $0.member("upper", moment.upper)
                    $0.member("status", moment.severity?.name ?? "normal")
                }
            }
        }
    }
}

extension Problem {
    fileprivate static func noForecast(_ detail: String) -> Problem {
        Problem(status: 422, code: "no-forecast", title: "The data do not support a forecast", detail: detail)
    }
}
