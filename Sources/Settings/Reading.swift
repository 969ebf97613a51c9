import Model
import Yams

/// Walks a parsed file along the keys that exist, and collects everything that is wrong.
struct Reading {
    let file: String
    private(set) var settings = Settings()
    /// Where each key was given.
    private(set) var lines: [String: Int] = [:]
    private var errors: [SettingsError] = []

    init(file: String) { self.file = file }

    mutating func read(root: Node) {
        switch root {
        case .mapping(let sections): read(sections, of: "")
        case .scalar where root.isNull: break
        default:
            fail(
                root, nil,
                "\(root.described) instead of sections, allowed: \(Key.children(of: "").joined(separator: ", "))")
        }
    }

    /// The settings, or everything that is wrong.
    func result() throws(SettingsErrors) -> Settings {
        let errors = errors + contradictions
        guard errors.isEmpty else {
            throw SettingsErrors(errors: errors.sorted { ($0.line ?? 0) < ($1.line ?? 0) })
        }
        return settings
    }

    /// Values that are allowed each, and not together.
    private var contradictions: [SettingsError] {
        var contradictions: [SettingsError] = []
        let hysteresis = settings.hysteresis
        if hysteresis.openAfter > hysteresis.window {
            contradictions.append(
                contradiction(
                    between: ["hysteresis.open_after", "hysteresis.window"],
                    "open_after \(hysteresis.openAfter) can never be reached in a window of \(hysteresis.window), "
                        + "allowed: open_after up to window"))
        }
        let flush = settings.advanced.flushIntervalSeconds
        let limit = settings.api.freshnessLimitSeconds
        // A second until the next tick, and one for the commit: with less, health would flap between two commits.
        if flush + 2 > limit {
            contradictions.append(
                contradiction(
                    between: ["advanced.flush_interval_seconds", "api.freshness_limit_seconds"],
                    "flush_interval_seconds \(flush.plain) lets data become older than freshness_limit_seconds "
                        + "\(limit.plain), allowed: a limit of flush_interval_seconds + 2 or more"))
        }
        return contradictions
    }

    /// An error in the line of the first of `keys` that the file has.
    private func contradiction(between keys: [String], _ problem: String) -> SettingsError {
        let key = keys.first { lines[$0] != nil }
        return SettingsError(file: file, line: key.flatMap { lines[$0] }, key: key, problem: problem)
    }

    private mutating func read(_ section: Node.Mapping, of prefix: String) {
        for (nameNode, value) in section {
            guard let name = nameNode.scalar?.string else {
                fail(nameNode, prefix.isEmpty ? nil : prefix, "\(nameNode.described) as a key, allowed: a name")
                continue
            }
            let path = prefix.isEmpty ? name : "\(prefix).\(name)"
            if let key = Key.named[path] {
                lines[path] = nameNode.mark?.line
                read(key, from: value)
            } else if Key.children(of: path).isEmpty {
                fail(nameNode, path.printable, Key.unknown(name, in: prefix))
            } else if case .mapping(let inner) = value {
                read(inner, of: path)
            } else if !value.isNull {
                let allowed = Key.children(of: path).joined(separator: ", ")
                fail(value, path, "\(value.described) instead of a section, allowed: \(allowed)")
            }
        }
    }

    private mutating func read(_ key: Key, from node: Node) {
        switch key.kind {
        case .whole(let place, let range):
            if let value = whole(node, range, key) { settings[keyPath: place] = value }
        case .number(let place, let range):
            if let value = number(node, range, key) { settings[keyPath: place] = value }
        case .path(let place):
            guard let value = node.text else {
                return fail(node, key.name, "\(node.described) is not text, allowed: \(key.allowed)")
            }
            guard (1...4095).contains(value.utf8.count), !value.utf8.contains(0) else {
                return fail(node, key.name, "is \(value.utf8.count) bytes long, allowed: a path of 1 to 4095 bytes")
            }
            settings[keyPath: place] = value
        case .flag(let place):
            guard let text = node.plainScalar, let value = Bool(text) else {
                return fail(node, key.name, "\(node.described) is neither, allowed: \(key.allowed)")
            }
            settings[keyPath: place] = value
        case .choice(let place, let names):
            guard let name = node.scalar?.string, names.contains(name) else {
                let hint = hint(node.scalar?.string, names)
                return fail(node, key.name, "\(node.described) is none of them\(hint), allowed: \(key.allowed)")
            }
            settings[keyPath: place] = name
        case .list(let place, let names, let noun):
            guard let items = node.sequence else {
                return fail(node, key.name, "\(node.described) is not a list, allowed: \(key.allowed)")
            }
            settings[keyPath: place] = list(items, names, noun, key)
        case .bands(let place, let top):
            guard let items = node.sequence, items.count == 4 else {
                return fail(node, key.name, "\(node.described) is not a list of 4, allowed: \(key.allowed)")
            }
            let values = items.compactMap { number($0, 0...top, key) }
            guard values.count == 4 else { return }
            guard zip(values, values.dropFirst()).allSatisfy({ $0 <= $1 }) else {
                let list = values.map(\.plain).joined(separator: ", ")
                return fail(node, key.name, "[\(list)] falls, allowed: \(key.allowed)")
            }
            settings.thresholds[keyPath: place] = Bands(values[0], values[1], values[2], values[3])
        }
    }

