#!/usr/bin/env python3
"""A release is looked at as it runs, before it gets traffic: a real Flask app and a real Django project
with everything wrong that only a running app shows, and mended ones. Needs root (namespaces).

usage: started_test.py PATH_OF_ECLUSE"""
import json
import os
import pathlib
import unittest

import story

# Flask with its debugger, deaf to SIGTERM, that prints a secret, starts a child with another in its
# arguments, and says it is well whatever the database does.
BAD_FLASK = """
import os, signal, subprocess, sys
from flask import Flask
app = Flask(__name__)
@app.route("/")
def index():
    return '<link rel="stylesheet" href="/static/gone.css?v=2"><script src="/static/here.js"></script>hello'
@app.route("/health")
def health():
    return "fine"
if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("connecting with", os.environ["API_TOKEN"], flush=True)
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(86400)", os.environ["OTHER_TOKEN"]])
    app.run(host="0.0.0.0", port=int(os.environ["PORT"]), debug=DEBUG, use_reloader=False)
"""
GOOD_FLASK = """
import os, socket
from flask import Flask
app = Flask(__name__)
@app.route("/")
def index():
    return '<script src="/static/here.js"></script>hello from ' + os.environ["REGION"]
@app.route("/health")
def health():
    with socket.create_connection((os.environ["DB_HOST"], int(os.environ["DB_PORT"])), 2):
        return "fine"
"""
FLASK = """
app: hello
build: {python: requirements.txt}
processes:
  web: {command: COMMAND, ready: {path: /health, start: 60s}, stop_grace: 12s}
services: {db: postgres}
env: {REGION: eu, REGOIN: misspelt}
secrets: [API_TOKEN, OTHER_TOKEN]
WAIVERS
environments:
  prod: {hosts: [hello.localhost], bake: 1s, drain: 1s}
"""
TOKENS = {"API_TOKEN": "token-of-the-test-one", "OTHER_TOKEN": "token-of-the-test-two"}

MANAGE = """
import os, sys
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
from django.core.management import execute_from_command_line
execute_from_command_line(sys.argv)
"""
WSGI = """
import os
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.production")
from django.core.wsgi import get_wsgi_application
application = get_wsgi_application()
"""
SETTINGS = """
import os
SECRET_KEY = os.environ["SECRET_KEY"]
DEBUG = False
ALLOWED_HOSTS = ["hello.localhost", "prod.localhost"]
INSTALLED_APPS = ["django.contrib.contenttypes"]
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
ROOT_URLCONF = "shop.urls"
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "HOST": os.environ.get("DB_HOST"),
                         "PORT": os.environ.get("DB_PORT"), "NAME": os.environ.get("DB_NAME"),
                         "USER": os.environ.get("DB_USER"), "PASSWORD": os.environ.get("DB_PASSWORD")}}
"""
# Chosen by wsgi.py alone: no file that manage.py reads shows it.
PRODUCTION = """
import importlib
from shop.settings import *
globals().update(importlib.import_module("shop.extra").VALUES)
"""
EXTRA_BAD = """
VALUES = {"DEBUG": bool(1), "ALLOWED_HOSTS": ["".join("*")],
          "DATABASES": {"default": {"ENGINE": "django.db.backends." + "sqlite" + "3", "NAME": ":memory:"}}}
"""
URLS = """
from django.db import connection
from django.http import HttpResponse
from django.urls import path
def health(request):
    connection.cursor().execute("SELECT 1")
    return HttpResponse("fine")
urlpatterns = [path("", lambda request: HttpResponse("hello from Django")), path("health/", health)]
"""
DJANGO = """
app: hello
build: {python: requirements.txt}
processes:
  web: {command: gunicorn shop.wsgi, ready: {path: /health/, start: 60s}}
services: {db: postgres}
env: {SECRET_KEY: for-this-test-alone}
environments:
  preprod: {hosts: [hello.localhost], bake: 1s, drain: 1s}
  prod: {hosts: [prod.localhost], promote_from: preprod, bake: 1s, drain: 1s}
"""


class Started(story.Story):
    def write(self, files):
        for name, text in files.items():
            path = self.repository / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "a version")

    def findings(self, release, *words):
        """{"RT-001 block": evidence} of what was seen while it ran."""
        releases = json.loads(self.ecluse("releases", "--json", *words))
        audit = next(r["audit"] for r in releases if r["number"] == release)
        audit = audit if isinstance(audit, dict) else json.loads(audit)
        return {f"{f['rule']} {f['severity']}": f["evidence"] for f in audit["findings"] if f.get("started")}

    def guests(self):
        """Instances that an examination left; the runtime remembers ended jobs for a while."""
        return [entry.name for entry in (self.data / "instances").iterdir()
                if "-exam-" in entry.name and not entry.name.endswith("-asked")]


