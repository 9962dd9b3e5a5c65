#!/usr/bin/env python3
"""The judge at work on the real program: releases that are good, that fail, that are slow, an incident on both
arms, and nobody at all. Needs root (namespaces); every process it starts is gone at the end.

usage: judge_test.py PATH_OF_ECLUSE"""
import collections
import http.client
import json
import sys
import threading
import time

import story

HOST = story.Story.HOST
PER_SECOND = 40
APP = """
import http.server, itertools, os, random, time
turns = itertools.count()  # every second one: left to chance, the canary may be the first to meet three in a row
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        VERSION
        incident = "incident" in self.path and next(turns) % 2 == 0
        self.send_response(500 if incident or (fault == "fails" and random.random() < 0.5) else 200)
        if fault == "slow" and self.path != "/health" and random.random() < 0.7:
            time.sleep(1.5)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")
    def log_message(self, *words):
        pass
http.server.ThreadingHTTPServer(("0.0.0.0", int(os.environ["PORT"])), Handler).serve_forever()
"""
SPEC = """
app: hello
build: {command: chmod 644 app.py}
processes:
  web: {command: python3 app.py, ready: {path: /health, start: 15s, fail: 20}, stop_grace: 2s}
environments:
  prod:
    hosts: [hello.localhost]
    bake: 10m
    drain: 2s
    canary:
      weights: [20%]
      hold: 5s
      abort_when: [errors > 5%, p95 > 1s, crashes > 1%, errors > 1x stable]
"""


class Visitors(threading.Thread):
    """People who come at a steady pace, each with a connection of their own."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.port = port
        self.path = "/"
        self.leaving = threading.Event()
        self.seen = collections.Counter()

    def run(self):
        while not self.leaving.wait(1 / PER_SECOND):
            threading.Thread(target=self.visit, daemon=True).start()

    def visit(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("GET", self.path, headers={"Host": HOST})
            answer = connection.getresponse()
            answer.read()
            self.seen[(answer.headers.get("X-Ecluse-Release", ""), answer.status)] += 1
        except OSError:
            self.seen[("", "lost")] += 1
        finally:
            connection.close()


class Judged(story.Story):
    SPEC = SPEC

    def setUp(self):
        super().setUp()
        self.visitors = None

    def tearDown(self):
        self.nobody_comes()
        super().tearDown()

    def people_come(self):
        self.visitors = Visitors(self.port)
        self.visitors.start()

    def nobody_comes(self):
        if self.visitors:
            self.visitors.leaving.set()
            self.visitors.join()
        self.visitors = None

    def commit_with(self, fault, app):
        """A commit whose health page is good and whose other pages have `fault`."""
        judged = "health = self.path == '/health'; fault = '' if health else " + repr(fault)
        self.commit(judged, app, message=fault or "good")

    def deploy(self, fault, code):
        self.commit_with(fault, APP + f"# {time.monotonic()}\n")
        said = self.ecluse("deploy", "HEAD", code=code)
        return said, json.loads(self.ecluse("rollout", "report", self.newest(), "--json"))

    def newest(self):
        return self.status()["rollout"]["id"]

    def wait_for_phase(self, phase):
        story.until(lambda: self.status()["rollout"]["phase"] == phase, f"never {phase}",
                    story.DEADLINE_S)

    def test_the_judge_promotes_good_releases_and_rolls_bad_ones_back(self):
        self.up()
        self.commit_with("", APP)
        self.ecluse("deploy", "HEAD")
        self.people_come()

        _, trial = self.deploy("", code=0)
        self.assertGreater(trial["points"][-1]["canary"]["requests"], 10)
        self.assertNotIn("rollback", [made["verdict"]["verdict"] for made in trial["verdicts"]])
        self.assertEqual(self.status()["stable"], 2)

        said, trial = self.deploy("fails", code=1)
        verdict = trial["verdicts"][-1]["verdict"]
        self.assertEqual(verdict["verdict"], "rollback")
        self.assertIn("canary requests failed", said)
        self.assertLess(verdict["canary_requests"], 40)  # seven in the median
        aborting = next(stage for stage in self.status()["rollout"]["stages"] if stage["name"] == "aborting")
        print(f"fails: rolled back after {verdict['canary_requests']} canary requests; weight 0 acknowledged "
              f"{aborting['took_ms']} ms after the verdict", file=sys.stderr)
        self.assertEqual(self.status()["stable"], 2)

        _, trial = self.deploy("slow", code=1)
        verdict = trial["verdicts"][-1]["verdict"]
        self.assertEqual((verdict["verdict"], verdict["objective"]), ("rollback", "p95 > 1s"))
        print(f"slow: rolled back after {verdict['canary_requests']} canary requests", file=sys.stderr)

        self.visitors.path = "/incident"
        _, trial = self.deploy("", code=0)
        self.assertGreater(trial["points"][-1]["stable"]["errors"], 10)
        self.assertNotIn("rollback", [made["verdict"]["verdict"] for made in trial["verdicts"]])
        self.visitors.path = "/"
        stable = self.status()["stable"]
        self.assertEqual(self.visitors.seen[("", "lost")], 0)

        self.nobody_comes()
        self.commit_with("", APP + "# nobody\n")
        self.ecluse("deploy", "HEAD", "--detach")
        self.wait_for_phase("undecided")
        self.assertEqual(self.status()["stable"], stable)
        self.ecluse("abort")
        self.ecluse("rollout", "report", self.newest(), "--html", "report.html")
        page = (self.repository / "report.html").read_text()
        self.assertIn("no request has reached the canary", page)
        self.finished = True


if __name__ == "__main__":
    story.main()
