"""ecluse check: time and memory on a repository of 10,000 files; with FOLDER also precision and recall.

FOLDER holds repositories, and below labels/ a file NAME.txt for each folder NAME that people have read: what they found
in it, a line `RULE PATH[:LINE]` each (docs/check.md). Findings of one rule in one file count once. It fetches nothing.
"""
import argparse
import collections
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

from _drive.bars import Bars
from _drive.machine import BUILD, Failed
from _drive.options import run

PROGRAM = str(BUILD / "ecluse")
MB = 1_000_000.0
ROUNDS = 5

PYTHON = '''import os
from django.db import models

TOKEN = os.environ["TOKEN_{n}"]


class Thing{n}(models.Model):
    name = models.CharField(max_length=100)

    def save(self, *args, **kwargs):
        self.name = self.name.strip() or f"thing {{self.pk}}"
        super().save(*args, **kwargs)
'''
SCRIPT = '''import React from "react";
export function Thing{n}(props) {{
  const [count, setCount] = React.useState(0);
  return fetch(`${{process.env.API_URL}}/things/${{props.id}}`).then((answer) => setCount(answer.status + count));
}}
'''


def make_repository(folder, files):
    """A fifth Python, a fifth JavaScript, the rest pages, style sheets and pictures, 50 files a folder, in git."""
    for n in range(files):
        path = folder / f"part{n // 500}" / f"unit{n // 50}"
        path.mkdir(parents=True, exist_ok=True)
        name, text = [(f"a{n}.py", PYTHON.format(n=n)), (f"b{n}.js", SCRIPT.format(n=n)),
                      (f"c{n}.html", "<p>hello</p>\n" * 40), (f"d{n}.css", "p { margin: 0 }\n" * 40),
                      (f"e{n}.svg", "<svg/>\n" * 40)][n % 5]
        (path / name).write_text(text)
    git = ["git", "-C", str(folder), "-c", "user.name=bench", "-c", "user.email=bench@example.invalid"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", "-A"], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "made"], check=True)


def timed_check(folder, *options):
    """Seconds and peak resident bytes of one check, whose cache is beside the repository."""
    began = time.monotonic()
    environment = os.environ | {"XDG_CACHE_HOME": str(folder) + ".cache"}
    process = subprocess.Popen([PROGRAM, "check", *options, str(folder)], stdout=subprocess.DEVNULL, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 3):
        raise Failed(f"ecluse check ended with {process.returncode}")
    return time.monotonic() - began, usage.ru_maxrss * 1024


def best(runs):
    return min(seconds for seconds, _ in runs) * 1000


def measure_size(bars, files):
    with tempfile.TemporaryDirectory(prefix="ecluse-bench-check-") as top:
        folder = pathlib.Path(top) / "repository"
        make_repository(folder, files)
        timed_check(folder, "--no-cache")  # warms the page cache
        fresh = [timed_check(folder, "--no-cache") for _ in range(ROUNDS)]
        first = timed_check(folder)
        again = [timed_check(folder) for _ in range(ROUNDS)]
    bars.figure("files", files, "files")
    bars.figure("fresh_ms", best(fresh), f"every file read, page cache warm, best of {ROUNDS}", " ms")
    bars.figure("first_ms", best([first]), "the same, and kept for the next check", " ms")
    bars.at_most("check_ms", best(again), 300.0, f"checked again, best of {ROUNDS}", " ms")
    bars.at_most("check_mb", max(peak for _, peak in [*fresh, first, *again]) / MB, 50.0, "peak memory", " MB")


def found_in(folder, repository):
    done = subprocess.run([PROGRAM, "check", "--no-cache", "--json", str(folder / repository)], capture_output=True,
                          text=True, check=False)
    if done.returncode not in (0, 3):
        raise Failed(f"ecluse check of {repository} ended with {done.returncode}: {done.stderr}")
    return {(repository, each["rule"], each["path"] or "-") for each in json.loads(done.stdout)["findings"]}


def read_labels(file):
    """{(repository, rule, path)} of one repository's labels; a line number is for people."""
    labels = set()
    for line in file.read_text(encoding="utf-8").splitlines():
        bare = line.split("#")[0].strip()
        if bare:
            rule, place = bare.split(maxsplit=1)
            path, _, number = place.rpartition(":")
            labels.add((file.stem, rule, path if path and number.isdigit() else place))
    return labels


def share(part, whole):
    return 1.0 if not whole else part / whole


def told(word, findings):
    for repository, rule, path in sorted(findings):
        print(f"  {word:<7} {repository}: {rule} {path}")


def measure_rules(bars, folder):
    files = sorted((folder / "labels").glob("*.txt"))
    if not files:
        raise Failed(f"{folder}/labels has no NAME.txt")
    labels = set().union(*(read_labels(file) for file in files))
    found = set().union(*(found_in(folder, file.stem) for file in files))
    told("wrong", found - labels)
    told("missed", labels - found)
    rules = collections.defaultdict(lambda: [0, 0, 0])  # right, wrong, missed
    for each in found | labels:
        rules[each[1]][0 if each in found and each in labels else 1 if each in found else 2] += 1
    for rule, (right, wrong, missed) in sorted(rules.items()):
        print(f"  {rule:<10} precision {share(right, right + wrong):4.0%}  recall {share(right, right + missed):4.0%}"
              f"  ({right} right, {wrong} wrong, {missed} missed)")
    right = len(found & labels)
    bars.figure("repositories", len(files), "repositories")
    bars.figure("labels", len(labels), "labels")
    bars.at_most("wrong_share", 1 - share(right, len(found)), 0.05, "findings that are wrong")
    bars.at_most("missed_share", 1 - share(right, len(labels)), 0.10, "labels that are missed")


def measure(arguments):
    bars = Bars()
    measure_size(bars, 1_000 if arguments.quick else 10_000)
    if arguments.folder:
        measure_rules(bars, pathlib.Path(arguments.folder))
    bars.print()
    bars.write(arguments.json)
    return bars


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", metavar="FOLDER", help="repositories, and labels/NAME.txt of each")
    parser.add_argument("--json", metavar="FILE", help="write the figures there")
    parser.add_argument("--quick", action="store_true", help="a tenth of the files")
    chosen = parser.parse_args()
    try:
        run(lambda: measure(chosen))
    except KeyboardInterrupt:
        sys.exit(130)
