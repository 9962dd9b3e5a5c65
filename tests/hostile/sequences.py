"""Several requests on one connection: where each ends is the whole question.

A case is (name, source, bytes, statuses of the answers in order, request lines that the app sees, end). `end` is "ends"
if the connection must end by itself, or "goes on" if one more request must find it open.
"""
from messages import get, post

ENDS = "ends"
GOES_ON = "goes on"
GET = get("", "/one")
NEXT = get("", "/next")
ONE = "GET /one"
TWO = "GET /next"
TE = "Transfer-Encoding: chunked\r\n"
UPGRADE = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" \
          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

SEQUENCES = (
    ("two at once", "RFC 9112 9.3.2", GET + NEXT, (200, 200), (ONE, TWO), GOES_ON),
    ("twenty at once", "RFC 9112 9.3.2", GET * 20, (200,) * 20, (ONE,) * 20, GOES_ON),
    ("nothing behind close", "RFC 9112 9.6", get("Connection: close\r\n", "/one") + NEXT, (200,), (ONE,), ENDS),
    ("close in any case and among others", "RFC 9110 7.6.1", get("Connection: x, CLOSE\r\n", "/one") + NEXT, (200,), (ONE,), ENDS),
    ("close in a second field", "RFC 9110 5.3", get("Connection: keep-alive\r\nConnection: close\r\n", "/one") + NEXT,
     (200,), (ONE,), ENDS),
    ("close beats keep-alive", "RFC 9112 9.3", get("Connection: close, keep-alive\r\n", "/one") + NEXT, (200,), (ONE,), ENDS),
    ("HTTP/1.0 ends", "RFC 9112 9.3", "GET /one HTTP/1.0\r\nHost: a\r\n\r\n" + NEXT, (200,), (ONE,), ENDS),
    ("HTTP/1.0 with keep-alive goes on", "RFC 9112 C.2.2",
     "GET /one HTTP/1.0\r\nHost: a\r\nConnection: Keep-Alive\r\n\r\n" + NEXT, (200, 200), (ONE, TWO), GOES_ON),
    ("an empty line between", "RFC 9112 2.2", GET + "\r\n" + NEXT, (200, 200), (ONE, TWO), GOES_ON),
    ("four empty lines between", "RFC 9112 2.2", GET + "\r\n" * 4 + NEXT, (200, 200), (ONE, TWO), GOES_ON),
    ("five empty lines between", "CWE-400", GET + "\r\n" * 5 + NEXT, (200, 400), (ONE,), ENDS),
    ("a body that looks like a request", "CWE-444", post(f"Content-Length: {len(GET)}\r\n", GET) + NEXT, (200, 200),
     ("POST /", TWO), GOES_ON),
    ("chunks that look like a request", "CWE-444", post(TE, f"{len(GET):x}\r\n{GET}\r\n0\r\n\r\n") + NEXT, (200, 200),
     ("POST /", TWO), GOES_ON),
    ("an extension that looks like a request", "CWE-444", post(TE, '2;a="GET /x HTTP/1.1"\r\nhi\r\n0\r\n\r\n') + NEXT, (200, 200),
     ("POST /", TWO), GOES_ON),
    ("trailers that look like a head", "RFC 9110 6.5.1",
     post(TE, "2\r\nhi\r\n0\r\nHost: b\r\nContent-Length: 50\r\nTransfer-Encoding: chunked\r\n\r\n") + NEXT, (200, 200),
     ("POST /", TWO), GOES_ON),
    ("a body of nothing", "RFC 9110 8.6", post("Content-Length: 0\r\n") + NEXT, (200, 200), ("POST /", TWO), GOES_ON),
    ("chunks of nothing", "RFC 9112 7.1", post(TE, "0\r\n\r\n") + NEXT, (200, 200), ("POST /", TWO), GOES_ON),
    ("a POST that says no length has no body", "RFC 9112 6.3", post("") + NEXT, (200, 200), ("POST /", TWO), GOES_ON),
    ("a GET with a body", "RFC 9110 9.3.1", get("Content-Length: 2\r\n", "/one") + "hi" + NEXT, (200, 200), (ONE, TWO), GOES_ON),
    ("a HEAD", "RFC 9110 9.3.2", "HEAD /one HTTP/1.1\r\nHost: a\r\n\r\n" + NEXT, (200, 200), ("HEAD /one", TWO), GOES_ON),
    ("a HEAD with a body", "RFC 9110 9.3.2", "HEAD /one HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi" + NEXT, (200, 200),
     ("HEAD /one", TWO), GOES_ON),
    ("a body that is one octet longer than it says", "RFC 9112 6.3", post("Content-Length: 2\r\n", "hiX") + NEXT, (200, 200),
     ("POST /", "XGET /next"), GOES_ON),
    ("a body that is two octets longer, and no method", "RFC 9112 6.3", post("Content-Length: 2\r\n", "hi{}") + NEXT, (200, 400),
     ("POST /",), ENDS),
    ("a length in a name with an underscore is none", "gateway.md rule 3",
     post("Content_Length: 40\r\n") + NEXT, (200, 200), ("POST /", TWO), GOES_ON),
    ("a coding in a name with an underscore is none", "gateway.md rule 3",
     post("Transfer_Encoding: chunked\r\n", "0\r\n\r\n") + NEXT, (200, 400), ("POST /",), ENDS),
    ("a refused one ends the rest", "RFC 9112 9.6", GET + "GET /bad HTTP/1.1\r\n\r\n" + NEXT, (200, 400), (ONE,), ENDS),
    ("a refused expectation ends the rest", "RFC 9110 10.1.1", post("Expect: x\r\nContent-Length: 2\r\n", "hi") + NEXT, (417,), (),
     ENDS),
    ("a refused method ends the rest", "RFC 9110 9.3.6", "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n" + NEXT, (501,), (), ENDS),
    ("a refused bound ends the rest", "RFC 6585 5", get("A: " + "b" * 17000 + "\r\n") + NEXT, (431,), (), ENDS),
    ("a body too large ends the rest", "RFC 9110 15.5.14", post("Content-Length: 2000000\r\n") + NEXT, (413,), (), ENDS),
    ("an upgrade that the app passes over", "RFC 9110 7.8", get(UPGRADE, "/one") + NEXT, (200, 200), (ONE, TWO), GOES_ON),
    ("an upgrade to h2c", "RFC 9113 3.1", get("Connection: Upgrade\r\nUpgrade: h2c\r\n", "/one") + NEXT, (200, 200), (ONE, TWO),
     GOES_ON),
    ("an expectation whose body comes at once", "RFC 9110 10.1.1",
     post("Expect: 100-continue\r\nContent-Length: 2\r\n", "hi") + NEXT, (200, 200), ("POST /", TWO), GOES_ON),
    ("OPTIONS that may go no further", "RFC 9110 7.6.2",
     "OPTIONS * HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n\r\n" + NEXT, (200, 200), (TWO,), GOES_ON),
    ("the absolute form behind another one", "RFC 9112 3.2.2", GET + get("", "http://b/next"), (200, 200), (ONE, TWO), GOES_ON),
)

# One octet at a time, each before the deadline of an idle connection: the head has a deadline of its own.
TRICKLED = (
    ("a head", "CWE-400", "GET / HTTP/1.1\r\nHost: a\r\n" + "A: b\r\n" * 60, 408),
    ("a request line", "CWE-400", "GET /" + "a" * 300, 408),
    ("a body", "gateway.md rule 7", post("Content-Length: 100000\r\n", "a" * 300), 408),
    ("chunks", "gateway.md rule 7", post(TE, "1\r\na\r\n" * 60), 408),
)
