#!/usr/bin/env python3
"""ecluse without root: it says what is missing, what follows and what to do, and delivers all the
same: one plain process an instance. As root the test gives itself up first.

usage: unprivileged_test.py PATH_OF_ECLUSE"""
import encodings.idna  # noqa: F401: looked up late by socket, where another user may not read it
import json
import os
import unittest

import story

NOBODY = 65534


class Unprivileged(story.Story):
    SPEC = story.ONE_PROCESS

    def test_it_degrades_loudly_and_delivers(self):
        self.commit("v1")
        said = self.ecluse("doctor", code=None)
        self.assertIn("root", said)
        findings = {f["what"]: f for f in json.loads(self.ecluse("doctor", "--json", code=None))}
        missing = [f for f in findings.values() if not f["ok"] and not f["essential"]]
        self.assertTrue(missing, findings)
        for finding in missing:
            self.assertTrue(finding["consequence"] and finding["remedy"], finding)

        self.assertIn("ready", self.up())
        gateway = next(f for f in json.loads(self.ecluse("doctor", "--json", code=None)) if f["what"] == "gateway")
        self.assertTrue(gateway["ok"], gateway)
        self.assertRegex(gateway["detail"], r"^\d+ descriptors, for clients at most \d+$")
        self.assertIn("plain processes", (self.data / "ecluse.log").read_text())
        self.ecluse("deploy")
        self.assertEqual(self.get()[:2], (200, "v1 none"))
        self.assertEqual([i["address"] for i in self.instances(1)], ["127.0.0.1"])

        self.commit("v2")
        self.ecluse("deploy")
        self.assertEqual(self.get(), (200, "v2 none", "2"))
        self.ecluse("rollback")
        self.assertEqual(self.get(), (200, "v1 none", "1"))
        self.assertIn("listening on", self.ecluse("logs"))
        self.assertIn("inside", self.ecluse("run", "--", "echo", "inside"))
        self.finished = True


def give_root_up():
    if os.geteuid() != 0:
        return
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)
    os.environ["HOME"] = "/nonexistent"


if __name__ == "__main__":
    give_root_up()
    story.main()
