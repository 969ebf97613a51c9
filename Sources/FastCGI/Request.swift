/// One request as the web server sent it. Everything in it is copied: it outlives the connection.
public struct Request: Sendable {
    /// `GET`, as sent; empty when the web server sent none.
    public var method: String
    /// The decoded path, `DOCUMENT_URI` or else `SCRIPT_NAME`: `/api/health`.
    public var path: String
    /// What follows the question mark, as sent and not decoded.
    public var query: String
    /// The request body; empty when it was larger than the server takes.
    public var body: [UInt8]
    /// Whether the body was larger than the server takes.
    public var bodyIsTooLarge: Bool
    private var parameters: [(name: String, value: String)]

    /// Makes a request from FastCGI parameters.
    public init(parameters: [(name: String, value: String)], body: [UInt8] = [], bodyIsTooLarge: Bool = false) {
        method = ""
        path = ""
        query = ""
        var scriptName = ""
        for (name, value) in parameters {
            switch name {
            case "REQUEST_METHOD": method = value
            case "DOCUMENT_URI": path = value
            case "SCRIPT_NAME": scriptName = value
            case "QUERY_STRING": query = value
            default: break
            }
        }
        if path.isEmpty { path = scriptName }
        self.parameters = parameters
        self.body = body
        self.bodyIsTooLarge = bodyIsTooLarge
    }

    /// A FastCGI parameter by its exact name, such as `REMOTE_ADDR` or, for the header If-None-Match,
    /// `HTTP_IF_NONE_MATCH`. The first one, if the web server sent several.
    public func parameter(_ name: String) -> String? { parameters.first { $0.name == name }?.value }
}
