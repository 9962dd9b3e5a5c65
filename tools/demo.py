#!/usr/bin/env python3
"""./run demo: a Django site goes to preprod and prod, and back, under load, without losing a request. The judge
promotes a good canary and rolls a bad one back.

    --json FILE   write the figures there
    --keep        leave it all running, and print the addresses
    --rate N      requests per second on prod (default 60)

Exit code: 0 when every bar holds, 1 when one does not.
"""
import argparse
import http.client
import json
import re
import secrets
import signal
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "bench"))

from _drive.bars import Bars, Story  # noqa: E402
from _drive.load import Load, last_sent_ms  # noqa: E402
from _drive.machine import Ecluse, Failed, kill_if_there, wait_for  # noqa: E402
from _drive.repository import Repository  # noqa: E402

PREPROD, PROD = "lettings/preprod", "lettings/prod"
HOSTS = {PREPROD: "preprod.lettings.localhost", PROD: "lettings.localhost"}
STYLE = "/static/site/style.css"
CANARY = 0.1
CANARY_CONFIG = f"""\
    canary:
      weights: [{CANARY:.0%}]
      hold: 60s
      sticky: user
      abort_when: [errors > 5%, p95 > 2s, crashes > 1%, errors > 1x stable]
"""
PEOPLE = 20_000  # who come back with a cookie
# Where nothing ever fails, nothing can be proven about errors: so robots ask for a page that no release has ever
# been able to show. They are no users.
ROBOTS = ("--get", "/old-bug/:1", "--people", 1_000_000)
ROBOTS_SHARE = 0.04
# The bar for the judge: so many canary requests, and what arrives within the time after them.
CANARY_REQUESTS_MAX, SOON_MS = 7, 200
WORKLOAD = (
    "--get", "/:30", "--get", "/lettings/:25", "--get", "/profiles/:10", "--get", f"{STYLE}:4",
    "--new", "/lettings/1/:10", "--slow-read", "/static/admin/js/vendor/jquery/jquery.js:1",
)


