"""The judge on examples/lettings: promotes a good release, rolls bad ones back, under visitors with cookies.

Release 2 is promoted by the judge; release 3 fails half of its pages and is rolled back after at most 7
canary requests, besides those that arrive within 200 ms; no request is lost, and who was not in the
canary never saw an error. Then faults of other kinds, an incident that hits both arms, and nobody at all.
"""
import os
import secrets
import time

from _drive.bars import Bars, Story
from _drive.machine import ROOT, Ecluse, Failed, wait_for
from _drive.options import parse, run
from _drive.repository import Repository
from _drive.visitors import Visitors, errors, now_ms, outside

KEY, HOST = "lettings/prod", "lettings.localhost"
WEIGHT = 0.1
# The bar for the judge: so many canary requests, and what arrives within the time after them.
CANARY_REQUESTS_MAX = 7
SOON_S = 0.2
CROWD = 6000
PAGES = {"/": 50, "/lettings/": 25, "/lettings/1/": 15, "/profiles/": 10}
# An old bug that every release has. Where nothing ever fails, nothing can be proven about errors.
OLD_BUG = {"/old-bug/": 4}
INCIDENT = {"/old-bug/": 60}
ENVIRONMENTS = f"""\
environments:
  prod:
    hosts: [{HOST}]
    processes: {{web: {{instances: 2, limits: {{memory: 400MiB}}}}}}
    bake: 15m
    drain: 2s
    canary:
      weights: [{WEIGHT:.0%}]
      hold: 90s
      sticky: user
      abort_when: [errors > 5%, p95 > 2s, crashes > 1%, errors > 1x stable]
    env: {{ALLOWED_HOSTS: {HOST}}}
"""
URLS = "oc_lettings_site/urls.py"
# What the release with each fault must be rolled back for; empty: any reason will do, as for the one in ten who err, in
# whom both limits on errors are broken.
FAULTS = {"slow": "p95 > 2s", "page": "", "few": "", "leak": "", "crash": ""}


class Site:
    """Lettings in one environment, with a canary and without the checks: those are the demo's story."""

    def __init__(self, ecluse):
        self.ecluse = ecluse
        self.repository = Repository(ecluse.folder / "lettings")
        self.repository.copy(ROOT / "examples" / "lettings")
        config = (self.repository.folder / "ecluse.yml").read_text()
        head, checks = config.split("environments:")[0], "checks:\n  - flake8\n"
        config = head[:head.index(checks)] + head[head.index("release:"):] + ENVIRONMENTS
        collect = "  - python manage.py collectstatic --noinput\n"
        self.repository.write("ecluse.yml",
                              config.replace(collect, collect + "  - python manage.py sample_data\n"))
        self.repository.replace(URLS, "urlpatterns = [", "urlpatterns = [\n"
                                '    path("old-bug/", lambda request: 1 / 0),')
        self.commits = 0

    def commit(self, fault=""):
        self.commits += 1
        self.repository.write("season.txt", f"{self.commits}\n")
        if fault:
            self.repository.write("release_fault.txt", f"{fault}\n")
        self.repository.commit(f"Season {self.commits}")
        if fault:
            self.repository.remove("release_fault.txt")

    def deploy(self, fault=""):
        """Its rollout when it is decided: baking, or over. Follows no command: a bake is long."""
        self.commit(fault)
        asked = self.ecluse.api("POST", "/v1/deploys",
                                {"repository": str(self.repository.folder), "environment": "prod"})
        return self.decided(asked["rollout"])

    def decided(self, rollout, phases=("baking", "undecided")):
        def look():
            view = self.ecluse.rollout(rollout)
            return view if view["outcome"] != "running" or view["phase"] in phases else None
        return wait_for(f"{rollout} to be decided", look, 300)

    def trial(self, rollout):
        return self.ecluse.api("GET", f"/v1/rollouts/{rollout['id']}/trial")

    def stable(self):
        return self.ecluse.environment(KEY)["stable"]


def ruling(trial):
    """The newest verdict, or what can be said so far."""
    return trial["verdicts"][-1]["verdict"] if trial["verdicts"] else trial["so_far"]


def weight_taken_ms(rollout):
    """How long the gateway took to acknowledge that the release has no weight any more."""
    return next(stage["took_ms"] for stage in rollout["stages"] if stage["name"] == "aborting")


def good_release(site, visitors, bars):
    visitors.paths = PAGES | OLD_BUG
    began = time.monotonic()
    trial = site.trial(site.deploy())
    verdict = ruling(trial)
    bars.figure("good_reason", verdict["reason"], "release 2: because")
    bars.equals("good_verdict", verdict["verdict"], "promote", "release 2: the judge says")
    bars.figure("good_canary_requests", verdict["canary_requests"], "release 2: canary requests until proven")
    bars.figure("good_s", time.monotonic() - began, "release 2: from the command to its bake", " s")
    bars.equals("good_stable", site.stable(), 2, "stable then: release")
    visitors.paths = PAGES


