#!/usr/bin/env python3
"""Mutation check of the simulator: every seeded mistake in sim/mutants/*.patch must be found.

A mutant is a patch against one real source; the text before its hunk says what it gets wrong. The
patched copy is compiled alone and linked before the libraries, so that the linker takes the mistake
in place of the original; then it lives lives until a checker objects. Production code knows nothing
of mutants.
"""

import argparse
import concurrent.futures
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PATCHES = ROOT / "sim" / "mutants"
SIMULATOR = "ecluse-sim"
COMPILE_S_MAX = 600
LIVES_S_MAX = 1800


class Broken(Exception):
    """The check itself cannot be made: a patch that does not apply, a compiler that objects."""


def run(command, **options):
    return subprocess.run(command, text=True, capture_output=True, check=False, **options)


def must(command, what, **options):
    done = run(command, **options)
    if done.returncode != 0:
        raise Broken(f"{what}:\n{(done.stdout + done.stderr)[-3000:]}")
    return done.stdout


class Workshop:
    """Makes simulators with a mistake, out of a build folder that holds the right one."""

    def __init__(self, build):
        self.build = build
        self.folder = build / "seeded"
        self.folder.mkdir(parents=True, exist_ok=True)
        commands = json.loads((build / "compile_commands.json").read_text())
        self.compile_of = {entry["file"]: entry for entry in commands}
        linking = must(["ninja", "-C", str(build), "-t", "commands", SIMULATOR], "asking for the link command")
        self.link = linking.strip().splitlines()[-1].removeprefix(": && ").removesuffix(" && :")

    def mutant(self, name):
        """The path of the simulator with this mistake."""
        source = self.seed(name)
        return self.linked(name, self.compiled(name, *source))

    def seed(self, name):
        """(the original, the patched copy)"""
        patch = PATCHES / f"{name}.patch"
        targets = re.findall(r"^\+\+\+ b/(\S+)", patch.read_text(), re.M)
        if len(targets) != 1:
            raise Broken(f"{patch.name} must patch one file, it patches {len(targets)}")
        copy = self.folder / f"{name}.cc"
        must(["patch", "-s", "-N", "-F0", "-r-", "-o", str(copy), str(ROOT / targets[0]), str(patch)],
             f"{patch.name} no longer applies: write it anew")
        return ROOT / targets[0], copy

    def compiled(self, name, original, copy):
        entry = self.compile_of[str(original)]
        words = shlex.split(entry["command"])
        output = self.folder / f"{name}.o"
        words[words.index("-o") + 1] = str(output)
        words[words.index("-c") + 1] = str(copy)
        must(words, f"{name} does not compile", cwd=entry["directory"], timeout=COMPILE_S_MAX)
        return output

    def linked(self, name, object_file):
        program = self.folder / name
        words = shlex.split(self.link)
        words[words.index("-o") + 1] = str(program)
        words.insert(words.index("-o"), str(object_file))
        must(words, f"{name} does not link", cwd=self.build, timeout=COMPILE_S_MAX)
        return program


def live(program, rollouts):
    """(its exit code, the figures or None, the first violation or None)"""
    report = program.with_suffix(".json")
    report.unlink(missing_ok=True)
    done = run([str(program), "--seeds", str(rollouts), "--failures-max", "1", "--workers", "1",
                "--json", str(report)], timeout=LIVES_S_MAX)
    figures = json.loads(report.read_text()) if report.is_file() else None
    return done.returncode, figures, next(
        (line for line in done.stdout.splitlines() if line.startswith("seed ")), None)


def check(workshop, name, rollouts):
    """(found, words)"""
    program = workshop.mutant(name)
    status, figures, violation = live(program, rollouts)
    program.unlink()
    if status == 0:
        return False, f"survived {figures['rollouts']} rollouts"
    if violation is None:
        return True, "the control plane's own assertion ended it"
    return True, f"after {figures['rollouts']} rollouts, {violation}"


def build_the_right_one(build, jobs):
    must(["cmake", "-G", "Ninja", "-S", str(ROOT), "-B", str(build), "-DECLUSE_FLAVOUR=mutants",
          "-DCMAKE_CXX_COMPILER=g++"], "configuring")
    must(["ninja", "-C", str(build), f"-j{jobs}", SIMULATOR], "building without a mistake")


def arguments():
    parser = argparse.ArgumentParser(prog="./run sim --mutants", description=__doc__)
    parser.add_argument("names", nargs="*", help="mutants to check; default: all")
    parser.add_argument("--rollouts", type=int, default=20_000, help="a mutant may live so long")
    parser.add_argument("--jobs", type=int, default=2, help="how many at once")
    parser.add_argument("--built", type=Path, help="a build folder with the simulator; default: one is made")
    parser.add_argument("--json", help="write the figures to this file")
    return parser.parse_args()


def main():
    options = arguments()
    every_name = sorted(p.stem for p in PATCHES.glob("*.patch"))
    names = options.names or every_name
    build = options.built or ROOT / "build" / "mutants"
    if not options.built:
        build_the_right_one(build, options.jobs)
    status, _, violation = live(build / SIMULATOR, min(1000, options.rollouts))
    if status != 0:
        raise Broken(f"the sources fail without a mistake: {violation}")
    workshop = Workshop(build)
    for name in every_name:  # a patch that has gone stale is found by whoever asks for any
        workshop.seed(name)
    survivors = []
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        checks = [(name, pool.submit(check, workshop, name, options.rollouts)) for name in names]
        for name, done in checks:
            found, words = done.result()
            print(f"{'found' if found else 'SURVIVED':8} {name:32} {words}", flush=True)
            if not found:
                survivors.append(name)
    print(f"{len(names) - len(survivors)} of {len(names)} mistakes found")
    if options.json:
        Path(options.json).write_text(json.dumps(
            {"mutants": len(names), "found": len(names) - len(survivors), "survivors": survivors}) + "\n")
    return 1 if survivors else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Broken as broken:
        sys.exit(f"mutants: {broken}")
