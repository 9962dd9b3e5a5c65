#!/usr/bin/env python3
"""A release job that cannot be undone, on a real PostgreSQL: the backup before it is proven, and brings the data
back; where there is no backup the job does not run. Needs root (namespaces).

usage: backup_test.py PATH_OF_ECLUSE"""
import json
import os
import shutil
import unittest

import story

LOCK = "BEGIN; LOCK TABLE guests; SELECT pg_sleep(600)"
# A server does not notice that its client has gone while it sleeps.
END_THE_LOCK = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'BEGIN; LOCK%'"
IS_LOCKED = "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted"


@unittest.skipUnless(os.geteuid() == 0, "needs root: namespaces")
class Backup(story.Story):
    SPEC = """
app: hello
build: {command: chmod 644 app.py migrate.sql}
release: [{run: psql -X -q -v ON_ERROR_STOP=1 -f migrate.sql, reversible: REVERSIBLE}]
processes:
  web: {command: python3 app.py, ready: {path: /, start: 30s}, stop_grace: 2s}
services: {db: postgres, cache: redis}
volumes: {exchange: /app/exchange}
environments:
  prod: {hosts: [hello.localhost], bake: 10m, drain: 2s}
"""

    def deploy(self, version, migration, reversible=True, code=0):
        self.SPEC = type(self).SPEC.replace("REVERSIBLE", "yes" if reversible else "no")
        (self.repository / "migrate.sql").write_text(migration + "\n")
        self.commit(version)
        return self.ecluse("deploy", code=code)

    def sql(self, statement):
        """As the app would: in a copy of the release that serves, with its variables."""
        return self.ecluse("run", "--", "psql", "-X", "-q", "-A", "-t", "-c", statement).strip()

    def stage(self, name):
        return next((s for s in self.status()["rollout"]["stages"] if s["name"] == name), None)

    def sets(self):
        return sorted((self.data / "backups" / "hello" / "prod").glob("*/backup.json"))

    def restore(self, dump):
        """What docs/backup.md says."""
        copy = self.data / "volumes" / "hello" / "prod" / "exchange" / "restore.dump"
        shutil.copy(dump, copy)
        copy.chmod(0o644)
        self.ecluse("run", "--", "pg_restore", "--clean", "--if-exists", "--no-owner", "--exit-on-error",
                    "--dbname=hello", "/app/exchange/restore.dump")

    def test_what_a_job_destroyed_comes_back_and_without_a_backup_it_does_not_run(self):
        self.up()
        self.deploy("v1", "CREATE TABLE guests (name text); INSERT INTO guests VALUES ('O''Neil');")
        self.assertEqual(self.sets(), [], "before the first release there is nothing to lose")

        said = self.deploy("v2", "DELETE FROM guests;", reversible=False)
        self.assertIn("a rollback cannot undo", said)
        proof = self.stage("backing up")["detail"]
        self.assertRegex(proof, r"^db: 1 tables, \d+ kB, restored in \d+\.\d s; not in it: cache, volume exchange$")
        self.assertEqual(self.sql("SELECT count(*) FROM guests"), "0")
        label = json.loads(self.sets()[0].read_text())
        self.assertEqual((label["release"], label["dumps"][0]["service"]), (2, "db"))

        self.restore(self.sets()[0].parent / "db.dump")
        self.assertEqual(self.sql("SELECT name FROM guests"), "O'Neil")

        holder = self.start("run", "--", "psql", "-X", "-q", "-c", LOCK)
        story.until(lambda: self.sql(IS_LOCKED) == "1", "somebody locks the table")
        said = self.deploy("v3", "DROP TABLE guests;", reversible=False, code=1)
        self.assertIn("no proven backup before its release jobs", said)
        self.assertEqual(self.get()[1:], ("v2 none", "2"))
        self.sql(END_THE_LOCK)
        holder.communicate(timeout=story.DEADLINE_S)
        self.assertEqual(self.sql("SELECT name FROM guests"), "O'Neil", "the job did not run")
        self.assertEqual(len(self.sets()), 1, "nothing is left of a backup that was not proven")

        self.ecluse("deploy")
        self.assertEqual(self.get()[1], "v3 none")
        self.assertEqual(self.sql("SELECT to_regclass('guests') IS NULL"), "t", "the job ran this time")
        self.assertEqual(len(self.sets()), 2)
        self.finished = True


if __name__ == "__main__":
    story.main()
