import Model

/// One key of `config.yaml`: the only place that knows its name, type, range and meaning. Reading, checking, the table in
/// `docs/configuration.md` and "did you mean" all come from `Key.all`.
struct Key: Sendable {
    typealias Place<Value> = WritableKeyPath<Settings, Value> & Sendable

    /// Where a value goes and what is allowed. The default is what a fresh `Settings` holds there.
    enum Kind: Sendable {
        case whole(Place<Int>, ClosedRange<Int>)
        case number(Place<Double>, ClosedRange<Double>)
        case flag(Place<Bool>)
        case path(Place<String>)
        /// One of some names.
        case choice(Place<String>, among: [String])
        /// A list of names, each at most once; of any text where nothing is said. `noun` is what one of them is.
        case list(Place<[String]>, among: [String] = [], noun: String)
        /// Four numbers that do not fall: low, medium, high, critical.
        case bands(WritableKeyPath<Thresholds, Bands> & Sendable, upTo: Double)
    }

    let name: String
    let kind: Kind
    let unit: String
    /// Who takes a changed value over only when started anew; everybody else does at SIGHUP, or has no use for it.
    let restart: [Settings.Program]
    let meaning: String

    init(_ name: String, _ kind: Kind, unit: String = "", restart: [Settings.Program] = [], _ meaning: String) {
        self.name = name
        self.kind = kind
        self.unit = unit
        self.restart = restart
        self.meaning = meaning
    }

    /// What may stand there, in words: `0 to 1000000 events/s`.
    var allowed: String {
        let values =
            switch kind {
            case .whole(_, let range): "whole number, \(range.lowerBound) to \(range.upperBound)"
            case .number(_, let range): "number, \(range.lowerBound.plain) to \(range.upperBound.plain)"
            case .flag: "true or false"
            case .path: "text, a file's path"
            case .choice(_, let names): names.joined(separator: ", ")
            case .list(_, let names, let noun):
                names.isEmpty ? "list of \(noun)s" : "list of \(names.joined(separator: ", "))"
            case .bands(_, let top): "list of 4 numbers that rise, 0 to \(top.plain)"
            }
        return unit.isEmpty ? values : "\(values) \(unit)"
    }

    /// The default, as it is written in the file.
    var defaultText: String { text(in: Settings()) }

    /// The value in `settings`, as it is written in the file.
    func text(in settings: Settings) -> String {
        switch kind {
        case .whole(let place, _): "\(settings[keyPath: place])"
        case .number(let place, _): settings[keyPath: place].plain
        case .flag(let place): "\(settings[keyPath: place])"
        case .path(let place), .choice(let place, _): settings[keyPath: place]
        case .list(let place, _, _): "[\(settings[keyPath: place].joined(separator: ", "))]"
        case .bands(let place, _):
            "[\(settings.thresholds[keyPath: place].values.map(\.plain).joined(separator: ", "))]"
        }
    }
}

extension RawRepresentable where RawValue == String {
    /// As it is written in the file. What is read was checked: it is one of the names.
    var written: String {
        get { rawValue }
        set { self = Self(rawValue: newValue) ?? self }
    }
}

extension Array where Element: RawRepresentable, Element.RawValue == String {
    var written: [String] {
        get { map(\.rawValue) }
        set { self = newValue.compactMap(Element.init(rawValue:)) }
    }
}

extension Bands {
    var values: [Double] { [low, medium, high, critical] }
}

extension Double {
    /// Without the `.0` of whole numbers.
    var plain: String { description.hasSuffix(".0") ? String(description.dropLast(2)) : description }
}
