#!/usr/bin/env python3
"""From a repository that never heard of ecluse to an answer of its preprod: init, up, deploy.

usage: init_test.py PATH_OF_ECLUSE"""
import json
import pathlib
import shutil
import unittest

import story

FLASK = """
import os
from flask import Flask

server = Flask(__name__)
server.secret_key = os.environ["SECRET_KEY"]


@server.route("/")
def index():
    return "flask says " + str(len(server.secret_key))
"""

NODE = """
const http = require('http');
http.createServer((_, answer) => answer.end('node says hello')).listen(process.env.PORT || 3000);
"""


class Init(story.Story):
    HOST = "preprod.repo.localhost"  # the folder is called repo

    def write(self, files):
        for name, text in files.items():
            (self.repository / name).write_text(text)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "an app")

    def init_and_deploy(self, *secrets):
        said = self.ecluse("init", "--yes")
        self.assertIn("next: git add ecluse.yml", said)  # and requirements-ecluse.txt, for Flask
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "deliver with ecluse")
        self.up()
        for secret in secrets:
            self.assertIn(f"secret {secret}", said)
            self.ecluse("secret", "set", secret, "--generate", "--to", "preprod")
        self.ecluse("deploy")

    def test_a_flask_project_without_a_server(self):
        self.write({"site_app.py": FLASK, "requirements.txt": "flask\n"})
        self.init_and_deploy("SECRET_KEY")
        self.assertEqual(self.get()[:2], (200, "flask says 50"))
        self.finished = True

    def test_a_node_project(self):
        self.write({"server.js": NODE,
                    "package.json": json.dumps({"name": "x", "version": "1.0.0", "private": True,
                                                "scripts": {"start": "node server.js"}})})
        self.init_and_deploy()
        self.assertEqual(self.get()[:2], (200, "node says hello"))
        self.finished = True

    def test_it_tells_its_reasons_and_never_overwrites(self):
        self.write({"server.js": NODE, "package.json": '{"scripts": {"start": "node server.js"}}'})
        seen = self.ecluse("init", "--dry-run", "--why")
        self.assertIn("processes.web.command: node server.js\n    package.json", seen)
        self.assertFalse((self.repository / "ecluse.yml").exists())
        self.ecluse("init", code=3)  # nobody is there to say yes
        self.assertFalse((self.repository / "ecluse.yml").exists())

        made = json.loads(self.ecluse("init", "--yes", "--json"))
        self.assertEqual(pathlib.Path(made["file"]).read_text(), made["yaml"])
        self.assertIn("never overwritten", self.ecluse("init", "--yes", code=3))
        self.finished = True

    def test_it_clones_an_address(self):
        self.write({"index.html": "<p>hello"})
        self.ecluse("init", "--yes", f"file://{self.repository}")
        clone = self.repository / "repo"
        self.assertIn("http.server", (clone / "ecluse.yml").read_text())
        self.assertIn("exists already", self.ecluse("init", "--yes", f"file://{self.repository}", code=2))
        shutil.rmtree(clone)
        self.finished = True

    def test_it_says_when_nothing_serves(self):
        self.write({"notes.txt": "hello"})
        self.assertIn("nothing was found", self.ecluse("init", "--yes", code=1))
        self.finished = True


if __name__ == "__main__":
    story.main()
