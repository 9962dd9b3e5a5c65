#!/usr/bin/env python3
"""`ecluse db move`: a SQLite file into the PostgreSQL of an environment, against a real server and
real applications. What the database holds is compared as pg_dump writes it. Needs root (namespaces).

usage: db_move_test.py PATH_OF_ECLUSE"""
import contextlib
import hashlib
import json
import os
import pathlib
import signal
import sqlite3
import subprocess
import unittest

import story

# Made by the release's own job. What Django does not use: a circle of references that is checked at
# once, an identity that is always generated, an enum, a computed column, cut fractions, mixed case.
SCHEMA = """
BEGIN;
CREATE TYPE mood AS ENUM ('sad', 'glad');
CREATE TABLE "Person" (
  id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  name varchar(12) NOT NULL UNIQUE, active boolean, mood mood, code char(4), born date,
  "updatedAt" timestamp(3), seen timestamptz, wakes time, pay numeric(10,2), score double precision,
  small smallint, meta jsonb, raw json, photo bytea, token uuid, address inet, took interval,
  shout text GENERATED ALWAYS AS (upper(name)) STORED, home_id bigint, note text DEFAULT 'none');
CREATE TABLE home (id serial PRIMARY KEY, owner_id bigint REFERENCES "Person" (id), up_id int REFERENCES home (id));
ALTER TABLE "Person" ADD FOREIGN KEY (home_id) REFERENCES home (id);
CREATE TABLE tag (word text PRIMARY KEY);
INSERT INTO tag VALUES ('made by the release') ON CONFLICT DO NOTHING;
COMMIT;
"""
SOURCE = """
CREATE TABLE Person (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, active BOOL, mood TEXT, code TEXT, born DATE,
  updatedAt DATETIME, seen DATETIME, wakes TIME, pay DECIMAL, score REAL, small INT, meta TEXT, raw TEXT, photo BLOB,
  token CHAR(32), address TEXT, took BIGINT, home_id INT);
CREATE TABLE home (id INTEGER PRIMARY KEY, owner_id INT, up_id INT);
CREATE TABLE tag (word TEXT PRIMARY KEY);
INSERT INTO tag VALUES ('made by the release'), ('back\\slash'), ('tab	and
line'), (''), ('é€😀'), ('\\N');
INSERT INTO home VALUES (2, 9007199254740993, 1), (1, 1, NULL);
INSERT INTO Person VALUES
  (1, 'Ann', 1, 'glad', 'ab', '2024-02-29', 1704164645123, '2024-01-02 03:04:05.678901', '10:20:30', 12.3, 0.1, -3,
   '{"b": [1.0, 1e2], "a": "é"}', '{"b":  1}', x'00ff5c0a', '00112233445566778899aabbccddeeff', '2001:DB8::1', 3723500000, 2),
  (9007199254740993, 'Bob', 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, x'', NULL, NULL, NULL, NULL);
INSERT INTO Person (id, name) VALUES (9007199254740999, 'gone');
DELETE FROM Person WHERE name = 'gone';
"""
# What the rows are, as PostgreSQL writes them.
ANN = ("1|Ann|t|glad|ab  |2024-02-29|2024-01-02 03:04:05.123|2024-01-02 03:04:05.678901+00|10:20:30|12.30|0.1|-3|"
       '{"a": "é", "b": [1.0, 100]}|{"b":  1}|\\x00ff5c0a|00112233-4455-6677-8899-aabbccddeeff|2001:db8::1|01:02:03.5|ANN|2|none')
UNFIT = """
INSERT INTO Person (id, name, active, pay, mood, home_id) VALUES
  (2, 'far too long a name', 2, 12.345, 'mad', 77), (3, 'n' || char(0) || 'l', NULL, NULL, NULL, NULL);
UPDATE Person SET score = 'abc' WHERE id = 1;
CREATE TABLE diary (x); INSERT INTO diary VALUES (1);
"""


