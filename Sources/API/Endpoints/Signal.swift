import Forecast
import Model
import Store

extension Service {
    /// `GET /api/signals/{id}`: one signal with its evidence; with `forecast_minutes`, where the measure behind its type goes.
    func signal(id: String, _ parameters: inout Parameters) throws -> Reply {
        let minutes = parameters.integer("forecast_minutes", in: 1...1440)
        try parameters.finish()
        guard let number = Int64(id), number > 0 else { throw Problem.noSuchSignal(QueryString.shortened(id)) }
        // Asked first, so that it is no newer than what follows.
        let state = try currentHealth().state
        guard let detail = try reader.signal(id: number) else { throw Problem.noSuchSignal(id) }
        let signal = detail.signal
        let surroundings = try surroundings(of: detail)
        let forecast = try minutes.map { try self.forecast(of: signal.type, minutes: Double($0)) }
        return Reply(capacity: 8192) { json in
            json.signal(signal)
            json.data(of: state.lastCommit, in: state, isStale: freshness(of: state.lastCommit).isStale)
            json.array("patterns") { for pattern in signal.message.patterns { $0.element(pattern) } }
            json.array("reasoning_hints") { for hint in signal.message.hints { $0.element(hint) } }
            json.member("rule_version", signal.ruleVersion)
            json.array("evidence") { for input in detail.evidence { $0.input(input) } }
            json.array("victims") { json in
                for victim in detail.victims {
                    json.object {
                        $0.process(victim.process, victim.comm, victim.cgroup)
                        $0.member("stall_milliseconds_per_second", victim.stallMillisecondsPerSecond)
                        $0.member("stall", victim.stall)
                    }
                }
            }
            json.surroundings(surroundings)
            switch forecast {
            case .carried(let prediction)?: json.object("forecast") { $0.prediction(prediction) }
            case .refused(let reason)?: json.object("forecast") { $0.member("reason", reason) }
            case nil: break
            }
            json.array("events") { json in
                for event in detail.events {
                    json.object {
                        $0.member("source", event.source.rawValue)
                        $0.member("event", json: event.json)
                    }
                }
            }
        }
    }
}

/// A prediction, or why the data carry none.
private enum ForecastOfSignal {
    case carried(Prediction)
    case refused(String)
}

extension Service {
    /// What cannot be had in time must not take the signal with it.
    private func forecast(of type: SignalType, minutes: Double) throws -> ForecastOfSignal {
        do {
            return .carried(try prediction(of: type, minutes: minutes))
        } catch let refusal as ForecastRefusal {
            return .refused(refusal.description)
        } catch let refusal as PredictionRefusal {
            return .refused(refusal.description)
        } catch let error as StoreError {
            return .refused(error.description)
        }
    }
}

extension JSONWriter {
    fileprivate mutating func input(_ input: Evidence) {
        object {
            $0.member("metric", input.metric)
            $0.member("value", input.value)
            $0.member("unit", input.unit)
            $0.member("threshold", input.threshold)
            $0.member("window", input.window)
            if let usual = input.baseline {
                $0.object("baseline") {
                    $0.member("median", usual.median)
                    $0.member("p95", usual.p95)
                    $0.member("hour", usual.hour.map(Double.init))
                }
            }
        }
    }
}