class Demo:
    def __init__(self, arguments):
        self.arguments = arguments
        self.story = Story()
        self.ecluse = Ecluse("ecluse-demo", keep=arguments.keep)
        self.repository = Repository(self.ecluse.folder / "lettings")
        self.rollback = {}
        self.verdicts = {}
        self.weight_taken_ms = 0.0
        self.checks = {}

    # --- the story

    def tell(self):
        self.prepare()
        self.first_release()
        with self.load(PREPROD, 8) as preprod, self.load(PROD, self.arguments.rate) as prod:
            self.preprod, self.prod = preprod, prod
            self.settle(2.0)
            self.second_release()
            self.release_that_is_never_ready()
            self.back_and_forth()
            self.bad_release()
            self.control_plane_dies()
            self.shim_dies()
            self.settle(2.0)
            self.story.chapter("The load ends")
            return {"prod": prod.finish(), "preprod": preprod.finish(), "robots": self.robots}

    def prepare(self):
        self.story.chapter("A repository, and an ecluse of its own")
        self.repository.copy(ROOT / "examples" / "lettings")
        adapt(self.repository)
        self.repository.commit("Holiday homes, first season")
        self.ecluse.up()
        for key in (PREPROD, PROD):
            self.ecluse.secret(key, "SECRET_KEY", secrets.token_urlsafe(48))
        self.story.done(f"ecluse is up; its gateway listens on 127.0.0.1:{self.ecluse.port}")

    def first_release(self):
        self.story.chapter("Release 1: preprod, then prod after an approval")
        self.story.doing("checks (flake8, pytest with coverage), build, PostgreSQL, migrations: "
                         "the first time takes longest")
        self.deploy_to_preprod()
        self.verify(PREPROD, 1)
        self.promote_to_prod()
        self.verify(PROD, 1)

    def second_release(self):
        self.story.chapter("Release 2, a canary under load: promoted by the judge")
        self.repository.replace("oc_lettings_site/templates/site/home.html",
                                "Small houses", "Second season: small houses")
        self.repository.commit("Second season: a greeting with \"quotes\", `backticks` and $(dollars)")
        self.move(self.preprod, "release 2 to preprod", 1, 2, self.deploy_to_preprod)
        with Load(self.ecluse.port, HOSTS[PROD], "--rate", ROBOTS_SHARE * self.arguments.rate, *ROBOTS) as robots:
            robots.phase("robots")
            self.move(self.prod, "release 2: canary", 1, 2, self.promote_to_prod)
            self.robots = robots.finish()
        verdict = self.verdict_on("good")
        self.story.done(f"the judge, after {verdict['canary_requests']} canary requests: {verdict['reason']}")
        self.verify(PROD, 2, "Second season")

    def release_that_is_never_ready(self):
        self.story.chapter("A release that never becomes ready stays in preprod: nobody must see it")
        self.repository.write("release_fault.txt", "unready\n")
        self.repository.commit("A release whose health page is red")
        self.preprod.phase("a release fails its probe")
        done = self.ecluse.deploy(self.repository, "preprod", check=False)
        if done.returncode != 1:
            raise Failed(f"deploy of a bad release exited with {done.returncode}, expected 1:\n"
                         f"{done.stdout}{done.stderr}")
        failed = self.ecluse.environment(PREPROD)["rollout"]
        if not failed.get("evidence", {}).get("probes"):
            raise Failed(f"the deploy did not fail for its probes:\n{done.stdout}{done.stderr}")
        self.story.done("deploy exited with 1 and says why:")
        self.story.detail(last_lines(done.stdout + done.stderr, 22))
        self.verify(PREPROD, 2)
        self.repository.remove("release_fault.txt")

    def back_and_forth(self):
        self.story.chapter("Rollback, and forward again")
        self.rollback["back"] = self.roll(2, 1)
        self.verify(PROD, 1, "Small houses")
        self.rollback["forward"] = self.roll(1, 2)
        self.verify(PROD, 2, "Second season")

    def bad_release(self):
        self.story.chapter("Release 3 is bad, in prod only: rolled back by the judge")
        prod = "env: {ALLOWED_HOSTS: lettings.localhost"
        self.repository.replace("ecluse.yml", prod + "}", prod + ", RELEASE_FAULT: errors}")
        self.repository.commit("A setting that breaks every second page")
        # preprod counts the release that never became ready, prod does not.
        self.move(self.preprod, "bad release to preprod", 2, 4, self.deploy_to_preprod)
        self.verify(PREPROD, 4)
        self.prod.phase("release 3: bad canary")
        self.prod.allow(2, 3)
        self.fail_promotion(self.promote())
        self.prod.allow(2)
        self.prod.phase("release 2 serves on")
        verdict = self.verdict_on("bad")
        rollout = self.ecluse.environment(PROD)["rollout"]
        self.weight_taken_ms = next(stage["took_ms"] for stage in rollout["stages"]
                                    if stage["name"] == "aborting")
        self.story.done(f"the judge, after {verdict['canary_requests']} canary requests: {verdict['reason']}")
        self.verify(PROD, 2, "Second season")
        self.repository.replace("ecluse.yml", ", RELEASE_FAULT: errors}", "}")

    def control_plane_dies(self):
        self.story.chapter("kill -9 of ecluse itself, in the middle of a rollout")
        self.repository.replace("oc_lettings_site/templates/site/home.html",
                                "Second season", "Third season")
        self.repository.replace("ecluse.yml", "hold: 60s", "hold: 8s")
        self.repository.commit("Third season")
        self.move(self.preprod, "release 4 to preprod", 4, 5, self.deploy_to_preprod)
        self.move(self.prod, "control plane killed", 2, 4, self.promote_and_kill)
        verdict = self.verdict_on("resumed")
        self.story.done(f"the judge went on where it was: {verdict['reason']}. Nothing bad is proven, so it is "
                        "promoted, and judged on while the old release is warm")
        self.verify(PROD, 4, "Third season")

    def shim_dies(self):
        self.story.chapter("kill -9 of the shim that minds an instance")
        self.prod.phase("shim killed")
        shims = {name: pid for name, pid in self.ecluse.shims().items()
                 if name.startswith("lettings-prod-4-web-")}
        name, pid = sorted(shims.items())[0]
        instance = self.instance(name)
        kill_if_there(pid, signal.SIGKILL)
        successor = wait_for("another shim to adopt the instance",
                             lambda: self.ecluse.shims().get(name) not in (None, pid)
                             and self.ecluse.shims()[name], 30)
        if self.instance(name)["pid"] != instance["pid"]:
            raise Failed(f"the app of {name} did not live on")
        self.story.done(f"the app of {name} lives on (pid {instance['pid']}), "
                        f"adopted by a new shim (pid {successor})")

    # --- acts

    def deploy_to_preprod(self):
        began = time.monotonic()
        done = self.ecluse.deploy(self.repository, "preprod")
        self.story.detail(last_lines(done.stdout, 3))
        self.story.done(f"preprod serves it, {time.monotonic() - began:.1f} s after `ecluse deploy`")

    def promote_to_prod(self):
        began = time.monotonic()
        self.finish_promotion(self.promote())
        self.story.done(f"prod serves the very same artifact, {time.monotonic() - began:.1f} s "
                        "after `ecluse promote` and `ecluse approve`")

    def promote(self):
        """Asks for the promotion, which waits for a person (exit code 3), and approves it; the
        approving command follows the rollout to its end."""
        asked = self.ecluse.cli("promote", PROD, check=False)
        if asked.returncode != 3:
            raise Failed(f"promote exited with {asked.returncode}, expected 3 (it waits for an "
                         f"approval):\n{asked.stdout}{asked.stderr}")
        self.story.detail(last_lines(asked.stdout, 1))
        return self.ecluse.begin("approve", PROD)

    def finish_promotion(self, approval):
        output, _ = approval.communicate(timeout=180)
        if approval.returncode != 0:
            raise Failed(f"approve exited with {approval.returncode}:\n{output}")

    def fail_promotion(self, approval):
        output, _ = approval.communicate(timeout=180)
        if approval.returncode != 1:
            raise Failed(f"approve of a bad release exited with {approval.returncode}, expected 1:\n{output}")
        self.story.detail(last_lines(output, 4))

    def verdict_on(self, name):
        """Of prod's newest rollout: the newest verdict, or what could be said so far."""
        trial = self.ecluse.api("GET", f"/v1/rollouts/{self.ecluse.environment(PROD)['rollout']['id']}/trial")
        self.verdicts[name] = trial["verdicts"][-1]["verdict"] if trial["verdicts"] else trial["so_far"]
        return self.verdicts[name]

    def promote_and_kill(self):
        approval = self.promote()
        moving = wait_for("the canary to have its share", self.moving_phase, 60)
        self.ecluse.kill_control_plane()
        self.story.done(f"killed in phase `{moving}`; instances and traffic go on without it")
        time.sleep(1.0)
        self.ecluse.up()
        self.finish_promotion(approval)
        self.story.done("started again: it resumed the rollout; the command that followed it never "
                        "noticed more than a pause")

    def moving_phase(self):
        phase = (self.ecluse.environment(PROD).get("rollout") or {}).get("phase")
        return phase if phase in ("holding", "judging") else None

    def move(self, load, name, old, new, act):
        """A phase of the load in which both releases may answer, and afterwards only the new one."""
        load.phase(name)
        load.allow(old, new)
        act()
        load.allow(new)

    def roll(self, old, new):
        """`ecluse rollback NEW` on prod, timed from the command to the last request `old` got."""
        self.prod.phase(f"rollback from {old} to {new}")
        self.prod.allow(old, new)
        asked = time.monotonic() * 1000
        self.ecluse.cli("rollback", new, "--to", PROD)
        returned = time.monotonic() * 1000
        self.prod.allow(new)
        self.settle(1.5)
        last = last_sent_ms(self.prod.report(), old)
        figures = {"last_request_ms": max(0.0, last - asked), "command_ms": returned - asked}
        self.story.done(f"prod serves release {new} again, {figures['command_ms']:.0f} ms after the "
                        "command was typed")
        return figures

    # --- looking from outside

    def load(self, key, rate):
        load = Load(self.ecluse.port, HOSTS[key], "--rate", rate, "--seed", 2, "--people", PEOPLE, *WORKLOAD)
        load.phase("release 1 serves")
        load.allow(1)
        return load

    def settle(self, seconds):
        """Lets people use the site for a while: the load is the point, not the waiting."""
        time.sleep(seconds)

    def get(self, key, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.ecluse.port, timeout=15)
        connection.request("GET", path, headers={"Host": HOSTS[key]})
        response = connection.getresponse()
        body = response.read().decode(errors="replace")
        connection.close()
        return response, body

    def verify(self, key, release, greeting="Welcome to Holiday Homes"):
        """Through the gateway, as a user would: page, own 404, static files, database, debug off."""
        home, page = self.get(key, "/")
        style = re.search(r'href="(/static/[^"]+\.css)"', page)
        missing, missing_page = self.get(key, "/no-such-page/")
        health = json.loads(self.get(key, "/health/")[1])
        css, css_text = self.get(key, style.group(1) if style else STYLE)
        seen = {
            "page": home.status == 200 and (key == PREPROD or greeting in page),
            "release": home.getheader("X-App-Release") == str(release),
            "static": css.status == 200 and "--water" in css_text,
            "not_found": missing.status == 404 and "There is no such page" in missing_page,
            "database": health.get("database") == "postgresql" and health.get("lettings") == 6,
            "debug_off": health.get("debug") is False,
        }
        wrong = [name for name, right in seen.items() if not right]
        if wrong:
            raise Failed(f"{key} release {release}: {', '.join(wrong)} not as expected "
                         f"(health says {health}, home {home.status} of release "
                         f"{home.getheader('X-App-Release')})")
        self.checks[f"{key}#{release}"] = seen
        self.story.done(f"{HOSTS[key]}: page, static files and 404 as they should be, "
                        f"{health['database']} in use, debug off, release {release}")

    def instance(self, name):
        instances = self.ecluse.environment(PROD)["instances"]
        return next(one for one in instances if one["id"] == name)


