#!/usr/bin/env python3
"""Releases that are bad in ways a health page does not show: one page, a few people, a crash now and then, memory
that grows. The judge and the hard facts roll each of them back while people with cookies visit the site. The long
form, on a real application, is bench/canary.py. Needs root; every process it starts is gone at the end.

usage: judge_faults_test.py PATH_OF_ECLUSE"""
import json
import pathlib
import sys

import story

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench"))
from _drive.visitors import Visitors, errors, now_ms, outside  # noqa: E402

PER_SECOND = 60
CROWD = 600
PAGES = {"/": 80, "/profiles/": 20}
APP = """
import http.server, os, re, threading
lock, hoard, count = threading.Lock(), [], 0
def page(handler):
    return 500 if handler.path == "/profiles/" else 200
def few(handler):
    visitor = re.search("visitor=([0-9]+)", handler.headers["Cookie"])
    return 500 if int(visitor[1]) % 10 == 0 else 200
def crash(handler):
    global count
    with lock:
        count += 1
        if count == 30:
            os._exit(3)
    return 200
def leak(handler):
    with lock:
        hoard.append(bytearray(b'x') * (2 << 20))
    return 200
def good(handler):
    return 200
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/health" else VERSION(self))
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")
    def log_message(self, *words):
        pass
class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128
Server(("0.0.0.0", int(os.environ["PORT"])), Handler).serve_forever()
"""
# A limit on errors that no fault here reaches, lest chance decide which of two true objectives is proven first.
SPEC = """
app: hello
build: {command: chmod 644 app.py}
processes:
  web: {command: python3 app.py, ready: {path: /health, start: 15s}, stop_grace: 2s, limits: {memory: 128MiB}}
environments:
  prod:
    hosts: [hello.localhost]
    bake: 10m
    drain: 2s
    canary:
      weights: [20%]
      hold: 60s
      sticky: user
      abort_when: [errors > 30%, crashes > 1%, errors > 1x stable]
"""


class JudgeFaults(story.Story):
    SPEC = SPEC

    def roll_back(self, fault):
        """Deploys a release with `fault` beside a good one; the report of the rollout that ended it."""
        self.up()
        self.commit("good", APP)
        self.ecluse("deploy", "HEAD")
        with Visitors(self.port, self.HOST, PER_SECOND, PAGES, CROWD) as visitors:
            self.commit(fault, APP)
            began = now_ms()
            said = self.ecluse("deploy", "HEAD", code=1)
            met = visitors.since(began)
        self.assertEqual(visitors.lost, [])
        self.assertEqual(errors(outside(met, 2)), [], "errors that people outside the canary saw")
        self.assertTrue([visit for visit in met if visit.release == "2"], "nobody was in the canary")
        status = self.status()
        self.assertEqual((status["stable"], status["rollout"]["outcome"]), (1, "aborted"), said)
        return said, json.loads(self.ecluse("rollout", "report", status["rollout"]["id"], "--json"))

    def verdict_of(self, trial):
        return trial["verdicts"][-1]["verdict"]

    def test_one_broken_page_is_found(self):
        _, trial = self.roll_back("page")
        self.assertEqual(self.verdict_of(trial)["verdict"], "rollback")
        self.finished = True

    def test_a_fault_for_one_in_ten_people_is_found_by_comparing_people(self):
        _, trial = self.roll_back("few")
        verdict = self.verdict_of(trial)
        self.assertEqual((verdict["verdict"], verdict["objective"]), ("rollback", "errors > 1x stable"))
        self.finished = True

    def test_an_instance_that_exits_is_a_fact_that_needs_no_statistics(self):
        said, _ = self.roll_back("crash")
        self.assertRegex(said, r"exit(ed)?.* 3\b")
        self.finished = True

    def test_memory_that_grows_ends_in_a_rollback_that_names_the_limit(self):
        said, _ = self.roll_back("leak")
        self.assertIn("memory", said)
        self.finished = True


if __name__ == "__main__":
    story.main()
