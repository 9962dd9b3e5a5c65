#!/usr/bin/env python3
"""A small app through the real program: up, deploy, traffic, a bad release, rollback, kill -9 of the
control plane, and down. Needs root (namespaces).

usage: deploy_test.py PATH_OF_ECLUSE"""
import json
import os
import signal
import subprocess
import unittest

import story

NEVER_OPENS = """
import time
print("thinking about it", flush=True)
time.sleep(3600)
"""


@unittest.skipUnless(os.geteuid() == 0, "needs root: namespaces")
class Deploy(story.Story):
    SPEC = """
app: hello
build: {command: chmod 644 app.py}
processes:
  web: {command: python3 app.py, ready: {path: /, start: 15s}, stop_grace: 2s}
secrets: [GREETING]
environments:
  prod: {hosts: [hello.localhost], bake: 10m, drain: 2s}
"""

    def test_a_repository_goes_to_production_and_back(self):
        self.commit("v1", message="v1: \"quotes\" `backticks` $(touch /tmp/harm)")
        self.assertIn("ready", self.up())
        self.ecluse("secret", "set", "GREETING", text_in="hunter2-but-long\n")

        self.assertIn("release 1 serves hello/prod", self.ecluse("deploy"))
        self.assertEqual(self.get()[:2], (200, "v1 hunter2-but-long"))
        self.assertFalse(os.path.exists("/tmp/harm"), "a commit message was executed")
        self.assertIn("nothing to do", self.ecluse("deploy"))
        self.assertIn(str(self.daemon_pid()), self.up(code=1))  # a second one names the first

        self.commit("v2")
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
        self.commit("v4")
        self.ecluse("deploy")
        self.assertEqual(self.get()[1], "v4 hunter2-but-long")

        self.inside()
        self.beside()
        self.life()
        self.forgotten()
        self.finished = True

    def inside(self):
        self.assertIn("inside hello", self.ecluse("run", "--", "sh", "-c", "echo inside hello"))
        self.ecluse("run", "--", "sh", "-c", "exit 7", code=7)
        self.assertIn("listening on", self.ecluse("logs"))
        for answer in (self.ecluse("env", "--json"), self.ecluse("events", "--json", "-n", "500"),
                       self.ecluse("run", "--", "env"), self.ecluse("status", "--json")):
            self.assertNotIn("hunter2-but-long", answer)

    def beside(self):
        follower = self.start("logs", "-f")
        self.read_until(follower, "listening on")
        self.get("/a-page-nobody-asked-for-before")
        self.read_until(follower, "/a-page-nobody-asked-for-before")
        self.leave(follower)

        command = self.start("run", "--", "sh", "-c", "echo begun; exec sleep 4321")
        self.read_until(command, "begun")
        self.assertTrue(self.sleepers())
        self.leave(command)
        story.until(lambda: not self.sleepers(), "a command ends when its person leaves")

    def leave(self, process):
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=story.DEADLINE_S)

    def sleepers(self):
        return subprocess.run(["pgrep", "-f", "^sleep 4321$"], check=False,
                              stdout=subprocess.DEVNULL).returncode == 0

    def forgotten(self):
        self.assertIn("is removed", self.ecluse("remove", "--yes"))
        self.assertEqual(json.loads(self.ecluse("status", "--json")), [])
        self.assertNotEqual(self.get()[0], 200)
        for version in ("v5", "v6"):
            self.commit(version)
            self.ecluse("deploy")
            self.assertEqual(self.get()[:2], (200, version + " hunter2-but-long"))

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


if __name__ == "__main__":
    story.main()
