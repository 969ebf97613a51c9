import Model
import Testing

@Suite struct MessageTests {
    let template = Message.Template(summary: "{0} waits {1} ms", patterns: ["{0} again"], hints: ["look at {1}"])

    @Test func `values stand where the template names them`() {
        let message = Message(template, ["nginx", "12"])
        #expect(message.summary == "nginx waits 12 ms")
        #expect(message.patterns == ["nginx again"])
        #expect(message.hints == ["look at 12"])
    }

    @Test func `a value cannot pass for a placeholder`() {
        let message = Message(template, ["{1}", "12"])
        #expect(message.summary == "❴1❵ waits 12 ms")
    }

    @Test func `a placeholder without a value stays as it is`() {
        #expect(Message(.init(summary: "{0} {7} {x} {"), ["a"]).summary == "a {7} {x} {")
    }
}
