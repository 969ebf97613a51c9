/// The ten things KernelSight reports. The raw values are the names in the database, in JSON and in query strings.
public enum SignalType: String, CaseIterable, Sendable, Codable {
    case memoryPressure = "memory_pressure"
    case swapThrashing = "swap_thrashing"
    case loadMismatch = "load_mismatch"
    case ioCongestion = "io_congestion"
    case blockDeviceSaturation = "block_device_saturation"
    case networkDegradation = "network_degradation"
    case tcpExhaustion = "tcp_exhaustion"
    case scheduler
    case syscall
    case pageFault = "page_fault"

    /// Finds a type by its number.
    public init?(code: Int) {
        guard code > 0, code <= Self.byCode.count else { return nil }
        self = Self.byCode[code - 1]
    }

    /// `allCases` is made anew each time, and every row that is read asks.
    private static let byCode = allCases

    /// A small number that stands for the type in the database; never reused for another type.
    public var code: Int {
        switch self {
        case .memoryPressure: 1
        case .swapThrashing: 2
        case .loadMismatch: 3
        case .ioCongestion: 4
        case .blockDeviceSaturation: 5
        case .networkDegradation: 6
        case .tcpExhaustion: 7
        case .scheduler: 8
        case .syscall: 9
        case .pageFault: 10
        }
    }
}

/// What role a signal plays: something is wrong, something explains it, or something is as always.
public enum SignalCategory: String, CaseIterable, Sendable, Codable {
    case symptom
    case context
    case baseline
}

/// What a signal speaks about.
public struct Entity: Hashable, Sendable, Codable {
    /// The kind of thing; the raw values are `scope` and `entity_type` in the database.
    public enum Kind: String, CaseIterable, Sendable, Codable {
        case system
        case cgroup
        case device
        case interface
        case process
    }

    public var kind: Kind
    /// What tells it from its siblings: `host`, `8:0`, `eth0`, `1234@567890` (pid and start time in clock ticks).
    public var id: String
    /// What a person calls it: `host`, `sda`, `eth0`, `nginx`.
    public var name: String

    /// Names one thing.
    public init(kind: Kind, id: String, name: String) {
        self.kind = kind
        self.id = id
        self.name = name
    }

    /// The whole host.
    public static let host = Entity(kind: .system, id: "host", name: "host")

    /// One process, by pid and start time.
    public static func process(_ identity: ProcessIdentity, name: String) -> Entity {
        Entity(kind: .process, id: identity.description, name: name)
    }

    /// Which process it is; `nil` for other things.
    public var process: ProcessIdentity? { kind == .process ? ProcessIdentity(id) : nil }

    /// Same thing, whatever it is called: a process may rename itself.
    public static func == (left: Entity, right: Entity) -> Bool { left.kind == right.kind && left.id == right.id }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(kind)
        hasher.combine(id)
    }
}
