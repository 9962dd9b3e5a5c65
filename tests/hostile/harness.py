"""What the suite stands on: an app that keeps the exact bytes it receives, and proxies in front of it."""
import contextlib
import pathlib
import re
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time

PATIENCE_S = 20  # sanitizers on a busy machine are slow
HERE = pathlib.Path(__file__).parent


def octets(text):
    return text.encode("latin-1")


def connect(port):
    return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def read_to_end(connection):
    """All bytes, and how it ended: "end", "reset" or "silence"."""
    received = b""
    while True:
        try:
            piece = connection.recv(65536)
        except TimeoutError:
            return received, "silence"
        except OSError:
            return received, "reset"
        if not piece:
            return received, "end"
        received += piece


class App:
    """Answers every request with 200, or with what `script` holds: (bytes, end). After an end of "raw" it echoes."""
    OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

    def __init__(self):
        self._lock = threading.Lock()
        self._received = b""
        self._answered = b""
        self.connections = 0
        self.script = None
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def received(self):
        with self._lock:
            return self._received

    @property
    def answered(self):
        """What came over connections up to each answer: a body that was cut earlier is not in it, however late it is read."""
        with self._lock:
            return self._answered

    def forget(self):
        with self._lock:
            self._received = b""
            self._answered = b""
            self.connections = 0

    def close(self):
        self._listener.close()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        waiting = b""
        with contextlib.suppress(OSError), connection:
            while True:
                request, waiting = self._read(connection, waiting)
                if not request:
                    return
                script = self.script
                if script is None:
                    connection.sendall(self.OK)
                    continue
                data, end = script
                connection.sendall(data)
                if end == "raw":
                    echo(connection, waiting)
                    return
                if end == "reset":
                    reset(connection)
                if end in ("reset", "close"):
                    return

    def _read(self, connection, waiting):
        while True:
            end = end_of_request(waiting)
            if end:
                with self._lock:
                    self._answered += waiting
                return waiting[:end], waiting[end:]
            piece = connection.recv(65536)
            if not piece:
                return b"", b""
            with self._lock:
                self._received += piece
            waiting += piece


def echo(connection, waiting):
    """Whatever comes goes back, until the other side ends."""
    while waiting or (waiting := connection.recv(65536)):
        connection.sendall(waiting)
        waiting = b""


def end_of_request(data):
    """Where the first request of `data` ends, 0 if it does not. What arrives was written by a proxy."""
    head = data.find(b"\r\n\r\n") + 4
    if head < 4:
        return 0
    length = re.search(rb"\r\ncontent-length: *(\d+)", data[:head], re.IGNORECASE)
    if length:
        end = head + int(length[1])
        return end if len(data) >= end else 0
    if re.search(rb"\r\ntransfer-encoding: *chunked", data[:head], re.IGNORECASE):
        last = data.find(b"0\r\n\r\n", head)
        return last + 5 if last >= 0 else 0
    return head


class Proxy:
    """A program that listens on `port` and forwards to the app. Ends with the `with` block."""

    def __init__(self, name, argv, port=None):
        self.name = name
        self._process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.port = port or self._announced()
        self._await()

    def _announced(self):
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.name} did not start: {self._process.stderr.read()}")
        return int(line.rsplit(":", 1)[1])

    def _await(self):
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                connect(self.port).close()
                return
            except OSError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"{self.name} does not listen: {self._process.stderr.read()}") from None
                time.sleep(0.02)

    def is_alive(self):
        return self._process.poll() is None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.communicate(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()


GATEWAY_BOUNDS = ("head_ms_max=600", "body_bytes_max=1000000", "body_rate_window_ms=1500", "linger_ms_max=500",
                  # Each case is one failure: none may change how the next is treated.
                  "eject_failures=0", "retry_burst_max=1000000")


def gateway(program, app):
    return Proxy("ecluse", [program, "gateway", "--listen", "127.0.0.1:0", "--to", f"127.0.0.1:{app.port}",
                            "--workers", "1", "--bounds", ",".join(GATEWAY_BOUNDS)])


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


@contextlib.contextmanager
def peer(name, app):
    """nginx or HAProxy of the distribution with the file of that name beside this one."""
    program = shutil.which(name) or shutil.which(name, path="/usr/sbin")
    if program is None:
        raise RuntimeError(f"{name} is not installed: ./run setup bench")
    port = free_port()
    template = (HERE / {"nginx": "nginx.conf", "haproxy": "haproxy.cfg"}[name]).read_text()
    with tempfile.TemporaryDirectory(prefix="ecluse-hostile-") as folder:
        file = pathlib.Path(folder) / "proxy.conf"
        for word, value in (("@PORT@", port), ("@APP@", app.port), ("@FOLDER@", folder)):
            template = template.replace(word, str(value))
        file.write_text(template)
        argv = [program, "-p", folder, "-c", str(file)] if name == "nginx" else [program, "-f", str(file)]
        with Proxy(name, argv, port) as proxy:
            yield proxy
