"""Answers of a hostile or broken app: what the client must see of each.

A case is (name, source, method, bytes, end, expectation). `end` is what the app does after the bytes: "close",
"reset" or "stay". The expectation is
  BAD        502, and not a byte of the answer
  CUT        502, or the answer begins and its end is never a clean one: what the client counts or waits for is missing
  (status, fields that are there, fields that are not, body)
After each the connection to the app must not be used again, except after those that end with "reused".
"""
BAD = "bad"
CUT = "cut"
NUL = "\0"


def ok(fields, body=""):
    return f"HTTP/1.1 200 OK\r\n{fields}\r\n{body}"


TE = "Transfer-Encoding: chunked\r\n"

ANSWERS = (
    # Framing.
    ("differing lengths", "RFC 9112 6.3", "GET", ok("Content-Length: 2\r\nContent-Length: 3\r\n", "hi"), "close", BAD),
    ("list of differing lengths", "RFC 9112 6.3", "GET", ok("Content-Length: 2, 3\r\n", "hi"), "close", BAD),
    ("negative length", "RFC 9110 8.6", "GET", ok("Content-Length: -1\r\n", "hi"), "close", BAD),
    ("length with a sign", "RFC 9110 8.6", "GET", ok("Content-Length: +2\r\n", "hi"), "close", BAD),
    ("length in hexadecimal", "RFC 9110 8.6", "GET", ok("Content-Length: 0x2\r\n", "hi"), "close", BAD),
    ("empty length", "RFC 9110 8.6", "GET", ok("Content-Length: \r\n", "hi"), "close", BAD),
    ("length of a word", "RFC 9110 8.6", "GET", ok("Content-Length: two\r\n", "hi"), "close", BAD),
    ("length beyond 64 bits", "RFC 9110 8.6", "GET", ok(f"Content-Length: {'9' * 30}\r\n", "hi"), "close", BAD),
    ("length and coding", "RFC 9112 6.3", "GET", ok("Content-Length: 2\r\n" + TE, "2\r\nhi\r\n0\r\n\r\n"), "close", BAD),
    ("unknown coding", "RFC 9112 6.1", "GET", ok("Transfer-Encoding: zip\r\n", "hi"), "close", BAD),
    ("coding twice", "RFC 9112 6.1", "GET", ok(TE + TE, "0\r\n\r\n"), "close", BAD),
    ("coding in HTTP/1.0", "RFC 9112 6.1", "GET", "HTTP/1.0 200 OK\r\n" + TE + "\r\n0\r\n\r\n", "close", BAD),
    ("space before the colon", "RFC 9112 5.1", "GET", ok("Content-Length : 2\r\n", "hi"), "close", BAD),
    # Heads.
    ("nothing at all", "RFC 9110 15.6.3", "GET", "", "close", BAD),
    ("a reset", "RFC 9110 15.6.3", "GET", "", "reset", BAD),
    ("half a status line", "RFC 9112 4", "GET", "HTTP/1.1 2", "close", BAD),
    ("half a head", "RFC 9112 8", "GET", "HTTP/1.1 200 OK\r\nA: b\r\n", "close", BAD),
    ("garbage", "RFC 9112 4", "GET", "\x16\x03\x01garbage\r\n\r\n", "close", BAD),
    ("HTTP/0.9", "RFC 9112 2.3", "GET", "<html>hi</html>", "close", BAD),
    ("HTTP/2.0", "RFC 9112 2.3", "GET", "HTTP/2.0 200 OK\r\n\r\n", "close", BAD),
    ("another protocol", "RFC 9112 2.3", "GET", "ICY 200 OK\r\n\r\n", "close", BAD),
    ("lower case protocol", "RFC 9112 2.3", "GET", "http/1.1 200 OK\r\n\r\n", "close", BAD),
    ("status of two digits", "RFC 9112 4", "GET", "HTTP/1.1 20 OK\r\n\r\n", "close", BAD),
    ("status of four digits", "RFC 9112 4", "GET", "HTTP/1.1 2000 OK\r\n\r\n", "close", BAD),
    ("status of letters", "RFC 9112 4", "GET", "HTTP/1.1 abc OK\r\n\r\n", "close", BAD),
    ("status below 100", "RFC 9110 15", "GET", "HTTP/1.1 099 OK\r\n\r\n", "close", BAD),
    ("negative status", "RFC 9112 4", "GET", "HTTP/1.1 -20 OK\r\n\r\n", "close", BAD),
    ("no status", "RFC 9112 4", "GET", "HTTP/1.1\r\n\r\n", "close", BAD),
    ("two spaces before the status", "RFC 9112 4", "GET", "HTTP/1.1  200 OK\r\n\r\n", "close", BAD),
    ("NUL in the reason", "RFC 9112 4", "GET", f"HTTP/1.1 200 O{NUL}K\r\nContent-Length: 0\r\n\r\n", "close", BAD),
    ("CR in the reason", "RFC 9112 2.2", "GET", "HTTP/1.1 200 O\rK\r\nContent-Length: 0\r\n\r\n", "close", BAD),
    ("NUL in a value", "RFC 9110 5.5", "GET", ok(f"A: b{NUL}\r\nContent-Length: 0\r\n"), "close", BAD),
    ("bare CR in a value", "RFC 9112 2.2", "GET", ok("A: b\rSet-Cookie: c=d\r\nContent-Length: 0\r\n"), "close", BAD),
    ("control character in a value", "RFC 9110 5.5", "GET", ok("A: \x01\r\nContent-Length: 0\r\n"), "close", BAD),
    ("a name that is no token", "RFC 9110 5.1", "GET", ok("A(b): c\r\nContent-Length: 0\r\n"), "close", BAD),
    ("no colon", "RFC 9112 5", "GET", ok("Ab\r\nContent-Length: 0\r\n"), "close", BAD),
    ("empty name", "RFC 9112 5", "GET", ok(": b\r\nContent-Length: 0\r\n"), "close", BAD),
    ("folded field", "RFC 9112 5.2", "GET", ok("A: b\r\n c\r\nContent-Length: 0\r\n"), "close", BAD),
    ("first field folded", "RFC 9112 2.2", "GET", "HTTP/1.1 200 OK\r\n A: b\r\n\r\n", "close", BAD),
    ("bare LF in the head", "RFC 9112 2.2", "GET", "HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n", "close", BAD),
    ("a head that does not fit", "gateway.md rule 7", "GET", ok(f"A: {'b' * 40000}\r\n"), "close", BAD),
    ("fields beyond the bound", "gateway.md rule 7", "GET",
     ok("".join(f"A{i}: b\r\n" for i in range(150)) + "Content-Length: 0\r\n"), "close", BAD),
    ("101 that nobody asked for", "RFC 9110 15.2.2", "GET",
     "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", "close", BAD),
    ("101 to h2c", "RFC 9110 15.2.2", "GET",
     "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", "close", BAD),
    ("endless interim answers", "gateway.md rule 7", "GET", "HTTP/1.1 103 Early Hints\r\n\r\n" * 100, "close", "interims"),
    # Bodies that end early or late.
    ("a length cut short", "RFC 9112 8", "GET", ok("Content-Length: 10\r\n", "half"), "close", CUT),
    ("a length cut short by a reset", "RFC 9112 8", "GET", ok("Content-Length: 10\r\n", "half"), "reset", CUT),
    ("no last chunk", "RFC 9112 8", "GET", ok(TE, "4\r\nhalf\r\n"), "close", CUT),
    ("half a chunk", "RFC 9112 8", "GET", ok(TE, "9\r\nhalf"), "close", CUT),
    ("a last chunk without its empty line", "RFC 9112 8", "GET", ok(TE, "4\r\nhalf\r\n0\r\n"), "close", CUT),
    ("a faulty chunk size", "RFC 9112 7.1", "GET", ok(TE, "4\r\nhalf\r\nzz\r\n\r\n0\r\n\r\n"), "close", CUT),
    ("a chunk size that ends with LF", "RFC 9112 7.1", "GET", ok(TE, "4\r\nhalf\r\n2\nhi\r\n0\r\n\r\n"), "close", CUT),
    ("a chunk without its line end", "RFC 9112 7.1", "GET", ok(TE, "4\r\nhalf2\r\nhi\r\n0\r\n\r\n"), "close", CUT),
    ("a negative chunk size", "RFC 9112 7.1", "GET", ok(TE, "4\r\nhalf\r\n-2\r\nhi\r\n0\r\n\r\n"), "close", CUT),
    ("a chunk size beyond 64 bits", "RFC 9112 7.1", "GET", ok(TE, "4\r\nhalf\r\n10000000000000002\r\nhi\r\n0\r\n\r\n"), "close", CUT),
    ("more than the length", "RFC 9112 9.2", "GET",
     ok("Content-Length: 2\r\n", "hiHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"), "stay",
     (200, ("Content-Length: 2",), (), "hi")),
    ("a second answer behind the chunks", "RFC 9112 9.2", "GET",
     ok(TE, "2\r\nhi\r\n0\r\n\r\n" + ok("Content-Length: 4\r\n", "evil")), "stay", (200, (), ("evil",), None)),
    ("a body for HEAD", "RFC 9110 9.3.2", "HEAD", ok("Content-Length: 2\r\n", "hi"), "stay",
     (200, ("Content-Length: 2",), (), "")),
    ("a body with 204", "RFC 9112 6.3", "GET", "HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nhi", "stay",
     (204, (), ("Content-Length",), "")),
    ("chunks with 204", "RFC 9112 6.1", "GET", "HTTP/1.1 204 No Content\r\n" + TE + "\r\n2\r\nhi\r\n0\r\n\r\n", "stay",
     (204, (), ("Transfer-Encoding",), "")),
    ("a body with 304", "RFC 9112 6.3", "GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\nhi", "stay",
     (304, (), (), "")),
    # What passes, and as what.
    ("a body until the end", "RFC 9112 6.3", "GET", ok("", "hi"), "close", (200, ("Transfer-Encoding: chunked",), (), None)),
    ("extensions and trailers go", "RFC 9112 7.1.2", "GET", ok(TE, "2;x=y\r\nhi\r\n0\r\nSet-Cookie: a=b\r\n\r\n"), "reused",
     (200, (), ("x=y", "Set-Cookie"), None)),
    ("hop fields go", "RFC 9110 7.6.1", "GET",
     ok("Connection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nProxy-Connection: close\r\nUpgrade: h2c\r\n"
        "Content-Length: 2\r\n", "hi"), "reused", (200, (), ("X-Hop", "Keep-Alive", "Proxy-Connection", "h2c"), "hi")),
    ("Content-Length cannot be listed away", "RFC 9110 7.6.1", "GET",
     ok("Connection: Content-Length\r\nContent-Length: 2\r\n", "hi"), "reused", (200, ("Content-Length: 2",), (), "hi")),
    ("a forged release goes", "gateway.md Releases", "GET", ok("X-Ecluse-Release: 9\r\nContent-Length: 2\r\n", "hi"), "reused",
     (200, (), ("X-Ecluse-Release: 9",), "hi")),
    ("no reason", "RFC 9112 4", "GET", "HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nhi", "reused", (200, (), (), "hi")),
    ("equal lengths become one", "RFC 9110 8.6", "GET", ok("Content-Length: 2\r\nContent-Length: 2\r\n", "hi"), "reused",
     (200, ("Content-Length: 2",), (), "hi")),
    ("a status nobody knows", "RFC 9110 15", "GET", "HTTP/1.1 299 Fine\r\nContent-Length: 2\r\n\r\nhi", "reused",
     (299, (), (), "hi")),
    ("HTTP/1.0 with a length", "RFC 9112 2.3", "GET", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", "close",
     (200, (), (), "hi")),
    ("early hints are relayed", "RFC 8297", "GET",
     "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + ok("Content-Length: 2\r\n", "hi"), "reused",
     ("103 Early Hints", ("Link: </a>",), (), None)),
)
