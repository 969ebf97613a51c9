import Model

/// An action of the catalogue, as it stands on this host.
public struct CatalogueEntry: Sendable, Hashable, Codable {
    public var action: ActionKind
    public var enabled: Bool
    public var risk: String
    public var blastRadius: ActionKind.BlastRadius
    public var reversible: Bool
    /// What it is told, what that may be, and what it is where nothing is said.
    public var parameter: String?
    public var allowed: String?
    public var preset: String?
    /// Why it would do nothing here, whatever it was about.
    public var obstacle: String?
}

extension ActionKind {
    /// All actions on a host.
    static func catalogue(on ground: Ground, _ policy: Policy) -> [CatalogueEntry] {
        allCases.map { kind in
            let parameter = kind.parameter
            return CatalogueEntry(
                action: kind, enabled: policy.enabled.contains(kind), risk: "\(kind.risk)",
                blastRadius: kind.blastRadius, reversible: kind.isReversible, parameter: parameter?.name,
                allowed: parameter?.allowed, preset: parameter?.preset, obstacle: kind.obstacle(on: ground)?.description
            )
        }
    }

    /// What stands in its way on a host whatever it is about; what depends on whom it is about is found when there is somebody.
    private func obstacle(on ground: Ground) -> Inapplicable? {
        guard let action = try? Action(self, on: ProcessIdentity(pid: 0, startTicks: 0)) else { return nil }
        do throws(Inapplicable) {
            switch self {
            case .throttleCPU: _ = try action.room("cpu", ground.cpu)
            case .throttleIO: _ = try action.room("io", ground.io)
            case .setCPUAffinity where ground.cores == 1: throw Inapplicable("there is one CPU")
            case .lowerIOPriority where !Action.hasHeedfulDisk(ground):
                throw Action.deafDisk(among: Array(ground.disks.keys), ground) ?? Inapplicable("this host has no disk")
            case .reduceSwappiness, .increaseTCPBacklog, .reduceFinTimeout:
                _ = try action.steps(for: .nobody, on: ground)
            default: break
            }
            return nil
        } catch {
            return error
        }
    }
}
