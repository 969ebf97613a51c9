import Control
import FastCGI
import Model
import Store

/// A person's answer to a decision of the agent.
enum Answer: String, CaseIterable { case approve, reject }

extension Service {
    /// `POST /api/agent/decisions/{id}/approve` and `/reject`: passed on to the agent, as workers write nothing.
    func answer(_ answer: Answer, decision id: Int64, _ request: Request) throws -> Reply {
        let question: AgentRequest =
            switch answer {
            case .approve: .approve(id)
            case .reject: .reject(id)
            }
        // The agent alone knows the token.
        guard let token = request.bearerToken, let message = AgentMessage(question, token: token) else {
            throw Problem.unauthorized(
                "Send Authorization: Bearer and the content of the file agent-token beside the database.")
        }
        let said: AgentReply
        do {
            guard let reply = try message.ask(at: AgentRequest.socket(besides: reader.path), timeout: 10) else {
                throw try Problem.unavailable("agent-offline", agent { _ in }.word.message, retryAfter: 5)
            }
            said = reply
        } catch let failure as ControlFailure {
            throw Problem.unavailable("agent-silent", failure.description, retryAfter: 5)
        }
        switch said {
        case .denied(let reason): throw Problem.unauthorized("The agent said: \(reason).")
        case .failed(let reason): throw try Problem.notDone(id, agent.decision(id), reason)
        case .done(let text):
            var reply = Reply(capacity: 256) { json in
                json.member("decision_id", id)
                json.member("message", text)
            }
            // Whether it helps is known later.
            reply.status = answer == .approve ? 202 : 200
            reply.caching = .never
            return reply
        }
    }
}

extension Request {
    fileprivate var bearerToken: String? {
        let words = (parameter("HTTP_AUTHORIZATION") ?? "").split(separator: " ")
        return words.count == 2 && words[0].lowercased() == "bearer" ? String(words[1]) : nil
    }
}

extension Problem {
    fileprivate static func notDone(_ id: Int64, _ decision: AgentDecision?, _ reason: String) -> Problem {
        guard let decision else {
            return Problem(
                status: 404, code: "no-such-decision", title: "No such decision",
                detail: "The agent has made no decision \(id); GET /api/agent/status lists those that wait.")
        }
        return Problem(
            status: 409, code: "not-done", title: "The agent did not do it",
            detail: "\(reason). Decision \(id) is \(decision.state.rawValue).")
    }

    fileprivate static func unauthorized(_ detail: String) -> Problem {
        Problem(
            status: 401, code: "unauthorized", title: "The token is missing or wrong", detail: detail,
            headers: [("WWW-Authenticate", "Bearer")])
    }
}
