import Foundation
import Glibc
import Model

/// Who may ask the agent for something: its own user, root, and whoever has the token.
struct Door: Sendable {
    /// Shorter ones could be guessed.
    private static let shortestToken = 16

    let tokenFile: String

    /// Why it may not; `nil` if it may.
    func refusal(_ message: AgentMessage, from uid: UInt32) -> String? {
        // Workers may run as the agent's user, or root: what comes with a token comes from elsewhere.
        if message.token == nil, uid == 0 || uid == geteuid() { return nil }
        guard let token else {
            return
                "no token: put \(Self.shortestToken) characters or more into \(tokenFile), readable for uid \(geteuid()) alone"
        }
        guard let given = message.token, Self.isSame(Array(given.utf8), Array(token.utf8)) else {
            return "the token is missing or is not the one in \(tokenFile)"
        }
        return nil
    }

    /// Read each time, so that it can be changed.
    private var token: String? {
        var file = stat()
        // What others may read is no secret.
        guard stat(tokenFile, &file) == 0, file.st_mode & 0o077 == 0,
            let text = try? String(contentsOfFile: tokenFile, encoding: .utf8)
        else { return nil }
        let token = text.trimmingCharacters(in: .whitespacesAndNewlines)
        return token.utf8.count >= Self.shortestToken ? token : nil
    }

    /// In a time that says nothing of where they differ.
    private static func isSame(_ given: [UInt8], _ wanted: [UInt8]) -> Bool {
        var difference = UInt8(given.count == wanted.count ? 0 : 1)
        for (index, byte) in wanted.enumerated() { difference |= byte ^ (index < given.count ? given[index] : ~byte) }
        return difference == 0
    }
}
