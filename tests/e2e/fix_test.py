#!/usr/bin/env python3
"""`ecluse check --fix` on a repository with one of each: the diff it shows is one that git applies, what
it writes is the same, a second run changes nothing, and nothing outside is ever written.

usage: fix_test.py PATH_OF_ECLUSE"""
import json
import os
import pathlib
import shutil
import stat
import subprocess
import sys
import tempfile
import unittest

PROGRAM = ""
FILES = {
    "manage.py": "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\n",
    "shop/settings.py": "import os\n\n\n\nDEBUG = True\nALLOWED_HOSTS = ['shop.example.org']\n",
    "Dockerfile": "FROM python:3.12-slim\nCOPY . /app\nCMD python manage.py check && gunicorn shop.wsgi",
    "wait.sh": "#!/bin/sh\nuntil docker ps | grep healthy; do sleep 1; done\n",
    "docker-compose.yml": "services:\n  db:\n    image: postgres:16\n    ports:\n      - '5432:5432'\n",
    ".github/workflows/a.yml": "on: push\njobs:\n  test:\n    steps:\n      - run: pytest || true\n",
    ".github/workflows/b.yml": "on: push\njobs:\n  deploy:\n    steps:\n      - run: curl -X POST $RENDER_DEPLOY_HOOK_URL\n",
    "package.json": '{"scripts": {"start": "prisma migrate dev && node server.js"}}\n',
    ".streamlit/config.toml": "[server]\nenableXsrfProtection = false\n",
    "requirements.txt": "\ufeffdjango==5.2\ngunicorn==23.0.0\n".encode("utf-16-le"),
}
MENDED = {"DJ-001", "DK-005", "DI-001", "REPO-004", "HC-005", "SEC-008", "CI-003", "CI-006", "MIG-005", "ST-002", "DEP-004"}


class Fix(unittest.TestCase):
    def setUp(self):
        self.top = pathlib.Path(tempfile.mkdtemp(prefix="ecl-fix-"))
        self.addCleanup(shutil.rmtree, self.top)
        self.folder = self.top / "repo"
        self.write(FILES)
        (self.folder / "wait.sh").chmod(0o750)
        self.git("init", "-q")
        self.commit()

    def write(self, files):
        for name, data in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data if isinstance(data, bytes) else data.encode())

    def git(self, *words, text=None):
        done = subprocess.run(["git", "-c", "user.name=e2e", "-c", "user.email=e2e@example.invalid", *words],
                              cwd=self.folder, input=text, text=True, check=False, capture_output=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def commit(self):
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "as it is")

    def check(self, *words, codes=(0,)):
        done = subprocess.run([PROGRAM, "check", *words, str(self.folder)], check=False, text=True,
                              capture_output=True, timeout=120,
                              env=os.environ | {"XDG_CACHE_HOME": str(self.top / "cache")})
        self.assertIn(done.returncode, codes, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def rules(self):
        return {f["rule"] for f in json.loads(self.check("--json", codes=(0, 3)))["findings"]}

    def contents(self):
        return {str(p.relative_to(self.folder)): p.read_bytes() for p in self.folder.rglob("*")
                if p.is_file() and ".git" not in p.parts}

    def test_what_it_shows_is_what_it_writes_and_it_is_done_once(self):
        self.assertTrue(MENDED <= self.rules(), MENDED - self.rules())
        before = self.contents()
        shown = self.check("--fix", "--dry-run")
        self.assertIn("would change", shown)
        self.assertEqual(self.contents(), before)

        diff = "".join(line for line in shown.splitlines(keepends=True)
                       if line.startswith(("---", "+++", "@@", " ", "+", "-", "\\")))
        self.git("apply", "-", text=diff)
        applied = self.contents()
        self.git("reset", "-q", "--hard")
        self.git("clean", "-fdq")
        (self.folder / "wait.sh").chmod(0o750)
        self.assertEqual(self.contents(), before)

        self.assertIn("changed for", self.check("--fix"))
        after = self.contents()
        applied["requirements.txt"] = after["requirements.txt"]  # no diff of text: another encoding
        self.assertEqual(after, applied)
        self.assertEqual(after["requirements.txt"].decode(), "django==5.2\ngunicorn==23.0.0\n")
        self.assertEqual(stat.S_IMODE((self.folder / "wait.sh").stat().st_mode), 0o750)
        self.assertEqual(self.rules() & MENDED, set())
        self.assertIn("nothing here can be mended", self.check("--fix"))
        self.assertEqual(self.contents(), after)

    def test_nothing_is_written_through_a_link(self):
        outside = self.top / "outside"
        outside.mkdir()
        (outside / "wait.sh").write_text(FILES["wait.sh"])
        (self.folder / "wait.sh").unlink()
        os.symlink(outside / "wait.sh", self.folder / "wait.sh")
        shutil.rmtree(self.folder / "shop")
        (outside / "shop").mkdir()
        (outside / "shop" / "settings.py").write_text(FILES["shop/settings.py"])
        os.symlink(outside / "shop", self.folder / "shop")
        self.commit()
        self.check("--fix")
        self.assertEqual((outside / "wait.sh").read_text(), FILES["wait.sh"])
        self.assertEqual((outside / "shop" / "settings.py").read_text(), FILES["shop/settings.py"])

    def test_a_waived_finding_is_left_alone_and_json_says_what_would_change(self):
        self.write({"ecluse.yml": "app: shop\nprocesses: {web: {command: gunicorn shop.wsgi}}\n"
                    "environments: {prod: {hosts: [shop.localhost]}}\n"
                    'waivers: [{rule: HC-005, reason: a test, until: "2999-12-31"}]\n'})
        self.commit()
        would = json.loads(self.check("--fix", "--dry-run", "--json"))
        self.assertFalse(would["written"])
        self.assertNotIn("wait.sh", {f["path"] for f in would["files"]})
        self.assertIn("docker-compose.yml", {f["path"] for f in would["files"]})
        self.assertIn("--dry-run goes with --fix", self.check("--dry-run", codes=(2,)))


if __name__ == "__main__":
    PROGRAM = str(pathlib.Path(sys.argv.pop(1)).resolve())
    unittest.main()