class Move(story.Story):
    def psql(self, sql, code=0):
        done = subprocess.run(["psql", "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", self.url(), "-c", sql],
                              check=False, text=True, capture_output=True, env=os.environ | {"PGTZ": "UTC"})
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stdout.strip()

    def url(self):
        """As an instance has it; no command of ours shows it."""
        for env in (self.data / "instances").glob("hello-prod-*web*/env"):
            for line in env.read_bytes().split(b"\0"):
                if line.startswith(b"DATABASE_URL="):
                    return line.decode().split("=", 1)[1]
        raise AssertionError("no instance has a DATABASE_URL")

    def dump(self):
        text = subprocess.run(["pg_dump", self.url()], check=True, text=True, capture_output=True).stdout
        return "\n".join(line for line in text.splitlines() if not line.startswith(("\\restrict", "\\unrestrict")))

    def move(self, *words, code=0):
        return self.ecluse("db", "move", "--from", str(self.source), *words, code=code)


@unittest.skipUnless(os.geteuid() == 0, "needs root: namespaces")
class PlainSchema(Move):
    SPEC = """
app: hello
build: {command: chmod 644 app.py}
release: ['psql -v ON_ERROR_STOP=1 "$DATABASE_URL" -f schema.sql']
processes:
  web: {command: python3 app.py, ready: {path: /, start: 30s}, stop_grace: 2s}
services: {db: postgres}
environments:
  prod: {hosts: [hello.localhost], bake: 10m, drain: 2s}
"""

    def make_source(self, name, *more):
        """A folder with the file alone, so that anything put beside it shows."""
        folder = self.folder / name
        folder.mkdir()
        self.source = folder / "app.db"
        with contextlib.closing(sqlite3.connect(self.source)) as source:
            for script in (SOURCE, *more):
                source.executescript(script)
            source.commit()
        os.utime(self.source, (1, 1))  # long quiet: nobody has to wait for that

    def beside(self):
        return [(entry.name, entry.stat().st_mtime_ns, hashlib.sha256(entry.read_bytes()).hexdigest())
                for entry in sorted(self.source.parent.iterdir())]

    @contextlib.contextmanager
    def held(self):
        """The last table cannot be filled to its end while this lasts."""
        self.psql("CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS "
                  "$$ BEGIN PERFORM pg_advisory_xact_lock(42); RETURN NEW; END $$;"
                  "CREATE TRIGGER hold BEFORE INSERT ON tag FOR EACH ROW EXECUTE FUNCTION hold()")
        holder = subprocess.Popen(["psql", "-X", "-A", "-t", "-q", self.url()], text=True,
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        holder.stdin.write("SELECT 'held' FROM pg_advisory_lock(42);\n")
        holder.stdin.flush()
        self.assertEqual(holder.stdout.readline().strip(), "held")
        try:
            yield
        finally:
            holder.communicate(timeout=60)
            self.until_no_move()
            self.psql("DROP TRIGGER hold ON tag; DROP FUNCTION hold()")

    def waits_midway(self):
        return self.psql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted") == "1"

    def until_no_move(self):
        story.until(lambda: self.psql("SELECT count(*) FROM pg_stat_activity "
                                      "WHERE application_name = 'ecluse db move'") == "0", "the move is over")

    def test_a_file_with_every_kind_of_value(self):
        (self.repository / "schema.sql").write_text(SCHEMA)
        self.commit("v1")
        self.up()
        self.ecluse("deploy")
        empty = self.dump()

        with self.subTest("what does not fit is named, and nothing has changed"):
            self.make_source("unfit", UNFIT)
            said = self.move(code=3)
            for line in ("Person.name (id=2): 19 characters are too many for character varying(12)",
                         "Person.active (id=2): 2 is not a boolean", "Person.pay (id=2): 12.345 has more digits",
                         "Person.mood (id=2): 'mad' is none of mood: sad, glad",
                         "Person.name (id=3): a NUL character at position 2", "--drop-nul",
                         "Person.score (id=1): 'abc' is not a number", "diary: its 1 rows have no table",
                         "nothing was changed"):
                self.assertIn(line, said)
            self.assertEqual(json.loads(self.move("--json", code=3))["misfits_total"], 7)
            self.assertEqual(self.dump(), empty)

        with self.subTest("a reference that leads nowhere is found by PostgreSQL"):
            self.make_source("orphan", "UPDATE Person SET home_id = 77 WHERE id = 1")
            said = self.move(code=1)
            self.assertIn("Key (home_id)=(77) is not present", said)
            self.assertEqual(self.dump(), empty)

        self.make_source("good")
        before = self.beside()
        with self.subTest("a dry run tries everything and changes nothing"):
            tried = json.loads(self.move("--dry-run", "--json"))
            self.assertEqual((tried["moved"], tried["dry_run"]), (False, True))
            self.assertEqual({t["table"]: t["rows"] for t in tried["tables"]}, {"Person": 2, "home": 2, "tag": 6})
            self.assertEqual(self.dump(), empty)

        with self.subTest("killed midway, the target is as it was"):
            with self.held():
                held = self.dump()
                victim = self.start("db", "move", "--from", str(self.source))
                story.until(self.waits_midway, "the move is midway")
                os.kill(self.daemon_pid(), signal.SIGKILL)
                victim.communicate(timeout=60)
                self.assertNotEqual(victim.returncode, 0)
            self.assertEqual(self.dump(), empty)
            self.assertIn("hold", held)
            self.up()

        with self.subTest("Ctrl-C midway, the target is as it was"):
            with self.held():
                victim = self.start("db", "move", "--from", str(self.source))
                story.until(self.waits_midway, "the move is midway")
                victim.send_signal(signal.SIGINT)
                victim.communicate(timeout=60)
                self.until_no_move()  # nobody let the lock go
            self.assertEqual(self.dump(), empty)

        with self.subTest("a trigger that changes rows is noticed"):
            self.psql("CREATE FUNCTION change() RETURNS trigger LANGUAGE plpgsql AS "
                      "$$ BEGIN NEW.word := NEW.word || '!'; RETURN NEW; END $$;"
                      "CREATE TRIGGER change BEFORE INSERT ON tag FOR EACH ROW EXECUTE FUNCTION change()")
            self.assertIn("what was read back is not what was sent", self.move(code=1))
            self.psql("DROP TRIGGER change ON tag; DROP FUNCTION change()")
            self.assertEqual(self.dump(), empty)

        with self.subTest("it is moved, every value as it was"):
            moved = json.loads(self.move("--json"))
            self.assertTrue(moved["moved"])
            self.assertEqual([t["digest"] for t in sorted(moved["tables"], key=lambda t: t["table"])],
                             [t["digest"] for t in sorted(tried["tables"], key=lambda t: t["table"])])
            self.assertEqual(self.psql('SELECT * FROM "Person" WHERE id = 1'), ANN)
            self.assertEqual(self.psql("SELECT count(*) FROM tag WHERE word IN ('back\\slash', E'tab\\tand\\nline', "
                                       "'', 'é€😀', E'\\\\N', 'made by the release')"), "6")
            self.assertEqual(self.psql('SELECT photo = \'\' AND name = \'Bob\' FROM "Person" WHERE active = false'), "t")
            self.assertEqual(self.beside(), before)

        with self.subTest("sequences go on behind the largest number ever given"):
            self.psql("INSERT INTO \"Person\" (name) VALUES ('new'); INSERT INTO home DEFAULT VALUES")
            self.assertEqual(self.psql("SELECT id FROM \"Person\" WHERE name = 'new'"), "9007199254741000")
            self.assertEqual(self.psql("SELECT max(id) FROM home"), "3")
            self.assertEqual(self.psql("SELECT bool_or(condeferrable) FROM pg_constraint WHERE contype = 'f'"), "f")

        with self.subTest("a target in use is refused unless told"):
            used = self.dump()
            said = self.move(code=3)
            self.assertIn("Person has 1 rows, home has 1 rows that the file does not have", said)
            self.assertIn("--yes", self.move("--replace", code=3))
            self.assertEqual(self.dump(), used)
            self.move("--replace", "--yes")
            self.assertEqual(self.psql("SELECT count(*) FROM \"Person\" WHERE name = 'new'"), "0")

        with self.subTest("NUL characters are left out when told"):
            self.make_source("nul", "UPDATE Person SET name = 'B' || char(0) || 'ob' WHERE name = 'Bob'")
            self.move("--drop-nul", "--replace", "--yes")
            self.assertEqual(self.psql("SELECT count(*) FROM \"Person\" WHERE name = 'Bob'"), "1")

        self.assertIn("database.moved", self.ecluse("events", "-n", "500"))
        self.finished = True


MANAGE = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "site_settings"
from django.core.management import execute_from_command_line
execute_from_command_line(sys.argv)
"""
SETTINGS = """
import os
SECRET_KEY, DEBUG, ALLOWED_HOSTS, USE_TZ = os.environ["SECRET_KEY"], False, ["*"], True
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions", "kinds"]
ROOT_URLCONF, WSGI_APPLICATION = "site_urls", "site_wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
if os.environ.get("DB_HOST"):
    DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "HOST": os.environ["DB_HOST"],
                             "PORT": os.environ["DB_PORT"], "NAME": os.environ["DB_NAME"],
                             "USER": os.environ["DB_USER"], "PASSWORD": os.environ["DB_PASSWORD"]}}
