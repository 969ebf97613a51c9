import CLibBPF
import Glibc

/// One compiled BPF program file: opened, configured, loaded, attached, and in the end detached and closed.
///
/// Detaching stops the hooks and leaves the maps readable, so that ledgers can be compared once nothing moves.
final class BPFObject {
    let name: String
    private let object: OpaquePointer
    private var links: [(hook: String, link: OpaquePointer)] = []

    /// Opens an image; nothing is in the kernel yet.
    init(_ name: String, image: [UInt8]) throws(LoadFailure) {
        self.name = name
        ks_log_start()
        let opened = image.withUnsafeBytes { bytes in
            bytes.baseAddress.flatMap { ks_object_open($0, bytes.count, name) }
        }
        let code = errno
        let log = String(cString: ks_log_stop())
        guard let opened else { throw LoadFailure("opening \(name)", errno: code, log: log) }
        object = opened
    }

    deinit {
        detach()
        bpf_object__close(object)
    }

    // MARK: Before loading

    /// Sets a `const volatile` global; the kernel's verifier treats it as a constant.
    func setConstant(_ variable: String, to bytes: UnsafeRawBufferPointer) {
        var (room, size): (Int, UInt32) = (0, 0)
        let offset = ks_variable(object, ".rodata", variable, &size)
        guard offset >= 0, let map = bpf_object__find_map_by_name(object, ".rodata"),
            let start = bpf_map__initial_value(map, &room), Int(offset) + Int(size) <= room
        else { preconditionFailure("\(name) has no constant \(variable)") }
        guard let source = bytes.baseAddress else { return }
        UnsafeMutableRawPointer(mutating: start).advanced(by: Int(offset)).copyMemory(
            from: source, byteCount: min(Int(size), bytes.count))
    }

    /// Sets a `const volatile` array.
    func setConstant(_ variable: String, to elements: [some BitwiseCopyable]) {
        elements.withUnsafeBytes { setConstant(variable, to: $0) }
    }

    /// Sets a `const volatile` global of a fixed-width type.
    func setConstant(_ variable: String, to value: some BitwiseCopyable) {
        withUnsafeBytes(of: value) { setConstant(variable, to: $0) }
    }

    /// Uses a map that another object has loaded.
    func reuse(_ map: String, descriptor: Int32) throws(LoadFailure) {
        guard bpf_map__reuse_fd(find(map), descriptor) == 0 else {
            throw LoadFailure("sharing the map \(map) with \(name)", errno: errno, log: "")
        }
    }

    /// Room of a map: entries, or bytes of a ring buffer (a power of two and a multiple of the page size).
    func setRoom(of map: String, to entries: Int) {
        bpf_map__set_max_entries(find(map), UInt32(clamping: entries))
    }

    /// Puts programs and maps into the kernel.
    func load() throws(LoadFailure) {
        ks_log_start()
        let result = bpf_object__load(object)
        let log = String(cString: ks_log_stop())
        guard result == 0 else { throw LoadFailure("loading \(name)", errno: -result, log: log) }
    }

    // MARK: Hooks

    /// Attaches a program to the hook that its section names.
    func attach(_ program: String) throws(LoadFailure) {
        guard let handle = bpf_object__find_program_by_name(object, program) else {
            preconditionFailure("\(name) has no program \(program)")
        }
        ks_log_start()
        let link = bpf_program__attach(handle)
        let code = errno
        let log = String(cString: ks_log_stop())
        let hook = String(cString: bpf_program__section_name(handle))
        guard let link else { throw LoadFailure("attaching \(hook)", errno: code, log: log) }
        links.append((hook, link))
    }

    /// Attaches a program to every occurrence of a software event (`PERF_COUNT_SW_*`), on each CPU.
    func attach(_ program: String, toSoftwareEvent event: UInt64, named hook: String) throws(LoadFailure) {
        guard let handle = bpf_object__find_program_by_name(object, program) else {
            preconditionFailure("\(name) has no program \(program)")
        }
        for cpu in 0..<PerCPUArray.possibleCPUs {
            let descriptor = ks_software_event_open(event, Int32(cpu))
            // A CPU that is possible and not there.
            if descriptor == -ENODEV { continue }
            guard descriptor >= 0 else { throw LoadFailure("counting \(hook)", errno: -descriptor, log: "") }
            // The link owns the descriptor from here on.
            guard let link = bpf_program__attach_perf_event(handle, descriptor) else {
                let code = errno
                Glibc.close(descriptor)
                throw LoadFailure("attaching \(hook)", errno: code, log: "")
            }
            links.append((hook, link))
        }
    }

    /// The hooks that are attached, each once, what starts something first: `tp_btf/sys_enter`.
    var hooks: [String] {
        links.reversed().reduce(into: []) { hooks, link in if !hooks.contains(link.hook) { hooks.append(link.hook) } }
    }

    /// Takes the hooks off, the last one first: what starts something before what ends it.
    func detach() {
        while let (_, link) = links.popLast() { bpf_link__destroy(link) }
    }

    /// Hook runs that the kernel skipped because a program was already running on that CPU.
    var recursionMisses: UInt64 {
        var misses: UInt64 = 0
        var program = bpf_object__next_program(object, nil)
        while let current = program {
            misses += ks_recursion_misses(bpf_program__fd(current))
            program = bpf_object__next_program(object, current)
        }
        return misses
    }

    // MARK: After loading

    /// The descriptor of a map; it belongs to this object.
    func descriptor(of map: String) -> Int32 { bpf_map__fd(find(map)) }

    /// The descriptor of a program; it belongs to this object.
    func program(_ program: String) -> OpaquePointer? { bpf_object__find_program_by_name(object, program) }

    /// A per-CPU array, to be read as a whole.
    func perCPUArray(_ map: String) -> PerCPUArray {
        let handle = find(map)
        return PerCPUArray(
            descriptor: bpf_map__fd(handle), valueSize: Int(bpf_map__value_size(handle)),
            entries: Int(bpf_map__max_entries(handle)))
    }

    /// A section of globals (`.bss`, `.data.control`), shared with the kernel.
    func section(_ section: String) throws(LoadFailure) -> MappedSection {
        let handle = find(section)
        let size = Int(bpf_map__value_size(handle))
        guard let mapped = MappedSection(descriptor: bpf_map__fd(handle), size: size) else {
            throw LoadFailure("mapping \(section) of \(name)", errno: errno, log: "")
        }
        return mapped
    }

    /// Where a variable lies in its section.
    func offset(of variable: String, in section: String) -> Int {
        let offset = ks_variable(object, section, variable, nil)
        precondition(offset >= 0, "\(name) has no \(variable) in \(section)")
        return Int(offset)
    }

    /// Bytes of kernel memory in this object's own maps, by the formula in `docs/tracers/`; shared maps count where they
    /// were made.
    var mapBytes: UInt64 {
        var bytes: UInt64 = 0
        var map = bpf_object__next_map(object, nil)
        while let current = map {
            bytes += MapMemory.bytes(
                type: bpf_map__type(current), keySize: Int(bpf_map__key_size(current)),
                valueSize: Int(bpf_map__value_size(current)), entries: Int(bpf_map__max_entries(current)))
            map = bpf_object__next_map(object, current)
        }
        return bytes
    }

    private func find(_ map: String) -> OpaquePointer {
        guard let handle = bpf_object__find_map_by_name(object, map) else {
            preconditionFailure("\(name) has no map \(map)")
        }
        return handle
    }
}
