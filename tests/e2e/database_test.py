#!/usr/bin/env python3
"""An app on PostgreSQL whose database stops answering: in a release job, and while new
instances are waited for. Each time the rollout ends, says why, and the old release is what
it was. Needs root (namespaces).

usage: database_test.py PATH_OF_ECLUSE"""
import contextlib
import os
import signal
import subprocess
import unittest

import story

# Asks the server itself, without a driver: PostgreSQL answers a request for TLS with S or N.
ASKS_DATABASE = """
import pathlib, socket, urllib.parse
def health():
    if pathlib.Path("/app/flags/held").exists():
        return 503, b"held"
    where = urllib.parse.urlsplit(os.environ["DATABASE_URL"])
    try:
        with socket.create_connection((where.hostname, where.port), 2) as server:
            server.settimeout(2)
            server.sendall(bytes([0, 0, 0, 8, 4, 210, 22, 47]))
            if server.recv(1) in (b"S", b"N"):
                return 200, b"fine"
    except OSError as error:
        print("health:", error, flush=True)
    return 503, b"the database does not answer"
"""
APP = story.APP.replace("# MORE", ASKS_DATABASE)
JOB = """
import os, pathlib, sys, time
REACH = pathlib.Path("/app/flags")
(REACH / "begun").touch()
while not (REACH / "go").exists():
    time.sleep(0.05)
sys.argv = ["app"]
source = open("app.py").read().split("class Handler")[0]
exec(source)
status, body = health()
print("migration:", body.decode(), flush=True)
sys.exit(0 if status == 200 else 1)
"""


def mounts_of(pid):
    with open(f"/proc/{pid}/mountinfo", encoding="utf-8", errors="replace") as mounts:
        return mounts.read()


@unittest.skipUnless(os.geteuid() == 0, "needs root: namespaces")
class Database(story.Story):
    SPEC = """
app: hello
build: {command: chmod 644 app.py}
processes:
  web:
    command: python3 app.py
    ready: {path: /health, interval: 500ms, timeout: 5s, fail: 1000, start: 20s}
    stop_grace: 2s
services: {db: postgres}
volumes: {flags: /app/flags}
JOBS
environments:
  prod: {hosts: [hello.localhost], bake: 10m, drain: 2s}
"""

    def release(self, version, jobs=""):
        self.SPEC = type(self).SPEC.replace("JOBS", jobs)
        (self.repository / "job.py").write_text(JOB)
        self.commit(version, APP)

    def family(self):
        """The postmaster of this test's database, and its children."""
        named = subprocess.run(["pgrep", "-f", "hello/prod db"], check=True, text=True,
                               capture_output=True).stdout.split()
        return [int(pid) for pid in named if str(self.folder) in mounts_of(pid)]

    @contextlib.contextmanager
    def frozen(self):
        """The database hangs, as on an overloaded or broken machine."""
        stopped = self.family()
        self.assertTrue(stopped, "no process of the database")
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in stopped:
                os.kill(pid, signal.SIGCONT)

    def untouched(self, before):
        stable = before[0]["release"]
        now = self.instances(stable)
        self.assertEqual([(i["id"], i["pid"], i["starts"]) for i in now],
                         [(i["id"], i["pid"], i["starts"]) for i in before])
        self.assertEqual(self.status()["stable"], stable)
        story.until(lambda: self.get()[0] == 200, "the old release answers")
        self.assertEqual(self.get()[1:], ("v1 none", str(stable)))

    def test_a_database_that_stops_answering_ends_the_rollout_and_nothing_else(self):
        self.up()
        self.release("v1")
        self.ecluse("deploy")
        self.assertEqual(self.get("/health")[:2], (200, "fine"))
        stable = self.status()["stable"]
        before = self.instances(stable)

        with self.subTest("in a release job"):
            self.release("v3", jobs="release: [python3 job.py]")
            deploy = self.start("deploy")
            flags = self.data / "volumes/hello/prod/flags"
            story.until((flags / "begun").exists, "the job begins", story.DEADLINE_S)
            with self.frozen():
                (flags / "go").touch()
                said = deploy.communicate(timeout=story.DEADLINE_S)[0]
            self.assertEqual(deploy.returncode, 1, said)
            self.assertIn("migration: the database does not answer", said)
            self.untouched(before)

        with self.subTest("while the new instances are waited for"):
            self.release("v4")
            (flags / "held").touch()  # it cannot become ready before the database is frozen
            deploy = self.start("deploy")
            story.until(lambda: [i for i in self.status()["instances"] if i["release"] > stable],
                        "the new instance starts", story.DEADLINE_S)
            with self.frozen():
                (flags / "held").unlink()
                said = deploy.communicate(timeout=story.DEADLINE_S)[0]
            self.assertEqual(deploy.returncode, 1, said)
            for evidence in ("503", "health:", "What to do next"):
                self.assertIn(evidence, said)
            self.untouched(before)

        self.release("v5")
        self.ecluse("deploy")
        self.assertEqual(self.get()[1], "v5 none")
        self.finished = True


if __name__ == "__main__":
    story.main()
