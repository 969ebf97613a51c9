import Foundation
import Glibc

/// A directory that is gone when the test is.
final class ScratchDirectory {
    let url = URL(fileURLWithPath: "/tmp/kernelsight-test-\(UUID().uuidString.prefix(8))")

    init() { mkdir(url.path, 0o755) }

    deinit { try? FileManager.default.removeItem(at: url) }
}