def adapt(repository):
    """What differs from the example: shorter waits, and something to see on the pages."""
    repository.replace("ecluse.yml", "    bake: 10m\n", f"    bake: 2m\n{CANARY_CONFIG}")
    repository.replace("oc_lettings_site/urls.py", "urlpatterns = [",
                       'urlpatterns = [\n    path("old-bug/", lambda request: 1 / 0),')
    repository.replace("ecluse.yml", "bake: 1m", "bake: 5s")
    repository.replace("ecluse.yml", "start: 40s", "start: 8s")
    collect = "  - python manage.py collectstatic --noinput"
    repository.replace("ecluse.yml", collect, f"{collect}\n  - python manage.py sample_data")


def last_lines(text, count):
    return "\n".join(text.rstrip().splitlines()[-count:])


def judge(demo, reports):
    """The figures of the whole run against the bars of the demo."""
    bars = Bars()
    total = {name: sum(report[name] for report in reports.values())
             for name in ("requests_sent", "requests_answered", "requests_lost", "wrong_release",
                          "stamp_mismatch")}
    users = {site: reports[site] for site in ("prod", "preprod")}
    seen = sum(report["errors_5xx"] for report in users.values())
    inside = sum(errors_inside(phase, "3") for phase in users["prod"]["phases"])
    bars.figure("requests_sent", total["requests_sent"], "requests sent")
    bars.equals("requests_lost", total["requests_lost"], 0, "requests lost")
    bars.equals("errors_outside", seen - inside, 0, "errors seen by people outside the canary of release 3")
    bars.figure("errors_inside", inside, "errors seen by people in it, until it was rolled back")
    bars.equals("wrong_release", total["wrong_release"], 0, "answered by a release that must not")
    bars.equals("stamp_mismatch", total["stamp_mismatch"], 0, "gateway and app name different releases")
    good, bad = demo.verdicts["good"], demo.verdicts["bad"]
    bars.equals("good_verdict", good["verdict"], "promote", "release 2: the judge says")
    bars.figure("good_canary_requests", good["canary_requests"], "release 2: canary requests until that was proven")
    bars.equals("bad_verdict", bad["verdict"], "rollback", "release 3: the judge says")
    bars.figure("bad_detected_after", bad["canary_requests"], "release 3: canary requests until the verdict")
    met = reports["prod"]["release"]["3"]
    soon = requests_soon(met["sent_ms"])
    bars.at_most("bad_canary_requests", met["answered"], CANARY_REQUESTS_MAX + soon,
                 f"release 3: requests it got at all ({CANARY_REQUESTS_MAX}, and the {soon} of the next "
                 f"{SOON_MS} ms)")
    bars.at_most("weight_taken_ms", demo.weight_taken_ms, 100.0,
                 "release 3: from the verdict until weight 0 was acknowledged", " ms")
    bars.at_most("rollback_ms", max(one["command_ms"] for one in demo.rollback.values()), 100.0,
                 "rollback: from the command until it returned, every worker agreed", " ms")
    bars.figure("rollback_last_request_ms",
                max(one["last_request_ms"] for one in demo.rollback.values()),
                "rollback: until the last request of the old release was sent", " ms")
    return bars


