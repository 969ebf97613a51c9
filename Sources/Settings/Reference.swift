extension Settings {
    /// Every key with what is allowed, its default and its meaning: the table of `docs/configuration.md`.
    public static var reference: String {
        let rows = Key.all.map { "| `\($0.name)` | \($0.allowed) | `\($0.defaultText)` | \($0.meaning) |" }
        return (["| key | allowed | default | meaning |", "|---|---|---|---|"] + rows).joined(separator: "\n")
    }
}