else:
    DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ.get("SQLITE", "db.sqlite3")}}
"""
URLS = """
from django.http import HttpResponse
from django.urls import path
urlpatterns = [path("", lambda request: HttpResponse("fine"))]
"""
WSGI = """
import os
os.environ["DJANGO_SETTINGS_MODULE"] = "site_settings"
from django.core.wsgi import get_wsgi_application
application = get_wsgi_application()
"""
MODELS = """
from django.contrib.auth.models import User
from django.db import models
class Kind(models.Model):
    yes = models.BooleanField(null=True)
    big = models.BigIntegerField(null=True)
    small = models.SmallIntegerField(null=True)
    pay = models.DecimalField(max_digits=12, decimal_places=4, null=True)
    real = models.FloatField(null=True)
    day = models.DateField(null=True)
    moment = models.DateTimeField(null=True)
    wakes = models.TimeField(null=True)
    took = models.DurationField(null=True)
    raw = models.BinaryField(null=True)
    meta = models.JSONField(null=True)
    token = models.UUIDField(null=True)
    address = models.GenericIPAddressField(null=True)
    text = models.TextField(blank=True)
    title = models.CharField(max_length=20, unique=True)
    owner = models.ForeignKey(User, null=True, on_delete=models.CASCADE)
    before = models.ForeignKey("self", null=True, on_delete=models.SET_NULL)
    friends = models.ManyToManyField("self")
