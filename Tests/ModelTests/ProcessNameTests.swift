import Model
import Testing

struct ProcessNameTests {
    @Test(arguments: ["nginx", "", "a (pid 5)", "it's", "日本", ")"], [0, 1, 7, 4_000_000])
    func `a name that was written is known again`(_ comm: String, _ others: Int) {
        let text = ProcessName.text(comm, pid: 4242, others: others)
        #expect(ProcessName.others(in: text, comm: comm, pid: 4242) == others)
        #expect(ProcessName.others(in: text, comm: comm + "x", pid: 4242) == nil)
        #expect(ProcessName.others(in: text, comm: comm, pid: 424) == nil)
    }

    @Test(arguments: [
        "nginx (pid 4242) ", "nginx (pid 04242)", "nginx (pid 4242 and 0 more)", "nginx (pid 4242 and 07 more)",
        "nginx)",
        "nginx (pid 4242 and more)", "nginx (pid 4242 and 7 more))", "nginx (pid 4242))", "nginx (pid )", "", ")",
    ])
    func `what only looks like a name is none`(_ text: String) {
        #expect(ProcessName.others(in: text, comm: "nginx", pid: 4242) == nil)
    }
}
