"""Upgrades: what becomes a tunnel, and that nothing is looked into or changed in it.

A case is (name, source, fields of the request, answer of the app, expectation). "tunnel": the client gets the 101, and what
either side says afterwards reaches the other octet by octet. A number: the status the client gets; the connection is
no tunnel then, and what was sent behind the request is a request of its own or nothing.
"""
KEY = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
WEBSOCKET = "Connection: Upgrade\r\nUpgrade: websocket\r\n" + KEY
ACCEPTED = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
SWITCHING = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" + ACCEPTED + "\r\n"
OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

TUNNEL = "tunnel"

SWITCHES = (
    ("a handshake", "RFC 6455 4.1", WEBSOCKET, SWITCHING, TUNNEL),
    ("a handshake in other cases", "RFC 6455 4.2.1", "connection: keep-alive, UPGRADE\r\nupgrade: WebSocket\r\n" + KEY,
     SWITCHING.replace("Upgrade: websocket", "upgrade: WEBSOCKET"), TUNNEL),
    ("a subprotocol and an extension", "RFC 6455 4.2.2",
     WEBSOCKET + "Sec-WebSocket-Protocol: chat, super\r\nSec-WebSocket-Extensions: permessage-deflate\r\n",
     SWITCHING.replace(ACCEPTED, ACCEPTED + "Sec-WebSocket-Protocol: chat\r\n"), TUNNEL),
    ("an interim answer before it", "RFC 9110 15.2", WEBSOCKET, "HTTP/1.1 103 Early Hints\r\n\r\n" + SWITCHING, TUNNEL),
    ("another version", "RFC 6455 4.4", WEBSOCKET.replace("13", "99"),
     "HTTP/1.1 426 Upgrade Required\r\nSec-WebSocket-Version: 13\r\nContent-Length: 0\r\n\r\n", 426),
    ("an app that answers as ever", "RFC 9110 7.8", WEBSOCKET, OK, 200),
    ("an app that wants a password", "RFC 6455 4.1", WEBSOCKET,
     "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n", 401),
    ("101 without Upgrade", "RFC 9110 7.8", WEBSOCKET, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\r\n", 502),
    ("101 without Connection", "RFC 6455 4.1", WEBSOCKET, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n", 502),
    ("101 to another protocol", "RFC 6455 4.1", WEBSOCKET, SWITCHING.replace("Upgrade: websocket", "Upgrade: h2c"), 502),
    ("101 that speaks of a length", "RFC 9112 6.3", WEBSOCKET, SWITCHING.replace(ACCEPTED, ACCEPTED + "Content-Length: 5\r\n"), TUNNEL),
    ("101 with a length and a coding", "RFC 9112 6.3", WEBSOCKET,
     SWITCHING.replace(ACCEPTED, ACCEPTED + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), 502),
    ("101 of HTTP/1.0", "RFC 9110 7.8", WEBSOCKET, SWITCHING.replace("HTTP/1.1", "HTTP/1.0"), 502),
    ("101 with a faulty field", "RFC 9112 5", WEBSOCKET, SWITCHING.replace("\r\n\r\n", "\r\nA b: c\r\n\r\n"), 502),
    ("101 to whom Connection does not list it", "RFC 9110 7.8", WEBSOCKET.replace("Connection: Upgrade", "Connection: keep-alive"),
     SWITCHING, 502),
    ("101 to a list of protocols", "gateway.md rule 3", WEBSOCKET.replace("Upgrade: websocket", "Upgrade: h2c, websocket"),
     SWITCHING, 502),
)

# What a tunnel carries, whatever RFC 6455 says of it: the app is its judge.
CARRIED = (
    ("text, masked", "RFC 6455 5.7", b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"),
    ("text, not masked", "RFC 6455 5.1", b"\x81\x05Hello"),
    ("fragments", "RFC 6455 5.4", b"\x01\x03Hel\x80\x02lo"),
    ("a ping amid fragments", "RFC 6455 5.4", b"\x01\x03Hel\x89\x05Hello\x80\x02lo"),
    ("a ping that is too long", "RFC 6455 5.5", b"\x89\x7e\x00\x80" + b"x" * 128),
    ("reserved bits", "RFC 6455 5.2", b"\xf1\x05Hello"),
    ("reserved opcodes", "RFC 6455 5.2", b"\x83\x01a\x8b\x01b\x8f\x00"),
    ("a length not in its shortest form", "RFC 6455 5.2", b"\x81\x7f\0\0\0\0\0\0\0\x01a"),
    ("a length with its first bit set", "RFC 6455 5.2", b"\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xffabc"),
    ("text that is no UTF-8", "RFC 6455 8.1", b"\x81\x02\xc3\x28"),
    ("a close without a code", "RFC 6455 5.5.1", b"\x88\x00"),
    ("a close with every code", "RFC 6455 7.4", b"".join(b"\x88\x02" + code.to_bytes(2, "big") for code in (
        1000, 1001, 1002, 1003, 1005, 1006, 1007, 1008, 1009, 1010, 1011, 1012, 1015, 3000, 4999, 0, 999, 65535))),
    ("a close of one octet", "RFC 6455 5.5.1", b"\x88\x01\x03"),
    ("frames behind a close", "RFC 6455 5.5.1", b"\x88\x02\x03\xe8\x81\x01a"),
    ("what is no frame at all", "RFC 9110 7.8", bytes(range(256)) * 8),
    ("what looks like a request", "CWE-444", b"GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("a mebibyte of binary", "RFC 6455 5.2", b"\x82\x7f\0\0\0\0\0\x10\0\0" + b"\xa5" * (1 << 20)),
)
