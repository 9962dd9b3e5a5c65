"""The gateway over TLS in front of an app that records what it receives, and a client of HTTP/2 that
can say anything."""
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time

import hpack
from hyperframe import frame as frames

PATIENCE_S = 30  # sanitizers on a busy machine are slow
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def eventually(ready, what):
    """Asks again and again until `ready()` is true; fails after the patience."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if ready():
            return
        time.sleep(0.005)
    raise AssertionError(f"never came to pass: {what}")


class App:
    """An HTTP/1.1 app. `serve(peer)` runs on a thread for each connection; the default answers each
    request with 200 and the body it got."""

    def __init__(self, serve=None):
        self.serve = serve or echo
        self.received = b""
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self.listener.getsockname()[1]
        self.ended = False
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while not self.ended:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.run, args=(connection,), daemon=True).start()

    def run(self, connection):
        with connection:
            try:
                self.serve(Peer(connection, self))
            except OSError:
                pass  # the gateway went away: what it received is recorded

    def note(self, data):
        with self.lock:
            self.received += data

    def close(self):
        self.ended = True
        self.listener.close()


class Peer:
    def __init__(self, connection, app):
        self.connection = connection
        self.app = app
        self.waiting = b""

    def fill(self):
        data = self.connection.recv(65536)
        self.app.note(data)
        self.waiting += data
        return bool(data)

    def read_request(self):
        """(head, body), or (b"", b"") at the end."""
        while b"\r\n\r\n" not in self.waiting:
            if not self.fill():
                return b"", b""
        head, self.waiting = self.waiting.split(b"\r\n\r\n", 1)
        length = re.search(rb"\r\ncontent-length: (\d+)", head, re.I)
        if length:
            while len(self.waiting) < int(length[1]):
                if not self.fill():
                    return b"", b""
            body, self.waiting = self.waiting[: int(length[1])], self.waiting[int(length[1]) :]
            return head, body
        if re.search(rb"\r\ntransfer-encoding: chunked", head, re.I):
            return head, self.read_chunks()
        return head, b""

    def read_chunks(self):
        body = b""
        while True:
            while b"\r\n" not in self.waiting:
                if not self.fill():
                    return body
            size = int(self.waiting.split(b"\r\n", 1)[0], 16)
            while len(self.waiting) < self.waiting.index(b"\r\n") + 4 + size:
                if not self.fill():
                    return body
            begin = self.waiting.index(b"\r\n") + 2
            body += self.waiting[begin : begin + size]
            self.waiting = self.waiting[begin + size + 2 :]
            if size == 0:
                return body

    def send(self, data):
        self.connection.sendall(data)


def answer(body=b"", status=b"200 OK", fields=b""):
    return b"HTTP/1.1 %s\r\n%sContent-Length: %d\r\n\r\n%s" % (status, fields, len(body), body)


def echo(peer):
    while True:
        head, body = peer.read_request()
        if not head:
            return
        peer.send(answer(body or b"ok"))


class Gateway:
    """The program, with a certificate of its own for "localhost"."""

    def __init__(self, program, app, *more):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ecluse-h2-"))
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
             "subjectAltName=DNS:localhost", "-keyout", self.folder / "key.pem", "-out",
             self.folder / "cert.pem"], check=True, capture_output=True)
        self.log = open(self.folder / "log", "wb")
        self.process = subprocess.Popen(
            [program, "gateway", "--listen", "127.0.0.1:0", "--tls-listen", "127.0.0.1:0",
             *self.arguments(app), "--workers", "2", *more],
            stdout=subprocess.PIPE, stderr=self.log)
        self.plain_port = self.read_port()
        self.port = self.read_port()

    def arguments(self, app):
        return ["--tls-cert", self.folder / "cert.pem", "--tls-key", self.folder / "key.pem", "--to",
                f"127.0.0.1:{app.port}"]

    def read_port(self):
        line = self.process.stdout.readline().decode()
        found = re.match(r"listening .*:(\d+)", line)
        if not found:
            raise AssertionError("the gateway did not start: " + self.words())
        return int(found[1])

    def words(self):
        return (self.folder / "log").read_text(errors="replace")

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)

    def close(self):
        """Returns its exit code."""
        self.terminate()
        try:
            code = self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        self.process.stdout.close()
        self.log.close()
        words = self.words()
        shutil.rmtree(self.folder, ignore_errors=True)
        if code != 0 or "Sanitizer" in words:
            raise AssertionError(f"the gateway ended with {code}:\n{words}")


class Managed(Gateway):
    """Under a control plane, which is the test: one site, "localhost", with releases."""

    def __init__(self, program, *more):
        self.sequence = 0
        super().__init__(program, None, *more)

    def arguments(self, app):
        return ["--folder", self.folder / "gateway", "--control", self.folder / "control.sock"]

    def order(self, **order):
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(PATIENCE_S)
            line.connect(str(self.folder / "control.sock"))
            line.sendall(json.dumps(order).encode() + b"\n")
            reply = json.loads(line.makefile().readline())
        if not reply["ok"]:
            raise AssertionError(f"{order['op']}: {reply['error']}")
        return reply

    def apply(self, shares, backend=None, folders=(), **more):
        """`shares`: (release, app, millionths); a release with several apps has an instance of each. `backend` and `more`:
        further fields of every backend, and of the site; `folders` of every release."""
        self.sequence += 1
        arms = [{"release": release, "weight_ppm": ppm, "folders": list(folders),
                 "backends": [{"process": "web", "prefixes": ["/"], "targets": [
                     {"instance": f"i{release}-{each.port}", "address": "127.0.0.1", "port": each.port, "ready": True}
                     for each in (app if isinstance(app, list) else [app])], **(backend or {})}]}
                for release, app, ppm in shares]
        site = {"app": "shop", "environment": "prod", "hosts": ["localhost"], "arms": arms,
                "tls": {"source": "files", "certificate": str(self.folder / "cert.pem"),
                        "key": str(self.folder / "key.pem"), "redirect": False}, **more}
        self.order(op="apply", site=site, fence={"term": 1, "rollout": "shop/prod@1", "sequence": self.sequence})

    def drain(self, release, websocket_budget_ms):
        self.order(op="drain", app="shop", environment="prod", release=release,
                   websocket_budget_ms=websocket_budget_ms)


GET = [(":method", "GET"), (":scheme", "https"), (":authority", "localhost"), (":path", "/")]


class Client:
    """One connection of HTTP/2, frame by frame. Keeps what it received by stream."""

    def __init__(self, port, settings=None, greets=True):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_alpn_protocols(["h2"])
        raw = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.tls = context.wrap_socket(raw, server_hostname="localhost")
        assert self.tls.selected_alpn_protocol() == "h2"
        self.encoder = hpack.Encoder()
        self.decoder = hpack.Decoder(max_header_list_size=1 << 20)
        self.waiting = b""
        self.fields = {}
        self.interim = {}
        self.cookies = {}
        self.trailers = {}
        self.bodies = {}
        self.ended = set()
        self.resets = {}
        self.goaways = []
        self.settings = {}
        self.is_closed = False
        self.pings = 0
        self.reads = True  # grants windows for what it gets
        if greets:
            self.send_bytes(PREFACE + frames.SettingsFrame(0, settings=settings or {}).serialize())

    def close(self):
        self.tls.close()

    def send_bytes(self, data):
        """False when the other side is gone."""
        try:
            self.tls.sendall(data)
            return True
        except OSError:
            self.is_closed = True
            return False

    def send(self, frame):
        return self.send_bytes(frame.serialize())

    def send_head(self, stream, fields, ends=True):
        """As it is, not even Huffman-coded; in several frames when it is large."""
        block = self.encoder.encode(fields, huffman=False)
        pieces = [block[i : i + 16000] for i in range(0, len(block), 16000)]
        out = [frames.HeadersFrame(stream, data=pieces[0], flags=["END_STREAM"] if ends else [])]
        out += [frames.ContinuationFrame(stream, data=piece) for piece in pieces[1:]]
        out[-1].flags.add("END_HEADERS")
        return self.send_bytes(b"".join(frame.serialize() for frame in out))

    def request(self, stream, fields=None, ends=True):
        return self.send_head(stream, fields or GET, ends)

    def data(self, stream, data, ends=False):
        return self.send(frames.DataFrame(stream, data=data, flags=["END_STREAM"] if ends else []))

    def read_frame(self):
        """Takes one frame in; False at the end of the connection."""
        while len(self.waiting) < 9 or len(self.waiting) < 9 + int.from_bytes(self.waiting[:3], "big"):
            try:
                data = self.tls.recv(65536)
            except (ConnectionError, ssl.SSLError):
                data = b""
            if not data:
                self.is_closed = True
                return False
            self.waiting += data
        frame, length = frames.Frame.parse_frame_header(memoryview(self.waiting[:9]))
        frame.parse_body(memoryview(self.waiting[9 : 9 + length]))
        self.waiting = self.waiting[9 + length :]
        self.take(frame)
        return True

    def take(self, frame):
        stream = frame.stream_id
        if isinstance(frame, frames.HeadersFrame):
            decoded = self.decoder.decode(frame.data)
            fields = dict(decoded)
            said = [value.split(";")[0].split("=", 1) for name, value in decoded if name == "set-cookie"]
            self.cookies.setdefault(stream, {}).update(said)
            if stream in self.fields:
                self.trailers[stream] = fields
            elif fields[":status"].startswith("1"):
                self.interim.setdefault(stream, []).append(fields)
            else:
                self.fields[stream] = fields
        elif isinstance(frame, frames.DataFrame):
            self.bodies[stream] = self.bodies.get(stream, b"") + frame.data
            if frame.data and self.reads:
                self.send(frames.WindowUpdateFrame(0, window_increment=len(frame.data)))
                self.send(frames.WindowUpdateFrame(stream, window_increment=len(frame.data)))
        elif isinstance(frame, frames.RstStreamFrame):
            self.resets[stream] = frame.error_code
        elif isinstance(frame, frames.GoAwayFrame):
            self.goaways.append((frame.last_stream_id, frame.error_code))
        elif isinstance(frame, frames.SettingsFrame):
            if "ACK" not in frame.flags:
                self.settings.update(frame.settings)
                self.send(frames.SettingsFrame(0, flags=["ACK"]))
        elif isinstance(frame, frames.PingFrame):
            if "ACK" in frame.flags:
                self.pings += 1
            else:
                self.send(frames.PingFrame(0, opaque_data=frame.opaque_data, flags=["ACK"]))
        if "END_STREAM" in frame.flags:
            self.ended.add(stream)

    def read_until(self, ready, what):
        deadline = time.monotonic() + PATIENCE_S
        while not ready():
            if time.monotonic() > deadline or not self.read_frame():
                raise AssertionError(f"the connection ended before {what}: {self.goaways} {self.resets}")

    def await_answer(self, stream):
        """(status, body) of a whole answer; ("reset", code) when the stream was reset."""
        self.read_until(lambda: stream in self.ended or stream in self.resets, f"answer {stream}")
        if stream not in self.ended:
            return "reset", self.resets[stream]
        return self.fields[stream][":status"], self.bodies.get(stream, b"")

    def read_to_end(self):
        while self.read_frame():
            pass