"""
# Fills a database through the ORM, or writes down what the ORM reads from it.
FIXTURE = """
import datetime, decimal, json, uuid
from django.contrib.auth.models import User, Permission
from django.core.management.base import BaseCommand
from kinds.models import Kind
def fill():
    user = User.objects.create_user("zoé", password="secret")
    user.user_permissions.add(*Permission.objects.order_by("-id")[:3])
    zone = datetime.timezone(datetime.timedelta(hours=5, minutes=30))
    full = Kind.objects.create(
        yes=True, big=2**63 - 1, small=-32768, pay=decimal.Decimal("12345678.9012"), real=1e-7,
        day=datetime.date(1, 1, 1), moment=datetime.datetime(2024, 2, 29, 1, 2, 3, 456789, zone),
        wakes=datetime.time(23, 59, 59, 999999), took=-datetime.timedelta(days=40000, microseconds=1),
        raw=bytes(range(256)), meta={"é": [1, 2.5, None, {"deep": "\\u2603"}], "big": 2**70},
        token=uuid.UUID(int=2**127 + 1), address="::ffff:10.0.0.1", text="tab\\t back\\\\ line\\n 😀", title="full", owner=user)
    last = Kind.objects.create(yes=False, pay=0, text="", title="'; DROP TABLE x; --", before=full, meta=[])
    Kind.objects.create(title="nothing")
    last.friends.add(full)
