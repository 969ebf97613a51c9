extension Double {
    /// With two digits, for messages.
    var short: String { "\((self * 100).rounded() / 100)" }
}
