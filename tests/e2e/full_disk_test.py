#!/usr/bin/env python3
"""The data folder on a small disk that fills in the middle of a deploy, while the control plane writes
what it decides. The old release goes on serving; when there is room again, so does the control plane.
Needs root (namespaces, a tmpfs).

usage: full_disk_test.py PATH_OF_ECLUSE"""
import os
import signal
import subprocess
import unittest

import story

DISK_MIB = 192
# Fills the disk that the release's layer is on, says so, and then lets the rollout go on.
FILL = "dd if=/dev/zero of=filler bs=64k 2>/dev/null; cat /dev/zero >>filler 2>/dev/null; echo the disk is full"


@unittest.skipUnless(os.geteuid() == 0, "needs root: namespaces, a tmpfs")
class FullDisk(story.Story):
    SPEC = story.ONE_PROCESS

    def setUp(self):
        super().setUp()
        self.data.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m,mode=0711", "tmpfs",
                        str(self.data)], check=True)

    def clean_up(self):
        subprocess.run(["umount", "--lazy", str(self.data)], check=False)

    def release(self, version, jobs=""):
        self.SPEC = story.ONE_PROCESS + jobs
        self.commit(version)

    def room(self):
        where = os.statvfs(self.data)
        return where.f_bavail * where.f_frsize

    def free(self):
        for filler in self.data.glob("layers/**/filler"):
            filler.unlink()

    def test_a_full_disk_stops_deploys_and_no_traffic(self):
        self.release("v1")
        self.up()
        self.ecluse("deploy")
        self.assertEqual(self.get()[1], "v1 none")

        self.release("v2", f"release: ['{FILL}']")
        deploy = self.start("deploy")
        story.until(lambda: self.room() == 0, "the disk fills", story.DEADLINE_S)
        for _ in range(20):
            self.assertEqual(self.get()[0], 200)
        self.complains()

        # Killed while it cannot write, it comes back and knows what it knew.
        os.kill(self.daemon_pid(), signal.SIGKILL)
        deploy.communicate(timeout=story.DEADLINE_S)
        self.assertEqual(self.get()[0], 200)
        self.free()
        self.up()
        story.until(lambda: not self.rollout_runs(), "the rollout ends", story.DEADLINE_S)
        self.assertEqual(self.get()[0], 200)

        self.release("v3")
        self.ecluse("deploy")
        self.assertEqual(self.get()[1], "v3 none")
        self.finished = True

    def complains(self):
        """What cannot be written is said, by the log or by the answer to a person."""
        said = self.ecluse("secret", "set", "TOKEN", text_in="x" * 5000 + "\n", code=1)
        self.assertRegex(said, "(?i)no space|full")

    def rollout_runs(self):
        return (self.status().get("rollout") or {}).get("outcome") == "running"


if __name__ == "__main__":
    story.main()
