"""What the end-to-end tests share: a repository, an ecluse of its own beside it, and a visitor. Each
test gets a fresh folder; every process it starts is gone at the end, or the test fails."""
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

DEADLINE_S = 240  # of one command, in a sanitized build on a busy machine

# Answers GET / with its version; /health as HEALTH decides.
APP = """
import http.server, os
def health():
    return 200, b"fine"
# MORE
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b"VERSION " + os.environ.get("GREETING", "none").encode()
        status, body = health() if self.path == "/health" else (200, body)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
print("listening on", os.environ["PORT"], flush=True)
http.server.ThreadingHTTPServer(("0.0.0.0", int(os.environ["PORT"])), Handler).serve_forever()
"""

# The least that one can deploy.
ONE_PROCESS = """
app: hello
build: {command: chmod 644 app.py}
processes:
  web: {command: python3 app.py, ready: {path: /, start: 30s}, stop_grace: 2s}
environments:
  prod: {hosts: [hello.localhost], bake: 10m, drain: 2s}
"""

PROGRAM = ""  # the ecluse under test: the one argument of each test program


def main():
    global PROGRAM
    PROGRAM = os.path.abspath(sys.argv.pop(1))
    unittest.main(module="__main__")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until(condition, what, within_s=60):
    """The first truthy value of `condition()`; a test's wait for something outside of it."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"{what}: not within {within_s} s")


def command_line(process):
    try:
        return (process / "cmdline").read_text(errors="replace")
    except OSError:
        return ""  # it ended since we listed it


class Story(unittest.TestCase):
    HOST = "hello.localhost"
    SPEC = ""  # ecluse.yml
    finished = False

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ecl-"))
        self.repository = self.folder / "repo"
        self.data, self.run = self.folder / "d", self.folder / "r"
        self.port = free_port()
        self.repository.mkdir()
        self.git("init", "-q", "-b", "main")

    def tearDown(self):
        self.ecluse("down", "--all", "--yes", code=None)
        left = self.processes()
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        if left or not self.finished:
            self.print_logs()
        self.clean_up()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.assertEqual(left, [], "processes that `down --all` left")

    def clean_up(self):
        """For what a test mounted in its folder."""

    def print_logs(self):
        for log in [self.data / "ecluse.log", self.data / "gateway" / "gateway.log"]:
            if log.exists():
                print(f"--- {log.name}\n{log.read_text(errors='replace')[-6000:]}", file=sys.stderr)

    # --- what a person does

    def git(self, *words):
        subprocess.run(["git", "-c", "user.name=e2e", "-c", "user.email=e2e@example.invalid",
                        *words], cwd=self.repository, check=True)

    def commit(self, version, app=APP, message=None):
        (self.repository / "app.py").write_text(app.replace("VERSION", version))
        (self.repository / "ecluse.yml").write_text(self.SPEC)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message or version)

    def environment(self):
        return os.environ | {"ECLUSE_RUN": str(self.run), "ECLUSE_DATA": str(self.data),
                             "XDG_CACHE_HOME": str(self.folder / "cache")}

    def start(self, *words):
        """A command that goes on beside the test."""
        return subprocess.Popen([PROGRAM, *words], cwd=self.repository, text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, env=self.environment())

    @staticmethod
    def read_until(process, text, within_s=60):
        """The first line of its output that holds `text`."""
        timer = threading.Timer(within_s, process.kill)
        timer.start()
        seen = []
        for line in process.stdout:
            seen.append(line)
            if text in line:
                timer.cancel()
                return line
        raise AssertionError(f"no line with {text!r} within {within_s} s:\n{''.join(seen)}")

    def ecluse(self, *words, code=0, text_in=""):
        done = subprocess.run([PROGRAM, *words], cwd=self.repository, input=text_in, text=True,
                              capture_output=True, timeout=DEADLINE_S, env=self.environment())
        if code is not None:
            self.assertEqual(done.returncode, code, f"{words}:\n{done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def up(self, code=0):
        return self.ecluse("up", "--detach", "--listen", f"127.0.0.1:{self.port}", code=code)

    def get(self, path="/"):
        """Status, body and release, as a visitor sees them."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request("GET", path, headers={"Host": self.HOST})
        answer = connection.getresponse()
        body = answer.read().decode()
        connection.close()
        return answer.status, body, answer.headers.get("X-Ecluse-Release", "")

    def status(self):
        return json.loads(self.ecluse("status", "--json"))[0]

    def instances(self, release):
        return [i for i in self.status()["instances"] if i["release"] == release]

    def daemon_pid(self):
        return int((self.data / "lock").read_text().split()[0])

    def processes(self):
        """Everything that names our folder, until it is gone or the deadline has passed."""
        deadline = time.monotonic() + 20
        while True:
            found = [int(entry.name) for entry in pathlib.Path("/proc").iterdir()
                     if entry.name.isdigit() and int(entry.name) != os.getpid()
                     and str(self.folder) in command_line(entry)]
            if not found or time.monotonic() > deadline:
                return found
            time.sleep(0.05)
