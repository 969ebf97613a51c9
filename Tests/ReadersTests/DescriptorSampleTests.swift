import Testing

@testable import Readers

@Suite struct DescriptorSampleTests {
    @Test func `a small table is looked at whole`() {
        #expect(Array(DescriptorSample(tableSize: 256).numbers) == Array(0..<256))
        #expect(DescriptorSample(tableSize: 256).estimate(31) == 31)
    }

    @Test func `of a large table a sample tells the share, whatever the pattern`() {
        let sample = DescriptorSample(tableSize: 65_536)
        #expect(Set(sample.numbers).count == 1024)
        #expect(abs(sample.estimate(sample.numbers.count { $0 % 2 == 0 }) - 32_768) < 2000)
        #expect(abs(sample.estimate(sample.numbers.count { $0 % 4 == 3 }) - 16_384) < 2000)
        #expect(abs(sample.estimate(sample.numbers.count { (20_000..<30_000).contains($0) }) - 10_000) < 500)
    }

    @Test func `a hit or two in a sample of a large table say nothing`() {
        let sample = DescriptorSample(tableSize: 524_288)
        #expect(sample.estimate(1) == 0)
        #expect(sample.estimate(7) == 0)
        #expect(sample.estimate(8) == 4096)
        #expect(DescriptorSample(tableSize: 1024).estimate(1) == 1)
    }

    @Test func `the table's size and a socket's inode are found in the kernel's text`() {
        #expect(parse("Name:\ta\nFDSize:\t256\nGroups:\t0\n", DescriptorSample.tableSize(parsing:)) == 256)
        #expect(parse("Name:\ta\n", DescriptorSample.tableSize(parsing:)) == nil)
        #expect(parse("socket:[4711]", DescriptorSample.inode(parsing:)) == 4711)
        #expect(parse("pipe:[4711]", DescriptorSample.inode(parsing:)) == nil)
        #expect(parse("/tmp/socket:[1]", DescriptorSample.inode(parsing:)) == nil)
    }
}