def errors_inside(phase, release):
    """Errors of a phase that people saw whom `release` answered at any time."""
    return phase.get("errors_inside", {}).get(release, 0)


def requests_soon(sent_ms):
    """How many were sent soon after the last of those that the judge may take."""
    first, later = sent_ms[:CANARY_REQUESTS_MAX], sent_ms[CANARY_REQUESTS_MAX:]
    return sum(at <= first[-1] + SOON_MS for at in later)


def print_phases(story, reports):
    story.chapter("Phase by phase")
    print(f"  {'':<8} {'phase':<28} {'sent':>6} {'lost':>5} {'5xx':>5} {'wrong':>6} "
          f"{'p50 ms':>8} {'p99 ms':>8}  by release")
    for site, report in reports.items():
        for phase in report["phases"]:
            if phase["sent"] == 0:
                continue
            by = ", ".join(f"{name}: {count['answered']}" for name, count in phase["release"].items())
            latency = phase["latency_ms"]
            print(f"  {site:<8} {phase['name']:<28} {phase['sent']:>6} {phase['lost']:>5} "
                  f"{phase['errors_5xx']:>5} {phase['wrong_release']:>6} {latency['p50']:>8.1f} "
                  f"{latency['p99']:>8.1f}  {by}")


def print_losses(reports):
    for site, report in reports.items():
        for loss in report["losses"][:20]:
            print(f"  lost on {site}: {json.dumps(loss)}")


