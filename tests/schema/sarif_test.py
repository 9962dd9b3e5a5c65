#!/usr/bin/env python3
"""`ecluse check --format sarif` before the public SARIF 2.1.0 schema and the distribution's validator.
The schema comes from an npm package, pinned with its digest and kept in FOLDER; nothing of it is run.

usage: sarif_test.py PATH_OF_ECLUSE FOLDER"""
import copy
import hashlib
import json
import pathlib
import subprocess
import sys
import tarfile
import tempfile
import unittest

import jsonschema

PACKAGE = "@microsoft/jest-sarif@1.0.0-beta.0"
DIGEST = ("0357ce84f77a21ce620e4e05f583f0d6a341e1717eefe22f891ef197caf617a4"
          "33424c7972963d2ec1a4dab1318852047016e3a559d29b058606e9004a4890f4")
MEMBER = "package/lib/schemas/sarif-2.1.0-rtm.5.json"
PROGRAM, FOLDER = "", pathlib.Path()

SPEC = """
app: shop
processes: {web: {command: python app.py, instances: 2}}
environments: {prod: {hosts: [shop.localhost]}}
waivers: [{rule: SEC-001, path: app.py, reason: "it is \\"public\\" & harmless", until: "2999-12-31"}]
"""


def archive():
    kept = FOLDER / f"sarif-schema-{DIGEST[:12]}.tgz"
    if not kept.exists():
        with tempfile.TemporaryDirectory(dir=FOLDER) as work:
            subprocess.run(["npm", "pack", PACKAGE, "--pack-destination", work, "--silent"], check=True,
                           stdout=subprocess.DEVNULL, timeout=120)
            next(pathlib.Path(work).glob("*.tgz")).rename(kept)
    return kept


def schema():
    data = archive().read_bytes()
    found = hashlib.sha512(data).hexdigest()
    if found != DIGEST:
        archive().unlink()
        raise AssertionError(f"{PACKAGE} has another digest than the pinned one: {found}")
    with tarfile.open(archive()) as package:
        return json.load(package.extractfile(MEMBER))


class Sarif(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        rules = schema()
        cls.validator = jsonschema.validators.validator_for(rules)(rules)

    def checked(self, files):
        with tempfile.TemporaryDirectory() as folder:
            for name, data in files.items():
                path = pathlib.Path(folder) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data if isinstance(data, bytes) else data.encode())
            done = subprocess.run([PROGRAM, "check", "--no-cache", "--format", "sarif", folder], check=False, text=True,
                                  capture_output=True, timeout=120)
            self.assertIn(done.returncode, (0, 3), done.stderr)
            return json.loads(done.stdout)

    def problems(self, document):
        return [f"{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}"
                for error in self.validator.iter_errors(document)]

    def test_a_repository_with_much_to_say(self):
        document = self.checked({
            "ecluse.yml": SPEC,
            "app.py": "import sqlite3\nAPI_KEY = 'Zk3vQ9sX7pLm2RtB8nWc'\nsqlite3.connect('a.db')\n",
            "Dockerfile": "FROM python:latest\nRUN pip install x\n",
            "a folder/héllo %20#?.py": "PASSWORD = 'Zk3vQ9sX7pLm2RtB8nWc'\n",
            "docker-compose.yml": "services:\n  db:\n    image: postgres\n    ports: ['5432:5432']\n",
            "requirements.txt": "\ufefff".encode("utf-16"),
            "deep.yml": "[" * 3000,
            "big.py": b"x = 1\n" * 300000,
        })
        self.assertEqual(self.problems(document), [])
        run = document["runs"][0]
        levels = {result["level"] for result in run["results"]}
        self.assertTrue({"error", "warning"} <= levels, levels)
        self.assertTrue(any("suppressions" in result for result in run["results"]), "the waiver")
        self.assertTrue(run["invocations"][0]["toolExecutionNotifications"], "what was not looked at")
        uris = {r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for r in run["results"]}
        self.assertIn("a%20folder/h%C3%A9llo%20%2520%23%3F.py", uris)

    def test_a_repository_with_nothing_to_say(self):
        document = self.checked({"README.md": "hello\n", ".gitignore": "*.pyc\n"})
        self.assertEqual(self.problems(document), [])

    def test_the_validator_does_refuse(self):
        document = self.checked({"app.py": "PASSWORD = 'Zk3vQ9sX7pLm2RtB8nWc'\n"})
        for spoil in (lambda run: run["results"][0].update(level="fatal"),
                      lambda run: run["results"][0]["locations"][0]["physicalLocation"].update(region={"startLine": 0}),
                      lambda run: run["results"][0].update(unheard="of"),
                      lambda run: run.pop("tool")):
            spoilt = copy.deepcopy(document)
            spoil(spoilt["runs"][0])
            self.assertNotEqual(self.problems(spoilt), [])


if __name__ == "__main__":
    FOLDER = pathlib.Path(sys.argv.pop(2)).resolve()
    PROGRAM = str(pathlib.Path(sys.argv.pop(1)).resolve())
    unittest.main()
