#!/usr/bin/python3
"""WebSockets of real back ends: what a client sees through the gateway is what it sees without.

Each back end echoes. One conversation (text, binary, fragments with a ping between, pings, a message of 16 MB, the closing
handshake with a code) is held three times: directly, through the gateway over HTTP/1.1, and by extended CONNECT over HTTP/2; what
came back must be the same each time.

usage: websocket_test.py PROGRAM"""
import base64
import contextlib
import json
import os
import pathlib
import socket
import struct
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "http2"))
import gateway as h2  # noqa: E402
from hyperframe import frame as frames  # noqa: E402

PROGRAM = sys.argv.pop(1) if len(sys.argv) > 1 else ""
PATIENCE_S = 60  # sanitizers on a busy machine are slow
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
LARGE = 16 * 1000 * 1000

# ---- Back ends: the smallest program of each that echoes ---------------------------------------------------------

ASGI = """
async def app(scope, receive, send):
    if scope["type"] != "websocket":
        return
    assert (await receive())["type"] == "websocket.connect"
    await send({"type": "websocket.accept"})
    while True:
        message = await receive()
        if message["type"] != "websocket.receive":
            return
        kept = {k: message[k] for k in ("text", "bytes") if message.get(k) is not None}
        await send({"type": "websocket.send", **kept})
"""
WSGI = """
def app(environ, start_response):
    socket = environ["wsgi.websocket"]
    while not socket.closed:
        message = socket.receive()
        if message is not None:
            socket.send(message, binary=isinstance(message, (bytes, bytearray)))
    return []
"""
TORNADO = """
import sys, tornado.ioloop, tornado.web, tornado.websocket
class Echo(tornado.websocket.WebSocketHandler):
    def check_origin(self, origin): return True
    def on_message(self, message): self.write_message(message, binary=isinstance(message, bytes))
app = tornado.web.Application([("/.*", Echo)], websocket_max_message_size=1 << 25)
app.listen(int(sys.argv[1]), "127.0.0.1")
tornado.ioloop.IOLoop.current().start()
"""
SOCKETIO = """
import sys, flask, flask_socketio
app = flask.Flask(__name__)
io = flask_socketio.SocketIO(app, async_mode="gevent", max_http_buffer_size=1 << 25)
io.on("message")(lambda said: flask_socketio.send(said))
io.run(app, "127.0.0.1", int(sys.argv[1]))
"""
NODE = """
const { WebSocketServer } = require("ws");
new WebSocketServer({ host: "127.0.0.1", port: +process.argv[2] }).on("connection", (s) => {
  s.on("message", (data, isBinary) => s.send(data, { binary: isBinary }));
});
"""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class BackEnd:
    """A program in a folder of its own; `argv` names its port by {port}."""

    def __init__(self, name, text, argv, path="/ws"):
        self.path = path
        self.folder = tempfile.TemporaryDirectory(prefix="ecluse-ws-")
        (pathlib.Path(self.folder.name) / name).write_text(text)
        self.port = free_port()
        self.log = open(pathlib.Path(self.folder.name) / "log", "w+b")
        environment = dict(os.environ, NODE_PATH="/usr/share/nodejs", PYTHONUNBUFFERED="1")
        self.process = subprocess.Popen([part.format(port=self.port) for part in argv], cwd=self.folder.name,
                                        env=environment, stdout=self.log, stderr=self.log)
        h2.eventually(self.listens, "the back end listens")

    def listens(self):
        if self.process.poll() is not None:
            raise AssertionError(f"the back end ended: {self.words()}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True
        return False

    def words(self):
        self.log.seek(0)
        return self.log.read().decode(errors="replace")

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()
        self.folder.cleanup()


# ---- The client's three ways ----------------------------------------------------------------------------------------

class Direct:
    """HTTP/1.1 to a port."""

    def __init__(self, port, path):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
        key = base64.b64encode(bytes(16)).decode()
        self.socket.sendall((f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                             f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n").encode())
        self.waiting = b""
        while b"\r\n\r\n" not in self.waiting:
            self.fill()
        head, self.waiting = self.waiting.split(b"\r\n\r\n", 1)
        assert head.startswith(b"HTTP/1.1 101 "), head

    def send(self, data):
        self.socket.sendall(data)

    def fill(self):
        data = self.socket.recv(1 << 16)
        if not data:
            raise EOFError
        self.waiting += data

    def close(self):
        self.socket.close()


class Stream(h2.Client):
    """Extended CONNECT: one stream of an HTTP/2 connection (RFC 8441). Sends no more than the windows allow."""

    def __init__(self, port, path):
        self.room = {0: 65535}
        self.body = bytearray()
        super().__init__(port)
        self.read_until(lambda: self.settings, "settings")
        self.room[1] = self.settings[frames.SettingsFrame.INITIAL_WINDOW_SIZE]
        fields = [(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "https"), (":authority", "localhost"),
                  (":path", path), ("sec-websocket-version", "13")]
        self.request(1, fields, ends=False)
        self.read_until(lambda: 1 in self.fields or 1 in self.resets, "the handshake")
        assert self.fields.get(1, {}).get(":status") == "200", (self.fields, self.resets)

    def take(self, frame):
        if isinstance(frame, frames.WindowUpdateFrame):
            self.room[frame.stream_id] = self.room.get(frame.stream_id, 0) + frame.window_increment
        if not isinstance(frame, frames.DataFrame):
            return super().take(frame)
        self.body += frame.data
        for stream in (0, 1):
            if frame.data:
                self.send(frames.WindowUpdateFrame(stream, window_increment=len(frame.data)))

    def send(self, data):
        if isinstance(data, frames.Frame):
            return super().send(data)
        view = memoryview(data)
        while view:
            room = min(self.room[0], self.room[1], 16000, len(view))
            if room == 0:
                self.read_until(lambda: min(self.room[0], self.room[1]) > 0, "a window")
                continue
            self.data(1, bytes(view[:room]))
            self.room[0] -= room
            self.room[1] -= room
            view = view[room:]
        return True


class Wire:
    """Frames of RFC 6455 over any of the ways."""

    def __init__(self, way):
        self.way = way
        self.taken = 0  # of what an HTTP/2 stream has carried

    def send(self, opcode, payload=b"", final=True):
        head = bytes([(128 if final else 0) | opcode])
        size = len(payload)
        if size < 126:
            head += bytes([128 | size])
        elif size < 65536:
            head += struct.pack("!BH", 128 | 126, size)
        else:
            head += struct.pack("!BQ", 128 | 127, size)
        self.way.send(head + bytes(4) + payload)  # a mask of zeros leaves the bytes as they are

    def need(self, size):
        if isinstance(self.way, Direct):
            while len(self.way.waiting) < size:
                self.way.fill()
            data, self.way.waiting = self.way.waiting[:size], self.way.waiting[size:]
            return data
        end = self.taken + size
        self.way.read_until(lambda: len(self.way.body) >= end, "bytes of a frame")
        data = bytes(self.way.body[self.taken:end])
        self.taken = end
        return data

    def frame(self):
        first, second = self.need(2)
        size = second & 127
        if size == 126:
            size = struct.unpack("!H", self.need(2))[0]
        elif size == 127:
            size = struct.unpack("!Q", self.need(8))[0]
        return first >> 7, first & 15, self.need(size)

    def message(self):
        """(opcode, payload) of the next message or control frame, however it was cut."""
        final, opcode, payload = self.frame()
        pieces = [payload]
        while not final:
            final, _, payload = self.frame()
            pieces.append(payload)
        return opcode, b"".join(pieces)


def large():
    return bytes(range(256)) * (LARGE // 256)


def plain_conversation(wire):
    """What came back, in order."""
    heard = []

    def ask(*sent):
        for each in sent:
            wire.send(*each)
        heard.append(wire.message())

    ask((TEXT, "gr\u00fc\u00df \u2603".encode()))
    ask((BINARY, bytes(range(256))))
    ask((TEXT, b""))
    ask((PING, b"are you there"))
    ask((TEXT, b"one ", False), (0, b"two ", False), (0, b"three", True))
    wire.send(BINARY, b"\0\1", False)
    wire.send(PING, b"between")
    wire.send(0, b"\2\3", True)
    heard.extend(sorted([wire.message(), wire.message()]))
    ask((BINARY, large()))
    ask((CLOSE, struct.pack("!H", 4001) + b"enough"))
    return heard


def socketio_conversation(wire):
    """The same in Socket.IO's words; the session's id is another one each time."""
    heard = []

    def hear():
        while (message := wire.message()) == (TEXT, b"2"):  # Engine.IO's own ping, by the clock
            wire.send(TEXT, b"3")
        return message

    heard.append(sorted(json.loads(hear()[1][1:])))
    wire.send(TEXT, b"40")
    heard.append(hear()[1][:2])
    for said in ("gr\u00fc\u00df \u2603", "", "x" * LARGE):
        wire.send(TEXT, ("42" + json.dumps(["message", said])).encode())
        heard.append(hear())
    wire.send(PING, b"are you there")
    heard.append(hear())
    wire.send(CLOSE, struct.pack("!H", 1000))
    heard.append(hear()[0])
    return heard


class Identity(unittest.TestCase):
    def compare(self, back_end, converse=plain_conversation):
        self.addCleanup(back_end.close)
        proxy = h2.Gateway(PROGRAM, back_end)
        self.addCleanup(proxy.close)
        direct = self.hold(Direct(back_end.port, back_end.path), converse)
        self.assertTrue(any(LARGE <= len(m[1]) for m in direct if isinstance(m, tuple)), "16 MB came back")
        for name, way in (("HTTP/1.1", lambda: Direct(proxy.plain_port, back_end.path)),
                          ("HTTP/2", lambda: Stream(proxy.port, back_end.path))):
            with self.subTest(name):
                through = self.hold(way(), converse)
                differ = [(str(a)[:200], str(b)[:200]) for a, b in zip(direct, through) if a != b]
                self.assertEqual((len(through), differ), (len(direct), []))

    def hold(self, way, converse):
        with contextlib.closing(way):
            return converse(Wire(way))

    def test_uvicorn(self):
        self.compare(BackEnd("app.py", ASGI, ["/usr/bin/python3", "-m", "uvicorn", "--port", "{port}", "--ws-max-size",
                                              str(1 << 25), "app:app"]))

    def test_gunicorn(self):
        self.compare(BackEnd("app.py", WSGI, ["/usr/bin/gunicorn", "--bind", "127.0.0.1:{port}", "--worker-class",
                                              "geventwebsocket.gunicorn.workers.GeventWebSocketWorker", "app:app"]))

    def test_tornado_as_streamlit_has_it(self):
        self.compare(BackEnd("app.py", TORNADO, ["/usr/bin/python3", "app.py", "{port}"]))

    def test_tornado_where_the_route_allows_no_websocket(self):
        back_end = BackEnd("app.py", TORNADO, ["/usr/bin/python3", "app.py", "{port}"])
        self.addCleanup(back_end.close)
        proxy = h2.Managed(PROGRAM)
        self.addCleanup(proxy.close)
        proxy.apply([(1, back_end, 1_000_000)], backend={"websockets": ["/ws"]})

        def converse(wire):
            wire.send(TEXT, b"said")
            return wire.message()

        for way in (Direct(proxy.plain_port, "/ws/a"), Stream(proxy.port, "/ws/a")):
            self.assertEqual(self.hold(way, converse), (TEXT, b"said"))
        for way in (lambda: Direct(proxy.plain_port, "/other"), lambda: Stream(proxy.port, "/other")):
            with self.assertRaisesRegex(AssertionError, "400"):  # tornado's word to a handshake without Upgrade
                way()

    def test_node(self):
        self.compare(BackEnd("app.js", NODE, ["node", "app.js", "{port}"]))

    def test_flask_socketio(self):
        self.compare(BackEnd("app.py", SOCKETIO, ["/usr/bin/python3", "app.py", "{port}"],
                             "/socket.io/?EIO=4&transport=websocket"), socketio_conversation)


if __name__ == "__main__":
    unittest.main(verbosity=1)