@unittest.skipUnless(os.geteuid() == 0, "needs root: namespaces")
class Flask(Started):
    def spec(self, command, waivers=""):
        return FLASK.replace("COMMAND", command).replace("WAIVERS", waivers)

    def test_what_only_a_running_app_shows(self):
        files = {"requirements.txt": "flask==3.1.2\ngunicorn==23.0.0\n", "static/here.js": "1\n", ".gitignore": "*.pyc\n"}
        self.write(files | {"app.py": BAD_FLASK.replace("DEBUG", "True"), "ecluse.yml": self.spec("python app.py")})
        self.up()
        for name, value in TOKENS.items():
            self.ecluse("secret", "set", name, text_in=value)

        with self.subTest("a debugger that runs code never gets a request"):
            said = self.ecluse("deploy", code=3)
            self.assertIn("RT-001", said)
            self.assertIn("Werkzeug's debugger answers", said)
            self.assertNotEqual(self.get()[0], 200)
            self.assertNotIn("token-of-the-test", said)
            self.assertEqual(self.guests(), [], "what the examination started")

        with self.subTest("a waiver lets it pass; the release keeps everything that was seen"):
            self.write({"ecluse.yml": self.spec("python app.py", 'waivers: [{rule: RT-001, reason: a test, until: "2999-12-31"}]')})
            self.ecluse("deploy")
            self.assertEqual(self.get()[0], 200)
            found = self.findings(2)
            self.assertEqual(set(found), {"RT-001 block", "RT-002 major", "RT-004 major", "RT-005 major", "RT-006 info",
                                          "RT-006 warn", "HC-006 warn", "DJ-006 major"}, found)
            self.assertIn("OTHER_TOKEN", found["RT-004 major"])
            self.assertIn("API_TOKEN", found["RT-005 major"])
            self.assertIn("REGOIN", found["RT-006 info"])
            self.assertIn("/static/gone.css", found["DJ-006 major"])
            self.assertNotIn("here.js", found["DJ-006 major"])
            shown = self.ecluse("releases", "show", "2")
            self.assertIn("RT-002", shown)
            self.assertIn("waived until 2999-12-31: a test", shown)
            self.assertNotIn("token-of-the-test", shown)

        with self.subTest("the mended app has nothing of it, and a rollback is not examined"):
            self.write({"app.py": GOOD_FLASK,
                        "ecluse.yml": self.spec("gunicorn app:app").replace(", REGOIN: misspelt", "")
                                          .replace("secrets: [API_TOKEN, OTHER_TOKEN]\n", "")})
            self.ecluse("deploy")
            self.assertEqual(self.get()[1].split("hello ")[1], "from eu")
            self.assertEqual(self.findings(3), {})
            self.assertEqual(self.guests(), [])
        self.finished = True


@unittest.skipUnless(os.geteuid() == 0, "needs root: namespaces")
class Django(Started):
    def test_the_settings_that_the_server_really_uses(self):
        pins = pathlib.Path(__file__).resolve().parents[2] / "examples/lettings/requirements.txt"
        files = {"manage.py": MANAGE, "shop/__init__.py": "", "shop/settings.py": SETTINGS, "shop/urls.py": URLS,
                 "shop/production.py": PRODUCTION, "shop/wsgi.py": WSGI, "requirements.txt": pins.read_text(),
                 "ecluse.yml": DJANGO, ".gitignore": "*.pyc\n"}
        self.write(files | {"shop/extra.py": EXTRA_BAD})
        self.up()
        with self.subTest("SQLite beside a database service is found out by asking the app"):
            said = self.ecluse("deploy", "--to", "preprod", code=3)
            self.assertIn("DB-003", said)
            self.assertIn("asked through Django, the running app uses django.db.backends.sqlite3 at :memory:", said)
            found = self.findings(1, "--to", "preprod")
            self.assertTrue({"DB-003 block", "DJ-001 major", "DJ-002 warn"} <= set(found), found)

        with self.subTest("the mended project"):
            self.write({"shop/extra.py": "VALUES = {}\n"})
            self.ecluse("deploy", "--to", "preprod")
            self.assertEqual(self.get()[:2], (200, "hello from Django"))
            self.assertEqual(self.findings(2, "--to", "preprod"), {})

        with self.subTest("a second release of the same artifact costs no examination"):
            self.ecluse("restart", "--to", "preprod")
            self.ecluse("promote", "--to", "prod")
            rollouts = {e["environment"]: e["rollout"] for e in json.loads(self.ecluse("status", "--json"))}
            for environment in ("hello/preprod", "hello/prod"):
                names = [stage["name"] for stage in rollouts[environment]["stages"]]
                self.assertIn("probing", names)
                self.assertNotIn("examining", names)
        self.finished = True


