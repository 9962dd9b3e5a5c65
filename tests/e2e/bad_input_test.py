#!/usr/bin/env python3
"""What people really push by mistake: each is refused with a reason, and the release before serves on.
Usage: bad_input_test.py ECLUSE"""
import os
import unittest
from typing import NamedTuple

import story

START = "start: 4s"  # how long a release that never answers is waited for
LISTENS_ELSEWHERE = story.APP.replace('os.environ["PORT"]', "9999")
CRASHES_LATER = """
import threading, os
threading.Timer(3, lambda: os._exit(23)).start()
threading.Event().wait()
"""
FORGETS_A_MODULE = "import no_such_module\n"


class Mistake(NamedTuple):
    what: str
    words: tuple  # all of them are told
    app: str = story.APP
    spec: str = story.ONE_PROCESS
    code: int = 1


SPEC = story.ONE_PROCESS.replace("start: 30s", START)
MISTAKES = (
    Mistake("unreadable YAML", ("ecluse.yml:2:",), spec="app: hello\n\tprocesses: {\n", code=2),
    Mistake("a key that does not exist", ("ecluse.yml:4:", "did you mean 'processes'"), code=2,
            spec=SPEC.replace("processes:", "proceses:")),
    Mistake("a command that does not exist", ("pyhton3", "Most likely"),
            spec=SPEC.replace("python3", "pyhton3")),
    Mistake("a port that is never opened", ("Most likely", "listens on no port"),
            app="import threading\nthreading.Event().wait()\n", spec=SPEC),
    Mistake("another port", ("9999", "Most likely"), app=LISTENS_ELSEWHERE, spec=SPEC),
    Mistake("a crash after three seconds", ("23", "Most likely"), app=CRASHES_LATER,
            spec=SPEC.replace(START, "start: 30s")),
    Mistake("a module that is missing", ("no_such_module", "Most likely"), app=FORGETS_A_MODULE,
            spec=SPEC),
    Mistake("a failing migration", ("cannot migrate", "exit code 9"),
            spec=SPEC + "release: ['echo cannot migrate; exit 9']\n"),
)


@unittest.skipUnless(os.geteuid() == 0, "needs root: namespaces")
class BadInput(story.Story):
    SPEC = story.ONE_PROCESS

    def test_mistakes_are_explained_and_never_served(self):
        self.make_names_unusual()
        self.commit("v1")
        self.up()
        self.ecluse("deploy")
        for number, mistake in enumerate(MISTAKES):
            with self.subTest(mistake.what):
                self.push(mistake, f"v2.{number}")
                said = self.ecluse("deploy", code=mistake.code)
                for word in mistake.words:
                    self.assertIn(word, said)
                self.assertEqual(self.get(), (200, "v1 none", "1"))
        self.finished = True

    def push(self, mistake, version):
        self.SPEC = mistake.spec
        self.commit(version, mistake.app)

    def make_names_unusual(self):
        """Names that a careless script would split, expand or mangle."""
        folder = self.repository / "a folder; with 'quotes' and \"more\" $(of) `them`"
        folder.mkdir()
        for name in ("new\nline", "żółw", " leading", "-rf", "back\\slash"):
            (folder / name).write_text(name)


if __name__ == "__main__":
    story.main()
