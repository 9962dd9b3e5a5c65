"""The gateway and its peers as processes: started with their files of bench/gateway, measured, ended."""
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

from .machine import BUILD, ROOT, Failed, free_port, wait_for

FILES = ROOT / "bench" / "gateway"
SMALL = "s" * 200
LARGE_BYTES = 1 << 20


def children(pid):
    """The process and all below it."""
    found = [pid]
    for parent in found:
        for task in Path(f"/proc/{parent}/task").glob("*/children"):
            try:
                found += map(int, task.read_text().split())
            except OSError:
                pass  # it ended while we looked
    return found


def cpu_seconds(pid, thread=""):
    """On the processor, as the scheduler counts it: all threads of the whole process tree whose name begins so."""
    total = 0
    for process in children(pid):
        for task in Path(f"/proc/{process}/task").iterdir():
            try:
                if (task / "comm").read_text().startswith(thread):
                    total += int((task / "schedstat").read_text().split()[0])
            except OSError:
                pass  # it ended while we looked
    return total / 1e9


def private_bytes(pid):
    """Proportional set size of the tree."""
    total = 0
    for process in children(pid):
        for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1]) * 1024
    return total


def raise_descriptor_limit(wanted=100_000):
    """Each connection takes one here, and two in a proxy. Needs root where the hard limit is lower."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, max(wanted, hard)))
    except (ValueError, PermissionError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class Daemon:
    """A server with one port of its own. Use as a context."""

    def __init__(self, name, folder, port, command, environment=None):
        self.name, self.port = name, port
        self.log = open(folder / f"{name}.out", "ab")
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log,
                                        env=environment, start_new_session=True)
        wait_for(f"{name} to listen", self._serves)

    def _serves(self):
        if self.process.poll() is not None:
            raise Failed(f"{self.name} ended with {self.process.returncode}; see {self.log.name}")
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    @property
    def pid(self):
        return self.process.pid

    def cpu_seconds(self):
        return cpu_seconds(self.pid)

    def worker_cpu_seconds(self):
        """Of ecluse: the threads that carry traffic alone."""
        return cpu_seconds(self.pid, "worker-")

    def signal(self, number):
        os.kill(self.pid, number)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                pass
        # Only the group that we began: what it left behind.
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        self.log.close()


class Field:
    """A folder with the origin, and the proxies in front of it."""

    def __init__(self):
        raise_descriptor_limit()
        self.folder = Path(tempfile.mkdtemp(prefix="bench-gateway-"))
        self.folder.chmod(0o755)
        self.origin_port = free_port()
        (self.folder / "large").write_bytes(os.urandom(LARGE_BYTES))
        self.origin = Daemon("origin", self.folder, self.origin_port,
                             ["nginx", "-c", self.render("origin.conf", 0, 1)])

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.origin.__exit__(*failure)
        shutil.rmtree(self.folder, ignore_errors=True)

    def render(self, file, port, workers):
        text = (FILES / file).read_text()
        for name, value in {"FOLDER": self.folder, "ORIGIN": self.origin_port, "PORT": port,
                            "WORKERS": workers, "SMALL": SMALL}.items():
            text = text.replace(f"@{name}@", str(value))
        out = self.folder / f"{workers}-{file}"
        out.write_text(text)
        return str(out)

    def ecluse(self, workers):
        port = free_port()
        program = os.environ.get("ECLUSE_BENCH_GATEWAY", str(BUILD / "ecluse"))
        return Daemon("ecluse", self.folder, port,
                      [program, "gateway", "--listen", f"127.0.0.1:{port}", "--to",
                       f"127.0.0.1:{self.origin_port}", "--workers", str(workers)])

    def ecluse_site(self, name, workers, **site):
        """With a site for 127.0.0.1, as the control plane applies it."""
        port, control = free_port(), self.folder / f"{name}.sock"
        program = os.environ.get("ECLUSE_BENCH_GATEWAY", str(BUILD / "ecluse"))
        daemon = Daemon(name, self.folder, port,
                        [program, "gateway", "--listen", f"127.0.0.1:{port}", "--control",
                         str(control), "--workers", str(workers)])
        self.decide(name, 1, **site)
        return daemon

    def decide(self, name, sequence, hosts=("127.0.0.1",), app="bench", **site):
        """Applies a site; returns when every thread of that gateway routes by it."""
        decision = {"op": "apply", "fence": {"term": 1, "sequence": sequence, "rollout": "bench@1"},
                    "site": {"app": app, "environment": "prod", "hosts": list(hosts)} | site}
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(str(self.folder / f"{name}.sock"))
            line.sendall(json.dumps(decision).encode() + b"\n")
            answer = json.loads(line.makefile().readline())
        if not answer["ok"]:
            raise Failed(f"{name}: {answer}")

    def arm(self, release, weight_ppm):
        target = {"instance": f"web-{release}", "address": "127.0.0.1", "port": self.origin_port}
        return {"release": release, "weight_ppm": weight_ppm,
                "backends": [{"process": "web", "prefixes": ["/"], "targets": [target]}]}

    def nginx(self, workers):
        port = free_port()
        return Daemon("nginx", self.folder, port,
                      ["nginx", "-c", self.render("nginx.conf", port, workers)])

    def haproxy(self, workers):
        port = free_port()
        return Daemon("haproxy", self.folder, port,
                      ["haproxy", "-W", "-db", "-f", self.render("haproxy.cfg", port, workers)])


class WrkRun:
    """One run of Debian's wrk, closed loop, beside other things; `said()` waits for its end and gives what
    bench/gateway/report.lua says of it."""

    def __init__(self, port, path, seconds, connections, method="GET", body=0, connection="keep",
                 scheme="http", cookie="-", hosts=0):
        self.process = subprocess.Popen(
            ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(FILES / "report.lua"),
             f"{scheme}://127.0.0.1:{port}{path}", "--", method, str(body), connection, cookie,
             str(hosts)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def said(self):
        out, _ = self.process.communicate()
        lines = out.strip().splitlines()
        if not lines or not lines[-1].startswith("{"):
            raise Failed(f"wrk said nothing of use: {out.strip()}")
        said = json.loads(lines[-1])
        return said | {"per_s": said["requests"] / said["seconds"]}


def wrk(port, path, seconds, connections, **more):
    """One run of which every request must be answered."""
    said = WrkRun(port, path, seconds, connections, **more).said()
    if said["failed"]:
        raise Failed(f"requests failed: {said}")
    return said


IP_BIND_ADDRESS_NO_PORT = 24  # linux/in.h; the socket module has no name for it


def connection_from(address, port):
    """The source's port is chosen by connect(), which may reuse one that another server's connection has."""
    one = socket.socket()
    one.settimeout(10)
    one.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
    one.bind((address, 0))
    one.connect(("127.0.0.1", port))
    return one


class IdleConnections:
    """Kept-alive connections that have had one answer each and say no more. Use as a context."""

    def __init__(self, port, count):
        self.sockets = []
        request = b"GET / HTTP/1.1\r\nHost: bench.example\r\n\r\n"
        for number in range(count):
            # Several sources: one has not enough ports for all.
            one = connection_from(f"127.0.0.{2 + number // 8000}", port)
            one.sendall(request)
            answer = b""
            while not answer.endswith(SMALL.encode()):
                piece = one.recv(4096)
                if not piece:
                    raise Failed(f"connection {number} was closed: {answer[:80]!r}")
                answer += piece
            self.sockets.append(one)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for one in self.sockets:
            one.close()
