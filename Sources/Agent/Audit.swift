import Crypto
import Foundation
import Store

/// The chain of the audit: each record's hash covers the one before, so that none can be changed or taken out unnoticed. Who can
/// rewrite the whole file can rewrite the chain: keep the last hash elsewhere to be safe from that.
public enum Audit {
    /// SHA-256 in hex.
    public static func digest(_ text: String) -> String {
        SHA256.hash(data: Data(text.utf8)).map { String(format: "%02x", $0) }.joined()
    }

    /// What is wrong with records in their order, the first of which follows `previous`; `nil` if nothing is.
    public static func fault(in records: [AuditRecord], after previous: String = "", lastID: Int64 = 0) -> String? {
        var (previous, last) = (previous, lastID)
        for record in records {
            if record.id != last + 1 { return "record \(last + 1) is missing" }
            if record.previous != previous { return "record \(record.id) does not follow the one before" }
            if record.hash != digest(record.hashed) { return "record \(record.id) was changed" }
            (previous, last) = (record.hash, record.id)
        }
        return nil
    }
}
