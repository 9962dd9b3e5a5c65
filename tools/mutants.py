#!/usr/bin/env python3
"""Mutation check of the simulator: every seeded mistake in sim/mutants/*.patch must be found.

A mutant is a patch against the real sources; the text before its first hunk says what it gets wrong. The
sources are copied to build/mutants/tree, the mistake is applied there, the simulator is built and lives
lives until a checker objects. Production code knows nothing of mutants.
"""

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PATCHES = ROOT / "sim" / "mutants"
WORK = ROOT / "build" / "mutants"
TREE = WORK / "tree"
BUILD = WORK / "build"


def run(command, **options):
    return subprocess.run(command, text=True, capture_output=True, check=False, **options)


def must(command, what):
    done = run(command)
    if done.returncode != 0:
        sys.exit(f"mutants: {what}:\n{(done.stdout + done.stderr)[-3000:]}")


def copy_sources():
    """Only what changed is written, so that a second check builds little."""
    files = [f for f in run(["git", "-C", str(ROOT), "ls-files", "-co", "--exclude-standard", "-z"])
             .stdout.split("\0") if f]
    for name in files:
        source, target = ROOT / name, TREE / name
        if not source.is_file():
            continue
        same = target.is_file() and target.read_bytes() == source.read_bytes()
        if not same:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
            target.touch()


def build(jobs):
    return run(["ninja", "-C", str(BUILD), f"-j{jobs}", "ecluse-sim"])


def live(rollouts, workers):
    report = WORK / "report.json"
    report.unlink(missing_ok=True)
    done = run([str(BUILD / "ecluse-sim"), "--seeds", str(rollouts), "--failures-max", "1",
                "--workers", str(workers), "--json", str(report)])
    violations = [line for line in done.stdout.splitlines() if line.startswith("seed ")]
    figures = json.loads(report.read_text()) if report.is_file() else None
    return done.returncode, figures, violations


def patch(name, reverse=False):
    command = ["patch", "-p1", "-s", "-N", "-d", str(TREE), "-i", str(PATCHES / f"{name}.patch")]
    return run(command + (["-R"] if reverse else []))


def check(name, options):
    """(found, words)"""
    applied = patch(name)
    if applied.returncode != 0:
        copy_sources()
        return False, "its patch no longer applies: write it anew"
    try:
        built = build(options.jobs)
        if built.returncode != 0:
            return False, "it does not build: " + built.stdout[-600:]
        status, figures, violations = live(options.rollouts, options.workers)
        if status == 0:
            return False, f"survived {figures['rollouts']} rollouts"
        if violations:
            return True, f"{violations[0]}"
        return True, "the control plane's own assertion ended it"
    finally:
        patch(name, reverse=True)


def main():
    parser = argparse.ArgumentParser(prog="./run sim --mutants", description=__doc__)
    parser.add_argument("names", nargs="*", help="mutants to check; default: all")
    parser.add_argument("--rollouts", type=int, default=20_000, help="a mutant may live so long")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--json", help="write the figures to this file")
    options = parser.parse_args()
    names = options.names or sorted(p.stem for p in PATCHES.glob("*.patch"))
    copy_sources()
    must(["cmake", "-G", "Ninja", "-S", str(TREE), "-B", str(BUILD), "-DECLUSE_FLAVOUR=mutants",
          "-DCMAKE_CXX_COMPILER=g++"], "configuring")
    must(["ninja", "-C", str(BUILD), f"-j{options.jobs}", "ecluse-sim"], "building without a mistake")
    status, _, violations = live(1000, options.workers)
    if status != 0:
        sys.exit(f"mutants: the sources fail without a mistake: {violations}")
    survivors = []
    for name in names:
        found, words = check(name, options)
        print(f"{'found' if found else 'SURVIVED':8} {name:32} {words}", flush=True)
        if not found:
            survivors.append(name)
    print(f"{len(names) - len(survivors)} of {len(names)} mistakes found")
    if options.json:
        Path(options.json).write_text(json.dumps(
            {"mutants": len(names), "found": len(names) - len(survivors), "survivors": survivors}) + "\n")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
