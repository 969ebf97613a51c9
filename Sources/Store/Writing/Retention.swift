import GRDB

struct Retention {
    init(_ configuration: WriterConfiguration) {}
    mutating func step(_ db: Database, forgetEntities: () -> Void) throws -> Int? { nil }
    static func deleteSignals(_ db: Database, before cutoff: Timestamp) throws -> Int { 0 }
}
import Model
