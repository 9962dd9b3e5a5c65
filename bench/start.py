"""ecluse init and deploy of other people's repositories: how many answer on the port that init found.

FOLDER holds git repositories; each is copied, gets the ecluse.yml that `init --yes` writes, generated values for the
secrets it names, and one deploy to preprod. What blocks is waived, because the question is whether it starts. A
repository whose dependencies cannot be installed on this machine is told and not counted. It runs what they hold: give
it repositories that you would start. Their packages come from the registries that pip and npm are set up for.
"""
import argparse
import http.client
import json
import pathlib
import re
import sys

from _drive.bars import Bars, Story
from _drive.machine import Ecluse, Failed
from _drive.options import run
from _drive.repository import Repository

DEPLOY_S = 900  # with the installation of everything it depends on
# A build step of the project's own (`npm run build`) is no installation, unless it asks a network that is not there.
NOT_INSTALLED = re.compile(
    r"failed: [^\n]*(\b(pip|poetry|uv|npm (ci|install))\b[^\n]*: exited|no Python \S+ that the build's user can run)"
    r"|code: 'ENOTFOUND'")
BLOCKS = re.compile(r": ([A-Z]+-\d{3}): ")  # PLACE: RULE: what it says


def waive(repository, rules):
    """In the second line of ecluse.yml, for all of them; that of an earlier time is replaced."""
    file = repository.folder / "ecluse.yml"
    lines = [line for line in file.read_text().splitlines() if not line.startswith("waivers:")]
    each = ", ".join(f'{{rule: {rule}, reason: only its start is measured, until: "2099-12-31"}}'
                     for rule in sorted(rules))
    file.write_text("\n".join([lines[0], f"waivers: [{each}]", *lines[1:]]) + "\n")
    repository.commit("waive what blocks")


def deploy(ecluse, repository):
    """The last deploy's exit code and words."""
    rules = set()
    while True:
        done = ecluse.deploy(repository, "preprod", check=False, timeout_s=DEPLOY_S)
        said = done.stdout + done.stderr
        blocking = set(BLOCKS.findall(said)) - rules
        if done.returncode != 3 or not blocking:
            return done.returncode, said
        rules |= blocking
        waive(repository, rules)


def ask(port, host):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", "/", headers={"Host": host})
        return connection.getresponse().status
    finally:
        connection.close()


def start(source):
    """("starts" | "no start" | "not installed" | "no proposal", what was seen last)."""
    with Ecluse("ecluse-start") as ecluse:
        repository = Repository(ecluse.folder / "app")
        repository.copy(source)
        repository.commit("as it is")
        made = ecluse.cli("init", "--yes", "--json", cwd=repository.folder, check=False)
        if made.returncode != 0:
            return "no proposal", made.stderr.strip()
        repository.commit("deliver with ecluse")
        ecluse.up()
        yaml = json.loads(made.stdout)["yaml"]
        named = re.search(r"^secrets: \[(.*)\]", yaml, re.MULTILINE)
        for name in named.group(1).split(", ") if named else []:
            ecluse.cli("secret", "set", name, "--generate", "--to", "preprod", cwd=repository.folder)
        code, said = deploy(ecluse, repository)
        if code != 0:
            return ("not installed" if NOT_INSTALLED.search(said) else "no start"), said
        host = re.search(r"preprod: \{hosts: \[([^],]+)", yaml).group(1)
        status = ask(ecluse.port, host)
        return ("starts" if status < 500 else "no start"), f"GET / says {status}"


def measure(arguments):
    bars, story = Bars(), Story()
    sources = [each for each in sorted(pathlib.Path(arguments.folder).iterdir())
               if (each / ".git").exists() and (not arguments.only or each.name in arguments.only)]
    if not sources:
        raise Failed(f"{arguments.folder} holds no git repository of that name")
    seen = {}
    for source in sources:
        story.doing(source.name)
        seen[source.name], last = start(source)
        story.done(f"{source.name}: {seen[source.name]}")
        story.detail("\n".join(last.strip().splitlines()[-12:]))
    outcomes = list(seen.values())
    counted = [each for each in outcomes if each != "not installed"]
    bars.figure("repositories", len(outcomes), "repositories")
    bars.figure("not_installed", len(outcomes) - len(counted), "whose dependencies cannot be installed here")
    bars.at_most("silent_share", 1 - counted.count("starts") / max(1, len(counted)), 0.10,
                 "of the others, do not answer")
    bars.print()
    bars.write(arguments.json, outcomes=seen)
    return bars


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", metavar="FOLDER", help="git repositories that may be run")
    parser.add_argument("--only", action="append", metavar="NAME", help="this one of them")
    parser.add_argument("--json", metavar="FILE", help="write the figures there")
    chosen = parser.parse_args()
    try:
        run(lambda: measure(chosen))
    except KeyboardInterrupt:
        sys.exit(130)
