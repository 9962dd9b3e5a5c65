#!/usr/bin/env python3
"""What Prometheus gets from ecluse: its own checker takes every family, and a real server scrapes them with the
API's token. Needs root (namespaces), promtool and prometheus.

usage: metrics_test.py PATH_OF_ECLUSE"""
import json
import shutil
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request

import story

SPEC = story.ONE_PROCESS
RELEASE = 'app="hello",environment="prod",release="1"'
SCRAPE = """
global: {{scrape_interval: 1s}}
scrape_configs:
  - job_name: ecluse
    authorization: {{credentials_file: {token}}}
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""


class Metrics(story.Story):
    SPEC = SPEC

    def setUp(self):
        super().setUp()
        self.api = story.free_port()
        self.server = None

    def tearDown(self):
        if self.server:
            self.server.terminate()
            self.server.wait(timeout=20)
        super().tearDown()

    def scrape(self, token="", accept="text/plain"):
        fields = {"Accept": accept} | ({"Authorization": f"Bearer {token}"} if token else {})
        request = urllib.request.Request(f"http://127.0.0.1:{self.api}/metrics", headers=fields)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.headers["Content-Type"], answer.read().decode()

    def serve(self):
        """One release with three answers, as ecluse tells of it."""
        self.ecluse("up", "--detach", "--listen", f"127.0.0.1:{self.port}", "--api", f"127.0.0.1:{self.api}")
        self.commit("one")
        self.ecluse("deploy")
        for _ in range(3):
            self.assertEqual(self.get()[0], 200)
        return (self.data / "api-token").read_text().strip()

    def start_prometheus(self):
        config, port = self.folder / "prometheus.yml", story.free_port()
        config.write_text(SCRAPE.format(token=self.data / "api-token", port=self.api))
        with open(self.folder / "prometheus.log", "w", encoding="utf-8") as log:
            self.server = subprocess.Popen(
                ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={self.folder / 'tsdb'}",
                 f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=log)
        return port

    def query(self, port, expression):
        query = urllib.parse.urlencode({"query": expression})
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/query?{query}", timeout=20) as answer:
                found = json.load(answer)["data"]["result"]
        except (urllib.error.URLError, ConnectionError):
            return None  # it is still starting
        return float(found[0]["value"][1]) if found else None

    def requests_told(self, token):
        lines = self.scrape(token)[1].splitlines()
        prefix = f"ecluse_requests_total{{{RELEASE}}} "
        return next((int(line.removeprefix(prefix)) for line in lines if line.startswith(prefix)), 0)

    def test_every_family_passes_prometheus_own_checker(self):
        token = self.serve()
        # Three and no more: the request that proves a deploy goes through the gateway and is not counted.
        self.assertEqual(story.until(lambda: self.requests_told(token) >= 3 and self.requests_told(token),
                                     "the requests in /metrics"), 3)
        with self.assertRaises(urllib.error.HTTPError) as refused:
            self.scrape()
        self.assertEqual(refused.exception.code, 401)
        kind, text = self.scrape(token)
        self.assertEqual(kind, "text/plain; version=0.0.4; charset=utf-8")
        checked = subprocess.run(["promtool", "check", "metrics"], input=text, text=True, capture_output=True,
                                 check=False)
        self.assertEqual((checked.returncode, checked.stdout + checked.stderr), (0, ""))
        for line in (f"ecluse_instances_ready{{{RELEASE}}} 1", "ecluse_gateway_up 1",
                     'ecluse_rollouts_total{app="hello",environment="prod",outcome="failed"} 0'):
            self.assertIn(line + "\n", text)
        latencies = self.status()["latencies"]["1"]
        self.assertEqual(latencies["answers"], 3)
        self.assertGreaterEqual(latencies["p95_ms"], latencies["p50_ms"])
        self.assertGreater(latencies["p50_ms"], 0)
        done = 'ecluse_rollouts_total{app="hello",environment="prod",outcome="done"} 1\n'
        story.until(lambda: done in self.scrape(token)[1], "the rollout that is done")
        self.finished = True

    def test_a_prometheus_server_sees_no_reset_when_the_control_plane_was_away(self):
        token = self.serve()
        port = self.start_prometheus()
        told = f"ecluse_requests_total{{{RELEASE}}}"
        story.until(lambda: self.query(port, told) == 3, "three requests in Prometheus")
        story.until(lambda: self.query(port, f"ecluse_request_duration_seconds_count{{{RELEASE}}}") == 3,
                    "their durations in Prometheus")
        self.ecluse("down")  # the control plane alone: the gateway goes on
        self.assertEqual(self.get()[0], 200)
        self.ecluse("up", "--detach", "--listen", f"127.0.0.1:{self.port}", "--api", f"127.0.0.1:{self.api}")
        story.until(lambda: self.query(port, told) == 4, "the fourth request in Prometheus")
        self.assertEqual(self.query(port, f"resets({told}[5m])"), 0)
        self.assertEqual(self.requests_told(token), 4)
        self.finished = True


if __name__ == "__main__":
    for program in ("promtool", "prometheus"):
        if not shutil.which(program):
            print(f"skipped: {program} is not installed (package prometheus)")
            sys.exit(77)
    story.main()