    private mutating func list(
        _ items: Node.Sequence, _ names: [String], _ noun: String, _ key: Key
    ) -> [String] {
        var found: [String] = []
        for item in items {
            guard let name = item.text, names.isEmpty ? !name.isEmpty : names.contains(name) else {
                let hint = hint(item.scalar?.string, names)
                fail(item, key.name, "\(item.described) is not \(noun.withArticle)\(hint), allowed: \(key.allowed)")
                continue
            }
            if found.contains(name) { fail(item, key.name, "\(name.printable) stands twice, allowed: once") }
            found.append(name)
        }
        return found
    }

    private func hint(_ given: String?, _ names: [String]) -> String {
        closest(to: given ?? "", among: names).map { " (did you mean \($0)?)" } ?? ""
    }

    private mutating func whole(_ node: Node, _ range: ClosedRange<Int>, _ key: Key) -> Int? {
        guard let text = node.plainScalar, text.isDecimal, !text.utf8.contains(where: ".eE".utf8.contains) else {
            fail(node, key.name, "\(node.described) is not a whole number, allowed: \(key.allowed)")
            return nil
        }
        guard let value = Int(text), range.contains(value) else {
            fail(node, key.name, "\(node.described) is out of range, allowed: \(key.allowed)")
            return nil
        }
        return value
    }

    private mutating func number(_ node: Node, _ range: ClosedRange<Double>, _ key: Key) -> Double? {
        guard let text = node.plainScalar, text.isDecimal, let value = Double(text) else {
            fail(node, key.name, "\(node.described) is not a number, allowed: \(key.allowed)")
            return nil
        }
        guard range.contains(value) else {
            fail(node, key.name, "\(node.described) is out of range, allowed: \(key.allowed)")
            return nil
        }
        return value
    }

    private mutating func fail(_ node: Node, _ key: String?, _ problem: String) {
        errors.append(SettingsError(file: file, line: node.mark?.line, key: key, problem: problem))
    }
}

extension Key {
    static let named = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

    /// The names directly below a section, in the file's order; empty when there is no such section.
    static func children(of prefix: String) -> [String] {
        let start = prefix.isEmpty ? "" : prefix + "."
        var names: [String] = []
        for key in all where key.name.hasPrefix(start) {
            let name = String(key.name.dropFirst(start.count).prefix { $0 != "." })
            if names.last != name { names.append(name) }
        }
        return names
    }

    /// Why a name is refused: what was probably meant, here or elsewhere, and else what there is.
    fileprivate static func unknown(_ name: String, in prefix: String) -> String {
        let siblings = children(of: prefix)
        let elsewhere = all.first { $0.name.hasSuffix("." + name) }?.name
        if let guess = closest(to: name, among: siblings) ?? elsewhere {
            return "unknown key, did you mean \(guess)?"
        }
        return "unknown key, allowed: \(siblings.joined(separator: ", "))"
    }
}

extension Node {
    fileprivate var isNull: Bool { ["", "~", "null", "Null", "NULL"].contains(plainScalar) }

    /// A scalar that YAML takes for text: in quotes, or no number, boolean or null.
    fileprivate var text: String? {
        guard let plain = plainScalar else { return scalar?.string }
        let words = ["true", "false", "yes", "no", "on", "off"]
        return isNull || plain.isDecimal || words.contains(plain.lowercased()) ? nil : plain
    }

    /// The text of an unquoted scalar.
    fileprivate var plainScalar: String? { scalar.flatMap { $0.style == .plain ? $0.string : nil } }

    /// What stands there, for an error: short, and on one line whatever it is.
    fileprivate var described: String {
        switch self {
        case .mapping: return "a map"
        case .sequence(let items): return items.count == 1 ? "a list of 1" : "a list of \(items.count)"
        case .alias: return "an alias"
        case .scalar where isNull: return "nothing"
        case .scalar(let scalar):
            let short = scalar.string.printable
            return scalar.style == .plain ? short : "\"\(short)\""
        }
    }
}

extension String {
    fileprivate var withArticle: String { "aeiou".contains(first ?? "x") ? "an \(self)" : "a \(self)" }

    /// Short enough and clean enough for one line of an error.
    fileprivate var printable: String {
        let scalars = unicodeScalars.prefix(60).map { scalar -> Unicode.Scalar in
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator: " "
            default: scalar
            }
        }
        return String(String.UnicodeScalarView(scalars)) + (unicodeScalars.count > 60 ? "…" : "")
    }

    /// Decimal digits with a sign, a point or an exponent. YAML's octal, hexadecimal, sexagesimal, `.inf` and `.nan` are
    /// refused: nobody means them here.
    fileprivate var isDecimal: Bool {
        utf8.contains { (48...57).contains($0) }
            && utf8.allSatisfy { (48...57).contains($0) || "+-.eE".utf8.contains($0) }
    }
}
