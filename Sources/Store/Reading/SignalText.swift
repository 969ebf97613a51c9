import Model

/// What a signal says, as it stands in its row. Taken apart only where that is asked for: a list of signals wants the summary, as
/// JSON, and its values are JSON already.
struct SignalText: Sendable {
    let template: TemplateText
    /// A JSON array, see `StringArray`.
    let values: [UInt8]
    /// Whose names values may stand for.
    let culprit: Named?
    let victim: Named?

    struct Named: Sendable {
        var comm: String
        var pid: Int32
    }

    init(_ template: TemplateText, values: [UInt8], culprit: Named?, victim: Named?) {
        self.template = template
        self.values = values
        self.culprit = culprit
        self.victim = victim
    }

    init(_ message: Message) {
        self.init(
            TemplateText(message.template), values: Array(StringArray.json(message.values).utf8), culprit: nil,
            victim: nil)
    }

    var message: Message {
        Message(template.template, stored: values.withUnsafeBytes { StringArray.parse($0, name: name) })
    }

    private func name(_ reference: StringArray.Reference) -> String {
        let named = reference.who == 0 ? culprit : reference.who == 1 ? victim : nil
        return named.map { ProcessName.text($0.comm, pid: $0.pid, others: reference.others) } ?? "?"
    }

    /// The summary as a member: the same text as `message.summary`.
    func writeSummary(_ member: StaticString, to json: inout JSONWriter) {
        values.withUnsafeBytes { bytes in
            withUnsafeTemporaryAllocation(of: StringArray.Element.self, capacity: 10) { elements in
                var count = 0
                StringArray.each(bytes) { element in
                    guard count < elements.count else { return }
                    elements.initializeElement(at: count, to: element)
                    count += 1
                }
                json.member(member) { json in
                    for piece in template.summary {
                        switch piece {
                        case .text(let text): text.withUnsafeBytes { json.piece(escaped: $0) }
                        case .value(let position) where position < count:
                            switch elements[position] {
                            case .plain(let range):
                                json.piece(escaped: UnsafeRawBufferPointer(rebasing: bytes[range]))
                            case let other: json.piece(StringArray.text(other, bytes, name))
                            }
                        // A placeholder without a value stays as it is.
                        case .value(let position): json.piece("{\(position)}")
                        }
                    }
                }
            }
        }
    }
}

/// A template, and its summary cut at the placeholders.
final class TemplateText: Sendable {
    enum Piece: Sendable {
        /// Escaped for JSON.
        case text([UInt8])
        case value(Int)
    }

    let template: Message.Template
    let summary: [Piece]

    init(_ template: Message.Template) {
        self.template = template
        var pieces: [Piece] = []
        var text: [UInt8] = []
        func end() {
            guard !text.isEmpty else { return }
            var json = JSONWriter(capacity: text.count)
            json.piece(String(decoding: text, as: UTF8.self))
            pieces.append(.text(json.bytes))
            text = []
        }
        var rest = Array(template.summary.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "{"), let digit = rest.first, digit &- 48 < 10,
                rest.dropFirst().first == UInt8(ascii: "}")
            {
                end()
                pieces.append(.value(Int(digit - 48)))
                rest = rest.dropFirst(2)
            } else {
                text.append(byte)
            }
        }
        end()
        summary = pieces
    }
}
