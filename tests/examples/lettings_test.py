"""examples/lettings passes its own gates: lint, tests and coverage, on SQLite and on a real PostgreSQL.

    lettings_test.py FOLDER     keeps the virtual environment in FOLDER, made anew when the pins change
"""
import glob
import hashlib
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

APP = Path(__file__).resolve().parents[2] / "examples" / "lettings"
FOLDER = Path(tempfile.gettempdir())


def virtual_environment():
    """The bin folder of an environment with exactly the pinned requirements."""
    pins = APP / "requirements.txt"
    venv = FOLDER / f"lettings-venv-{hashlib.sha256(pins.read_bytes()).hexdigest()[:12]}"
    done = venv / "complete"
    if not done.exists():
        shutil.rmtree(venv, ignore_errors=True)
        subprocess.run(["/usr/bin/python3", "-m", "venv", venv], check=True)
        subprocess.run([venv / "bin" / "pip", "install", "--quiet", "--requirement", pins], check=True)
        done.touch()
    return venv / "bin"


class Postgres:
    """A server of our own on a Unix socket, gone afterwards; never as root, which it refuses."""

    def __enter__(self):
        found = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
        if not found:
            raise unittest.SkipTest("no PostgreSQL installed: ./run setup run")
        self.programs = Path(found[-1])
        self.folder = Path(tempfile.mkdtemp(prefix="lettings-pg-"))
        if os.getuid() == 0:
            shutil.chown(self.folder, "postgres")
        self.run("initdb", "--pgdata", self.folder / "data", "--auth", "trust", "--username", "app",
                 "--encoding", "UTF8", "--no-sync")
        self.run("pg_ctl", "start", "--wait", "--pgdata", self.folder / "data",
                 "--log", self.folder / "log",
                 "--options", f"-k {self.folder} -c listen_addresses='' -c fsync=off")
        return f"postgresql://app@/postgres?host={self.folder}"

    def __exit__(self, *_):
        self.run("pg_ctl", "stop", "--wait", "--mode", "fast", "--pgdata", self.folder / "data")
        shutil.rmtree(self.folder)

    def run(self, program, *arguments):
        user = {}
        if os.getuid() == 0:
            entry = pwd.getpwnam("postgres")
            user = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
        subprocess.run([self.programs / program, *arguments], check=True, cwd="/",
                       stdout=subprocess.DEVNULL, **user)


class LettingsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.programs = virtual_environment()
        cls.scratch = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.scratch.cleanup)

    def gate(self, program, *arguments, **variables):
        """Runs one gate in the example's folder without leaving anything there."""
        environment = os.environ | variables | {
            "PYTHONDONTWRITEBYTECODE": "1", "COVERAGE_FILE": f"{self.scratch.name}/coverage"}
        done = subprocess.run([self.programs / program, *arguments], cwd=APP, env=environment,
                              text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_lint_is_clean(self):
        self.gate("flake8")

    def test_tests_pass_on_sqlite_and_cover_the_code(self):
        self.gate("pytest", "-p", "no:cacheprovider", "--cov", "--cov-fail-under=80")

    def test_tests_pass_on_postgresql(self):
        with Postgres() as url:
            self.gate("pytest", "-p", "no:cacheprovider", TEST_DATABASE_URL=url)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        FOLDER = Path(sys.argv.pop(1)).resolve()
    unittest.main()