def arguments_of(argv):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--rate", type=float, default=60.0)
    return parser.parse_args(argv)


def main(argv):
    arguments = arguments_of(argv)
    demo = Demo(arguments)
    try:
        with demo.ecluse:
            reports = demo.tell()
            print_phases(demo.story, reports)
            demo.story.chapter("Report")
            bars = judge(demo, reports)
            bars.print()
            print_losses(reports)
            bars.write(arguments.json, reports=reports, rollbacks=demo.rollback, verdicts=demo.verdicts, checks=demo.checks,
                       phases=[{"site": site} | phase for site, report in reports.items()
                               for phase in report["phases"]])
            if arguments.keep:
                print_addresses(demo)
    except Failed as failure:
        print(f"\nThe demo failed: {failure}\n{demo.ecluse.log_tail()}", file=sys.stderr)
        return 1
    return 0 if bars.all_hold() else 1


def print_addresses(demo):
    port = demo.ecluse.port
    print(f"\n  prod      http://{HOSTS[PROD]}:{port}/\n  preprod   http://{HOSTS[PREPROD]}:{port}/")
    print(f"  commands  ECLUSE_RUN={demo.ecluse.run} build/release/ecluse status")
    print(f"  to end    ECLUSE_RUN={demo.ecluse.run} build/release/ecluse down --all; "
          f"rm -r {demo.ecluse.folder}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
