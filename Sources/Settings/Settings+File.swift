import Glibc
import Yams

extension Settings {
    /// The file that is read when nobody names one, and the name in its errors.
    public static let defaultFile = "config.yaml"

    /// Longer files are refused: `config.yaml` with all its comments has less than a tenth of this.
    static let maximumBytes = 65_536

    /// Reads a file. Without a name: `config.yaml` of the working directory if there is one, else the defaults.
    public static func load(path: String? = nil) throws(SettingsErrors) -> Settings {
        if path == nil, access(defaultFile, F_OK) != 0 { return Settings() }
        let file = path ?? defaultFile
        return try parse(yaml: contents(of: file), file: file)
    }

    /// Checks the text of a file that is called `file` in errors.
    public static func parse(yaml: String, file: String = defaultFile) throws(SettingsErrors) -> Settings {
        try reading(of: yaml, file: file).result()
    }

    static func reading(of yaml: String, file: String) throws(SettingsErrors) -> Reading {
        try refuseAliases(in: yaml, file: file)
        var reading = Reading(file: file)
        do {
            // The basic resolver guesses no types. `Reading` looks at the text itself; the default one would compile ten
            // regular expressions, and bring in ICU, in every process.
            if let root = try compose(yaml: yaml, .basic) { reading.read(root: root) }
        } catch let error as YamlError {
            throw SettingsErrors(errors: [SettingsError(error, yaml: yaml, file: file)])
        } catch {
            throw SettingsErrors(errors: [SettingsError(file: file, problem: "is not YAML: \(error)")])
        }
        return reading
    }

    private static func contents(of file: String) throws(SettingsErrors) -> String {
        func failure(_ problem: String, line: Int? = nil) -> SettingsErrors {
            SettingsErrors(errors: [SettingsError(file: file, line: line, problem: problem)])
        }
        let descriptor = open(file, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("cannot be read: \(String(cString: strerror(errno)))") }
        defer { close(descriptor) }
        var bytes = [UInt8]()
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = read(descriptor, &chunk, chunk.count)
            guard count >= 0 else { throw failure("cannot be read: \(String(cString: strerror(errno)))") }
            if count == 0 { break }
            bytes += chunk[..<count]
            guard bytes.count <= maximumBytes else {
                throw failure("is longer than \(maximumBytes) bytes, allowed: a configuration of less")
            }
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw failure("is not UTF-8 text; save it as UTF-8")
        }
        return text
    }

    /// Anchors and aliases would be read, and a small file of them can stand for an endless one: the parser compares
    /// keys by content. Nobody needs them here, so a token that looks like one is refused before the parser sees it.
    private static func refuseAliases(in yaml: String, file: String) throws(SettingsErrors) {
        var line = 1
        var previous = UInt8(ascii: "\n")
        var comment = false
        for (byte, next) in zip(yaml.utf8, Array(yaml.utf8.dropFirst()) + [UInt8(ascii: "\n")]) {
            let startsToken = previous <= UInt8(ascii: " ") || "[{,?".utf8.contains(previous)
            if byte == UInt8(ascii: "#"), previous <= UInt8(ascii: " ") { comment = true }
            if startsToken, !comment, "&*".utf8.contains(byte), next > UInt8(ascii: " ") {
                throw SettingsErrors(errors: [
                    SettingsError(
                        file: file, line: line, problem: "an anchor or alias (& or *), allowed: values written out")
                ])
            }
            if byte == UInt8(ascii: "\n") {
                line += 1
                comment = false
            }
            previous = byte
        }
    }
}

extension SettingsError {
    /// What the YAML parser says, on one line.
    fileprivate init(_ error: YamlError, yaml: String, file: String) {
        switch error {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            // At the end of the text the parser names the line after the last.
            let lines = yaml.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
            let line = min(mark.line, lines.last == "" ? max(lines.count - 1, 1) : lines.count)
            let tab = lines[line - 1].prefix { $0 == " " || $0 == "\t" }.contains("\t")
            let whence = context.map { " (\($0.text), line \($0.mark.line))" } ?? ""
            let remedy = tab ? "; indent with spaces, not tabs" : ""
            self.init(file: file, line: line, problem: "is not YAML: \(problem)\(whence)\(remedy)")
        case .reader(let problem, let offset, _, _):
            let line = yaml.prefix(offset ?? 0).count { $0.isNewline } + 1
            self.init(file: file, line: line, problem: "is not YAML: \(problem)")
        case .duplicatedKeysInMapping(let keys, let context):
            let key = keys.first ?? ""
            let line = yaml.lineOfSecond(key, after: context.mark)
            self.init(
                file: file, line: line, key: key,
                problem: "stands twice, allowed: once (the first is in line \(context.mark.line))")
        default:
            self.init(file: file, problem: "is not YAML: \(error)".replacing("\n", with: " "))
        }
    }
}

extension String {
    /// The parser only tells where a key that stands twice stands first. Block style: the next line that starts with
    /// the key in the same column. Flow style: the same line.
    fileprivate func lineOfSecond(_ key: String, after first: Mark) -> Int {
        let indent = String(repeating: " ", count: first.column - 1)
        let lines = split(separator: "\n", omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated().dropFirst(first.line) where line.hasPrefix(indent) {
            let rest = line.dropFirst(indent.count).drop { $0 == "\"" || $0 == "'" }
            if rest.hasPrefix(key), rest.dropFirst(key.count).drop(while: { "\"' ".contains($0) }).first == ":" {
                return index + 1
            }
        }
        return first.line
    }
}
