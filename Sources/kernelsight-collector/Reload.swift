import ServiceLifecycle
import Settings
import UnixSignals

/// SIGHUP: reads the configuration again. A bad file changes nothing.
struct Reload: Service {
    let collector: Collector
    let load: @Sendable () throws(SettingsErrors) -> Settings

    func run() async throws {
        for await _ in await UnixSignalsSequence(trapping: .sighup).cancelOnGracefulShutdown() {
            do throws(SettingsErrors) {
                await collector.apply(try load())
            } catch {
                await collector.refuse(error.description)
            }
        }
    }
}
