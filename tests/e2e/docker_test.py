#!/usr/bin/env python3
"""Beside a running dockerd, whose firewall drops what is forwarded, an app still reaches the outside.
dockerd, ecluse and an "outside" with a web server are in network namespaces of this test's own. Needs
root and dockerd; ends with 77, not seen, without them.

usage: docker_test.py PATH_OF_ECLUSE"""
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

import story

OUTSIDE = "198.51.100.1"
OUTSIDE_PORT = 8099
NOT_SEEN = 77
FETCHES = f"""
import urllib.request
def health():
    try:
        with urllib.request.urlopen("http://{OUTSIDE}:{OUTSIDE_PORT}/", timeout=5) as answer:
            return 200, answer.read()
    except OSError as error:
        return 503, str(error).encode()
"""
SERVER = f"""
import http.server
class Outside(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"the outside")
http.server.HTTPServer(("{OUTSIDE}", {OUTSIDE_PORT}), Outside).serve_forever()
"""


def run(*words):
    subprocess.run(words, check=True, capture_output=True, text=True)


class BesideDocker(story.Story):
    SPEC = story.ONE_PROCESS

    def setUp(self):
        super().setUp()
        self.helpers = []
        self.docker = pathlib.Path(tempfile.mkdtemp(prefix="ecl-docker-"))
        self.addCleanup(self.end_helpers)
        self.make_outside()
        self.start_docker()

    def helper(self, *words, **more):
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **more)
        self.helpers.append(process)
        return process

    def make_outside(self):
        """A namespace beside ours, joined by a cable; its holder is the web server itself."""
        holder = self.helper("unshare", "--net", sys.executable, "-c", "import time; time.sleep(3600)")
        own = os.readlink("/proc/self/ns/net")
        story.until(lambda: os.readlink(f"/proc/{holder.pid}/ns/net") != own, "a namespace")
        run("ip", "link", "add", "out0", "type", "veth", "peer", "name", "in0", "netns", str(holder.pid))
        run("ip", "address", "add", "198.51.100.2/30", "dev", "out0")
        run("ip", "link", "set", "out0", "up")
        inside = ["nsenter", "--net", "--target", str(holder.pid)]
        run(*inside, "ip", "address", "add", OUTSIDE + "/30", "dev", "in0")
        run(*inside, "ip", "link", "set", "in0", "up")
        self.helper(*inside, sys.executable, "-c", SERVER)
        story.until(self.outside_answers, "the outside answers")

    @staticmethod
    def outside_answers():
        return subprocess.run([sys.executable, "-c",
                               f"import socket; socket.create_connection(('{OUTSIDE}', {OUTSIDE_PORT}), 1)"],
                              check=False, stderr=subprocess.DEVNULL).returncode == 0

    def start_docker(self):
        # It sets the policy of DROP when it is the one who switches forwarding on.
        pathlib.Path("/proc/sys/net/ipv4/ip_forward").write_text("0")
        with open(self.docker / "log", "w", encoding="utf-8") as log:
            self.helpers.append(subprocess.Popen(
                ["dockerd", "--data-root", self.docker / "data", "--exec-root", self.docker / "exec",
                 "--pidfile", self.docker / "pid", "--host", f"unix://{self.docker}/docker.sock",
                 "--storage-driver", "vfs"], stdout=log, stderr=log))
        story.until(self.docker_drops, "dockerd sets its firewall")

    @staticmethod
    def docker_drops():
        return "-P FORWARD DROP" in subprocess.run(["iptables", "-S", "FORWARD"], check=False, text=True,
                                                   capture_output=True).stdout

    def end_helpers(self):
        if not self.finished and (self.docker / "log").exists():
            print((self.docker / "log").read_text(errors="replace")[-3000:], file=sys.stderr)
        for process in reversed(self.helpers):
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=60)
        shutil.rmtree(self.docker, ignore_errors=True)

    def test_an_app_reaches_the_outside(self):
        self.commit("v1", story.APP.replace("# MORE", FETCHES))
        self.up()
        self.ecluse("deploy")
        self.assertTrue(self.docker_drops())
        self.assertEqual(self.get("/health")[:2], (200, "the outside"))
        self.finished = True


def own_network():
    """The rest runs in a network namespace of its own, so that no firewall but ours is touched."""
    if "--inside" in sys.argv:
        sys.argv.remove("--inside")
        run("ip", "link", "set", "lo", "up")
        return
    os.execvp("unshare", ["unshare", "--net", sys.executable, *sys.argv, "--inside"])


if __name__ == "__main__":
    if os.geteuid() != 0 or not shutil.which("dockerd"):
        print("not seen: needs root and dockerd")
        sys.exit(NOT_SEEN)
    own_network()
    story.main()