NODE = """
const http = require('http');
const region = process.env.REGION;
http.createServer((request, answer) => {
  if (request.url === '/late' && process.env.READ_LATE) answer.setHeader('x-late', '1');
  answer.end('node in ' + region);
}).listen(Number(process.env.PORT));
"""
NODE_SPEC = """
app: hello
build: {command: chmod 644 server.js}
processes:
  web: {command: node server.js, ready: {path: /, start: 30s}}
env: {REGION: eu, REGOIN: misspelt, READ_LATE: a}
environments:
  prod: {hosts: [hello.localhost], bake: 1s, drain: 1s}
"""


PRISMA_SERVER = """
const {PrismaClient} = require('@prisma/client');
const {ADAPTER} = require('@prisma/adapter-libsql');
const client = new PrismaClient({adapter: new ADAPTER({url: 'file:/tmp/shop.db'})});
require('http').createServer(async (request, answer) => {
  const rows = await client.$queryRawUnsafe('SELECT 1 AS one');
  answer.end('one is ' + rows[0].one);
}).listen(Number(process.env.PORT));
"""


def prisma(packages, adapter, generator="", datasource=""):
    """An app with Prisma's own client, as npm has it, that needs no engine beside it. What would fetch one is told that it
    is there. `generator` and `datasource` are lines of the schema."""
    return {
        "package.json": json.dumps({"private": True, "dependencies": packages}),
        "schema.prisma": f"generator client {{\n  provider = \"prisma-client-js\"\n{generator}}}\n"
                         f"datasource db {{\n  provider = \"sqlite\"\n{datasource}}}\n"
                         "model Thing {\n  id Int @id\n}\n",
        "server.js": PRISMA_SERVER.replace("ADAPTER", adapter),
        "ecluse.yml": PRISMA_SPEC,
        ".gitignore": "node_modules/\n",
    }


PRISMA_SPEC = """
app: hello
build: {command: npm install --ignore-scripts --no-audit --no-fund && PRISMA_SCHEMA_ENGINE_BINARY=/bin/true PRISMA_QUERY_ENGINE_LIBRARY=/bin/true node_modules/.bin/prisma generate}
processes:
  web: {command: node server.js, ready: {path: /, start: 60s}}
services: {db: postgres}
environments:
  prod: {hosts: [hello.localhost], bake: 1s, drain: 1s}
"""


@unittest.skipUnless(os.geteuid() == 0, "needs root: namespaces")
class Node(Started):
    def test_where_its_instances_would_not_fit_it_is_not_looked_at_and_that_is_said(self):
        self.up()
        roomy = "web: {limits: {memory: 900GiB}, "  # more than any machine of this test has
        (self.repository / "app.py").write_text(story.APP)
        (self.repository / "ecluse.yml").write_text(story.ONE_PROCESS.replace("web: {", roomy))
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "roomy")

        said = self.ecluse("deploy", "HEAD")
        self.assertRegex(said, r"not seen: the running app, because looking at it may take 921600 MiB and \d+ MiB are free")
        self.assertEqual(self.get()[0], 200)
        self.finished = True

    def test_a_misspelt_variable_is_found_and_a_read_one_is_not(self):
        self.write({"server.js": NODE, "ecluse.yml": NODE_SPEC, ".gitignore": "node_modules/\n"})
        self.up()
        self.ecluse("deploy")
        self.assertEqual(self.get()[1], "node in eu")
        found = self.findings(1)
        self.assertEqual(set(found), {"RT-006 info"}, found)
        self.assertIn("REGOIN", found["RT-006 info"])  # READ_LATE was not read, but the code names it
        self.finished = True

    def prisma_says_its_engine(self, files):
        self.write(files)
        self.up()
        said = self.ecluse("deploy", code=3)
        self.assertIn("DB-003", said)
        self.assertIn("asked through Prisma, the running app uses sqlite", said)
        self.assertIn("DB-003 block", self.findings(1))
        self.finished = True

    def test_prisma_says_its_engine(self):
        config = "module.exports = {schema: 'schema.prisma', datasource: {url: 'file:./shop.db'}};\n"
        packages = {"@prisma/adapter-libsql": "7.10.0", "@prisma/client": "7.10.0", "prisma": "7.10.1"}
        self.prisma_says_its_engine(prisma(packages, "PrismaLibSql") | {"prisma.config.js": config})

    def test_prisma_6_says_its_engine(self):
        packages = {"@prisma/adapter-libsql": "6.19.3", "@prisma/client": "6.19.3", "prisma": "6.19.3"}
        self.prisma_says_its_engine(prisma(packages, "PrismaLibSQL", "  engineType = \"client\"\n",
                                           "  url = env(\"DATABASE_URL\")\n"))


if __name__ == "__main__":
    story.main()