def bad_release(site, visitors, bars):
    began = now_ms()
    rollout = site.deploy("errors")
    verdict = ruling(site.trial(rollout))
    met = visitors.since(began)
    canary = sorted(visit.at_ms for visit in met if visit.release == "3")
    first, later = canary[:CANARY_REQUESTS_MAX], canary[CANARY_REQUESTS_MAX:]
    soon = sum(at <= first[-1] + SOON_S * 1000 for at in later)
    bars.figure("bad_reason", verdict["reason"], "release 3: because")
    bars.equals("bad_verdict", verdict["verdict"], "rollback", "release 3, half of its pages fail: the judge says")
    bars.figure("bad_detected_after", verdict["canary_requests"], "release 3: canary requests until the verdict")
    bars.at_most("bad_canary_requests", len(canary), CANARY_REQUESTS_MAX + soon,
                 f"release 3: requests it got at all ({CANARY_REQUESTS_MAX}, and the {soon} of the next "
                 f"{SOON_S * 1000:.0f} ms)")
    bars.at_most("bad_weight_taken_ms", weight_taken_ms(rollout), 100,
                 "release 3: from the verdict until weight 0 was acknowledged", " ms")
    bars.equals("bad_errors_outside", len(errors(outside(met, 3))), 0, "errors seen by people outside the canary")
    bars.figure("bad_errors_inside", len(errors(met)), "errors seen by people in the canary")
    bars.figure("bad_people", len({visit.person for visit in met}), "people who came meanwhile")
    bars.equals("bad_stable", site.stable(), 2, "stable then: release")


def had_traffic(rollout):
    return any(stage["name"] == "shifting" for stage in rollout["stages"])


def other_fault(site, bars, fault, objective):
    rollout = site.deploy(fault)
    trial = site.trial(rollout) if had_traffic(rollout) else None  # it may end before: that is better still
    requests = trial["so_far"]["canary_requests"] if trial else 0
    bars.equals(f"{fault}_outcome", rollout["outcome"], "aborted", f"fault `{fault}`: its rollout")
    bars.figure(f"{fault}_reason", rollout["reason"] or ruling(trial)["reason"], f"fault `{fault}`: because")
    bars.figure(f"{fault}_canary_requests", requests, f"fault `{fault}`: canary requests")
    if objective:
        bars.equals(f"{fault}_objective", ruling(trial)["objective"], objective, f"fault `{fault}`: found by")
    bars.equals(f"{fault}_stable", site.stable(), 2, "stable then: release")


def incident(site, visitors, bars):
    visitors.paths = PAGES | INCIDENT
    rollout = site.deploy()
    trial = site.trial(rollout)
    visitors.paths = PAGES
    bars.equals("incident_ruling", ruling(trial)["verdict"] == "rollback", False,
                "both arms fail four in ten requests: rolled back")
    bars.figure("incident_stable_errors", trial["so_far"]["stable"]["errors"], "errors of the old release then")
    bars.equals("incident_phase", rollout["phase"], "baking", "both arms fail: its rollout is")


def nobody(site, bars):
    stable = site.stable()
    rollout = site.deploy()
    bars.equals("nobody_phase", rollout["phase"], "undecided", "nobody comes: its rollout is")
    bars.equals("nobody_stable", site.stable(), stable, "nobody comes: the stable release stays")


def measure(arguments):
    story, bars = Story(), Bars()
    wanted = arguments.only.split(",") if arguments.only else [*FAULTS, "incident", "nobody"]
    with Ecluse("bench-canary") as ecluse:
        ecluse.up()
        ecluse.secret(KEY, "SECRET_KEY", secrets.token_urlsafe(48))
        site = Site(ecluse)
        story.doing("release 1: build, PostgreSQL, migrations")
        first = site.deploy()
        if first["outcome"] != "done" and first["phase"] != "baking":
            raise Failed(f"release 1 did not come up: {first['reason']}\n{ecluse.log_tail()}")
        with Visitors(ecluse.port, HOST, arguments.rate, PAGES, CROWD, arguments.seed) as visitors:
            good_release(site, visitors, bars)
            story.done("release 2, a good one")
            bad_release(site, visitors, bars)
            story.done("release 3: half of its pages fail")
            for fault, objective in FAULTS.items():
                if fault in wanted:
                    other_fault(site, bars, fault, objective)
                    story.done(f"a release with the fault `{fault}`")
            if "incident" in wanted:
                incident(site, visitors, bars)
                story.done("an incident on both arms")
            visitors.leave()
            bars.equals("requests_lost", len(visitors.lost), 0, "requests lost, in all")
            bars.figure("requests", len(visitors.visits), "requests, in all")
        if "nobody" in wanted:
            nobody(site, bars)
            story.done("nobody comes")
        bars.print()
        for lost in visitors.lost[:10]:
            print(f"    lost: {lost}")
        bars.write(arguments.json)
        return bars


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    chosen = parse(__doc__, rate=60.0, only="")
    run(lambda: measure(chosen))
