"""kill -9 at random moments: of the control plane and of shims during rollouts, and of the gateway's worker.

Bars: over 100 kills during rollouts nothing is lost, and every rollout ends well or is rolled back;
over 20 kills of the gateway's worker only requests in flight are lost, no connection is refused, and
it answers again within a second.
"""
import os
import random
import select
import time
from typing import NamedTuple

from _drive.bars import Bars, Story
from _drive.echo import MIX, EchoApp
from _drive.load import Load
from _drive.machine import Ecluse, Failed, kill_if_there
from _drive.options import parse, print_losses, run

DEPLOY_S = 1.5  # a kill falls uniformly into this span after the command


class Kills:
    def __init__(self, arguments):
        self.arguments = arguments
        self.random = random.Random(arguments.seed)
        self.story = Story()
        self.outcomes = {}

    def measure(self):
        with Ecluse("bench-kills") as ecluse:
            self.ecluse = ecluse
            ecluse.up()
            self.app = EchoApp(ecluse)
            self.app.deploy()
            with Load(ecluse.port, self.app.host, "--rate", self.arguments.rate, "--seed",
                      self.arguments.seed, *MIX) as load:
                self.load = load
                self.kill_during_rollouts()
                rollouts = load.finish()
            workers, kills = self.kill_workers()
            return judge(self.arguments, self.outcomes, rollouts, workers, kills)

    # --- during rollouts

    def kill_during_rollouts(self):
        for number in range(1, self.arguments.kills + 1):
            victim = "shim" if self.random.random() < 1 / 3 else "control plane"
            delay_s = self.random.uniform(0, DEPLOY_S)
            outcome = self.one_rollout(victim, delay_s)
            self.outcomes[(victim, outcome)] = self.outcomes.get((victim, outcome), 0) + 1
            if number % 10 == 0:
                so_far = self.load.report()
                self.story.done(f"{number} kills: {so_far['requests_sent']:,} requests, "
                                f"{so_far['requests_lost']} lost; {told(self.outcomes)}")

    def one_rollout(self, victim, delay_s):
        """Deploys, kills `victim` meanwhile, and waits for the end; how the rollout ended."""
        self.load.phase(f"{victim} killed after {delay_s:.2f} s")
        before = self.app.stable()
        self.app.commit()
        self.load.allow()  # either may serve until it is decided
        identity = self.app.begin_deploy()
        time.sleep(delay_s)
        self.kill(victim)
        rollout = self.ecluse.wait_for_rollout(
            identity, lambda view: view["outcome"] != "running", "to end after the kill")
        after = self.app.stable()
        if rollout["outcome"] == "done" and after != rollout["release"]:
            raise Failed(f"rollout is done, but release {after} serves: {rollout}")
        if rollout["outcome"] in ("aborted", "failed") and after != before:
            raise Failed(f"rollout was {rollout['outcome']}, but {after} serves, not {before}")
        self.load.allow(after)
        return rollout["outcome"]

    def kill(self, victim):
        if victim == "control plane":
            self.ecluse.kill_control_plane()
            self.ecluse.up()
            return
        shims = self.ecluse.shims()
        if shims:
            kill_if_there(shims[self.random.choice(sorted(shims))])

    # --- the gateway's worker

    def kill_workers(self):
        """Kills the worker under load; the report, and the Kill of each phase."""
        killed = {}
        with Load(self.ecluse.port, self.app.host, "--rate", self.arguments.rate, "--seed",
                  self.arguments.seed, *MIX) as load:
            time.sleep(1.0)
            for number in range(1, self.arguments.workers + 1):
                time.sleep(self.random.uniform(1.0, 2.0))
                worker = self.ecluse.gateway_processes()[1]
                name = f"worker {number}"
                killed[name] = kill_and_see_it_gone(worker)
                load.phase(name)
            time.sleep(2.0)
            report = load.finish()
        self.story.done(f"{len(killed)} kills of the gateway's worker")
        return report, killed


class Kill(NamedTuple):
    """When a process was killed and when it was gone (ms, monotonic): in between it may still accept."""
    at_ms: float
    gone_ms: float


def kill_and_see_it_gone(pid):
    process = os.pidfd_open(pid)
    try:
        at_ms = time.monotonic() * 1000
        kill_if_there(pid)
        select.select([process], [], [])
        return Kill(at_ms, time.monotonic() * 1000)
    finally:
        os.close(process)


def told(outcomes):
    return ", ".join(f"{victim} {outcome}: {count}"
                     for (victim, outcome), count in sorted(outcomes.items()))


def seconds_until_back(phase, killed_ms):
    """From the kill to the first answer to a request sent after it."""
    if phase["first_answer_ms"] == 0:
        return float("inf")
    return (phase["first_answer_ms"] - killed_ms) / 1000


def not_in_flight(report, kills):
    """Losses that no kill explains: the connection was made, or the request sent, after the worker
    of the kill nearest before the loss was gone."""
    found = []
    for loss in report["losses"]:
        before = [kill.gone_ms for kill in kills.values() if kill.at_ms <= loss["lost_ms"]]
        gone = max(before, default=0.0)
        connected = loss["connected_ms"] or loss["sent_ms"]
        # Over a connection that the dead worker held, or sent before its end: in flight.
        if connected > gone:
            found.append(loss)
    return found


def judge(arguments, outcomes, rollouts, workers, kills):
    bars = Bars()
    ended = {outcome: 0 for outcome in ("done", "aborted", "failed")}
    for (_, outcome), count in outcomes.items():
        ended[outcome] = ended.get(outcome, 0) + count
    bars.figure("kills_during_rollouts", sum(outcomes.values()), "kills during rollouts")
    bars.figure("rollouts_resumed", ended["done"], "  rollouts that went on to their end")
    bars.figure("rollouts_rolled_back", ended["aborted"] + ended["failed"], "  rollouts rolled back")
    bars.equals("rollouts_stuck", sum(outcomes.values()) - sum(ended.values()), 0, "  rollouts stuck")
    bars.figure("requests_sent", rollouts["requests_sent"], "requests sent meanwhile")
    bars.equals("requests_lost", rollouts["requests_lost"], 0, "requests lost")
    bars.equals("wrong_release", rollouts["wrong_release"], 0, "answered by a release that must not")
    back = [seconds_until_back(phase, kills[phase["name"]].at_ms) for phase in workers["phases"]
            if phase["name"] in kills]
    strays = not_in_flight(workers, kills)
    bars.figure("worker_kills", len(kills), "kills of the gateway's worker")
    bars.figure("worker_lost_in_flight", workers["requests_lost"] - len(strays),
                "  requests in flight that were lost")
    bars.equals("worker_lost_else", len(strays), 0, "  other requests lost")
    bars.equals("worker_refused", workers["lost_by"].get("refused", 0), 0, "  connections refused")
    bars.at_most("worker_back_s_max", max(back), 1.0, "  worst time until it answered again", " s")
    bars.print()
    print_losses(rollouts)
    for loss in strays[:20]:
        print(f"    not in flight: {loss}")
    bars.write(arguments.json, rollouts=rollouts, workers=workers,
               outcomes={f"{victim}: {outcome}": count for (victim, outcome), count in outcomes.items()})
    return bars


if __name__ == "__main__":
    chosen = parse(__doc__, kills=100, workers=20, rate=300.0)
    run(lambda: Kills(chosen).measure())