class Command(BaseCommand):
    def add_arguments(self, parser):
        parser.add_argument("act")
    def handle(self, *_, act, **__):
        if act == "fill":
            return fill()
        rows = [[type(row)._meta.label] + [repr(getattr(row, f.attname)) if not isinstance(getattr(row, f.attname), memoryview)
                 else repr(bytes(getattr(row, f.attname))) for f in row._meta.fields]
                for model in (User, Permission, Kind, Kind.friends.through, User.user_permissions.through)
                for row in model.objects.order_by("pk")]
        self.stdout.write("\\nROWS " + json.dumps(rows))
"""


@unittest.skipUnless(os.geteuid() == 0, "needs root: namespaces")
class Django(Move):
    SPEC = """
app: hello
build: {python: requirements.txt}
release: [python manage.py migrate --noinput]
processes:
  web: {command: gunicorn site_wsgi, ready: {path: /, start: 60s}, stop_grace: 2s}
services: {db: postgres}
env: {SECRET_KEY: for-this-test-alone}
environments:
  prod: {hosts: [hello.localhost], bake: 10m, drain: 2s}
"""

    def manage(self, *words):
        """Beside the release, on SQLite, with the release's own programs."""
        programs = next((self.data / "artifacts").glob("*/**/.venv/bin/python"))
        return subprocess.run([str(programs), "manage.py", *words], cwd=self.repository, check=True, text=True,
                              stdout=subprocess.PIPE,
                              env={"SQLITE": str(self.source), "SECRET_KEY": "x", "PYTHONDONTWRITEBYTECODE": "1"}).stdout

    @staticmethod
    def rows_in(text):
        return json.loads(next(line for line in text.splitlines() if line.startswith("ROWS "))[5:])

    def test_a_django_project_finds_its_rows_again(self):
        pins = pathlib.Path(__file__).resolve().parents[2] / "examples/lettings/requirements.txt"
        files = {"manage.py": MANAGE, "site_settings.py": SETTINGS, "site_urls.py": URLS, "site_wsgi.py": WSGI,
                 "kinds/__init__.py": "", "kinds/models.py": MODELS, "kinds/management/__init__.py": "",
                 "kinds/management/commands/__init__.py": "", "kinds/management/commands/fixture.py": FIXTURE,
                 "kinds/migrations/__init__.py": "", "requirements.txt": pins.read_text()}
        for name, text in files.items():
            path = self.repository / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.source = self.folder / "db.sqlite3"
        self.commit("without its own migration")
        self.up()
        self.ecluse("deploy")
        self.manage("makemigrations", "kinds")
        self.manage("migrate")
        self.manage("fixture", "fill")

        with self.subTest("a release without the tables is refused, by name"):
            self.assertIn("kinds_kind: its 3 rows have no table in the release's schema", self.move(code=3))

        self.commit("with its migration")
        self.ecluse("deploy")
        os.utime(self.source, (1, 1))
        said = self.move()
        self.assertIn("row counts and checksums are equal", said)
        expected = self.rows_in(self.manage("fixture", "show"))
        found = self.rows_in(self.ecluse("run", "--", "python", "manage.py", "fixture", "show"))
        self.assertEqual(len(expected), len(found))
        for row, other in zip(expected, found):
            self.assertEqual(row, other)
        self.assertIn("'full'", json.dumps(found))
        self.ecluse("run", "--", "python", "manage.py", "shell", "-c",
                    "from kinds.models import Kind; assert Kind.objects.create(title='next').pk == 4")
        self.assertIn("kinds_kind has 1 rows that the file does not have", self.move(code=3))
        self.finished = True


if __name__ == "__main__":
    story.main()
