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
        let projection = prediction.outlook.projection
        let trend = prediction.outlook.trend
        return Reply(capacity: 4096) { json in
            json.member("signal_type", prediction.type.rawValue)
            json.member("metric", prediction.metric)
            json.member("unit", prediction.unit)
            json.member("current_value", projection.current)
            json.member("projected_value", projection.projected)
            json.object("band") {
                $0.member("lower", projection.lower)
                $0.member("upper", projection.upper)
                $0.member("probability", 0.95)
            }
            json.member("slope", projection.slope)
            json.member("duration_minutes", projection.minutes)
            json.object("trend") {
                $0.member("slope", trend.slope)
                $0.member("r_squared", trend.rSquared)
                $0.member("confidence", trend.confidence.rawValue)
                $0.member("points", trend.count)
                $0.member("window_minutes", trend.minutes)
            }
            json.member("risk_level", (projection.risk ?? .low).name)
            json.member("baseline_p95", prediction.usual?.profile.p95)
            json.member("exceeds_baseline_at", prediction.exceedsUsualIn)
            json.member("reaches_critical_at", projection.crossings.last?.minutes)
            json.member("scenario_description", prediction.description)
            json.array("thresholds") { json in
                for crossing in projection.crossings {
                    json.object {
                        $0.member("severity", crossing.severity.name)
                        $0.member("value", crossing.threshold)
                        $0.member("minutes", crossing.minutes)
                    }
                }
            }
            json.array("timeline") { json in
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
            json.dataTime(trend.end, isStale: freshness(of: trend.end).isStale)
        }
    }
}

extension Problem {
    fileprivate static func noForecast(_ detail: String) -> Problem {
        Problem(status: 422, code: "no-forecast", title: "The data do not support a forecast", detail: detail)
    }
}
