#!/usr/bin/env python3
"""A small app through the real program: up, deploy, traffic, a bad release, rollback, kill -9 of the
control plane, and down. Needs root (namespaces); every process it starts is gone at the end.

usage: deploy_test.py PATH_OF_ECLUSE"""
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
import time
import unittest

PROGRAM = ""
HOST = "hello.localhost"
DEADLINE_S = 240  # of one command, in a sanitized build on a busy machine

APP = """
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b"VERSION " + os.environ.get("GREETING", "none").encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
print("listening on", os.environ["PORT"], flush=True)
http.server.ThreadingHTTPServer(("0.0.0.0", int(os.environ["PORT"])), Handler).serve_forever()
"""
NEVER_OPENS = """
import time
print("thinking about it", flush=True)
time.sleep(3600)
"""
SPEC = """
app: hello
build: {command: chmod 644 app.py}
processes:
  web: {command: python3 app.py, ready: {path: /, start: 15s}, stop_grace: 2s}
secrets: [GREETING]
environments:
  prod: {hosts: [hello.localhost], bake: 10m, drain: 2s}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@unittest.skipUnless(os.geteuid() == 0, "needs root: namespaces")
class Deploy(unittest.TestCase):
    finished = False

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ecl-"))
        self.repository = self.folder / "repo"
        self.data, self.run = self.folder / "d", self.folder / "r"
        self.port = free_port()
        self.repository.mkdir()
        self.git("init", "-q", "-b", "main")
        self.commit("v1", APP)

    def tearDown(self):
        self.ecluse("down", "--all", "--yes", code=None)
        left = self.processes()
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        if left or not self.finished:
            self.print_logs()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.assertEqual(left, [], "processes that `down --all` left")

    def print_logs(self):
        for log in [self.data / "ecluse.log", self.data / "gateway" / "gateway.log"]:
            if log.exists():
                print(f"--- {log.name}\n{log.read_text(errors='replace')[-6000:]}", file=sys.stderr)

    # --- what a person does

    def git(self, *words):
        subprocess.run(["git", "-c", "user.name=e2e", "-c", "user.email=e2e@example.invalid",
                        *words], cwd=self.repository, check=True)

    def commit(self, version, app):
        (self.repository / "app.py").write_text(app.replace("VERSION", version))
        (self.repository / "ecluse.yml").write_text(SPEC)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", f"{version}: \"quotes\" `backticks` $(touch /tmp/harm)")

    def ecluse(self, *words, code=0, text_in=""):
        done = subprocess.run([PROGRAM, *words], cwd=self.repository, input=text_in, text=True,
                              capture_output=True, timeout=DEADLINE_S,
                              env=os.environ | {"ECLUSE_RUN": str(self.run),
                                                "ECLUSE_DATA": str(self.data)})
        if code is not None:
            self.assertEqual(done.returncode, code, f"{words}:\n{done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def up(self, code=0):
        return self.ecluse("up", "--detach", "--listen", f"127.0.0.1:{self.port}", code=code)

    def get(self):
        """Status, body and release, as a visitor sees them."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request("GET", "/", headers={"Host": HOST})
        answer = connection.getresponse()
        body = answer.read().decode()
        connection.close()
        return answer.status, body, answer.headers.get("X-Ecluse-Release", "")

    def status(self):
        return json.loads(self.ecluse("status", "--json"))[0]

    def daemon_pid(self):
        log = (self.data / "lock").read_text()
        return int(log.split()[0])

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

    # --- the story

    def test_a_repository_goes_to_production_and_back(self):
        self.assertIn("ready", self.up())
        self.ecluse("secret", "set", "GREETING", text_in="hunter2-but-long\n")

        self.assertIn("release 1 serves hello/prod", self.ecluse("deploy"))
        self.assertEqual(self.get()[:2], (200, "v1 hunter2-but-long"))
        self.assertFalse(os.path.exists("/tmp/harm"), "a commit message was executed")
        self.assertIn("nothing to do", self.ecluse("deploy"))
        self.assertIn(str(self.daemon_pid()), self.up(code=1))  # a second one names the first

        self.commit("v2", APP)
        self.ecluse("deploy")
        self.assertEqual(self.get(), (200, "v2 hunter2-but-long", "2"))

        self.commit("v3", NEVER_OPENS)
        failure = self.ecluse("deploy", code=1)
        for evidence in ("thinking about it", "Most likely", "What to do next"):
            self.assertIn(evidence, failure)
        self.assertEqual(self.get()[1], "v2 hunter2-but-long")

        self.assertIn("possible", self.ecluse("rollback", "--check"))
        self.ecluse("rollback")
        self.assertEqual(self.get(), (200, "v1 hunter2-but-long", "1"))

        os.kill(self.daemon_pid(), signal.SIGKILL)
        self.assertEqual(self.get()[1], "v1 hunter2-but-long")
        self.ecluse("status", code=5)
        self.up()
        self.assertEqual(self.status()["stable"], 1)
        self.commit("v4", APP)
        self.ecluse("deploy")
        self.assertEqual(self.get()[1], "v4 hunter2-but-long")

        self.inside()
        self.life()
        self.finished = True

    def inside(self):
        self.assertIn("inside hello", self.ecluse("run", "--", "sh", "-c", "echo inside hello"))
        self.ecluse("run", "--", "sh", "-c", "exit 7", code=7)
        self.assertIn("listening on", self.ecluse("logs"))
        for answer in (self.ecluse("env", "--json"), self.ecluse("events", "--json", "-n", "500"),
                       self.ecluse("run", "--", "env"), self.ecluse("status", "--json")):
            self.assertNotIn("hunter2-but-long", answer)

    def life(self):
        self.ecluse("scale", "web=2")
        self.assertEqual(len(self.serving_instances()), 2)
        self.ecluse("restart")
        self.ecluse("maintenance", "on")
        self.assertEqual(self.get()[0], 503)
        self.ecluse("maintenance", "off")
        self.assertEqual(self.get()[0], 200)
        self.ecluse("stop", "--yes")
        self.assertEqual(self.get()[0], 503)
        self.ecluse("start")
        self.assertEqual(self.get()[0], 200)

    def serving_instances(self):
        view = self.status()
        return [i for i in view["instances"] if i["release"] == view["stable"] and i["ready"]]


def command_line(process):
    try:
        return (process / "cmdline").read_text(errors="replace")
    except OSError:
        return ""  # it ended since we listed it


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    unittest.main()
