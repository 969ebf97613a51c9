/// Cuts JSON that the writer wrote into pieces, without reading what is in them.
enum JSONArray {
    /// The texts of an array's elements, objects or arrays each.
    static func elements(of array: String) -> [Substring] {
        var elements: [Substring] = []
        var depth = 0
        var start = array.startIndex
        var isInString = false
        var isEscaped = false
        for index in array.utf8.indices {
            let byte = array.utf8[index]
            if isInString {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isInString = false
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): isInString = true
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                if depth == 2 { start = index }
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                if depth == 2 { elements.append(array[start...index]) }
                depth -= 1
            default: break
            }
        }
        return elements
    }
}
