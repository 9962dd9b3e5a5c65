"""Warm rollback: from the command to the last request that the old release got.

Bar: at most 100 ms, also beside a process that floods the disk with fsync. Measured at the API (the
moment the answer, which every worker has acknowledged, is back) and by the load client (when it sent
the last request that the old release answered).
"""
import os
import subprocess
import sys
import time

from _drive.bars import Bars, Story, percentile
from _drive.echo import EchoApp
from _drive.load import Load, last_sent_ms
from _drive.machine import Ecluse
from _drive.options import parse, print_losses, run

FLOOD = """
import os, sys
block = b"x" * (1 << 20)
out = os.open(sys.argv[1], os.O_CREAT | os.O_WRONLY, 0o600)
while True:
    os.pwrite(out, block, (os.urandom(1)[0]) << 20)
    os.fsync(out)
"""


class DiskFlood:
    """Two processes that write and fsync as fast as the disk of ecluse's data folder takes it."""

    def __init__(self, folder, writers=2):
        self.files = [folder / f"flood-{number}" for number in range(writers)]
        self.processes = []

    def __enter__(self):
        self.processes = [subprocess.Popen([sys.executable, "-c", FLOOD, file]) for file in self.files]
        return self

    def __exit__(self, *failure):
        for process in self.processes:
            process.kill()
            process.wait()
        for file in self.files:
            file.unlink(missing_ok=True)


def swap(ecluse, app, load, old, new):
    """One rollback: (ms until acknowledged, ms until the last request of the old release)."""
    load.allow(old, new)
    asked = time.monotonic() * 1000
    ecluse.api("POST", f"/v1/environments/{app.key}/rollback", {"release": new})
    acknowledged = time.monotonic() * 1000
    load.allow(new)
    time.sleep(0.3)
    last = last_sent_ms(load.report(), old)
    return acknowledged - asked, max(0.0, last - asked)


def swaps(ecluse, app, load, count):
    samples = []
    for number in range(count):
        old, new = (2, 1) if number % 2 == 0 else (1, 2)
        samples.append(swap(ecluse, app, load, old, new))
    return samples


def measure(arguments):
    story = Story()
    with Ecluse("bench-rollback") as ecluse:
        ecluse.up()
        app = EchoApp(ecluse, bake="30m")
        app.deploy()
        app.deploy()
        with Load(ecluse.port, app.host, "--rate", arguments.rate, "--seed", arguments.seed,
                  "--get", "/:80", "--new", "/:20") as load:
            load.phase("idle disk")
            quiet = swaps(ecluse, app, load, arguments.swaps)
            story.done(f"{len(quiet)} rollbacks beside an idle disk")
            load.phase("fsync flood")
            with DiskFlood(ecluse.data):
                time.sleep(1.0)
                flooded = swaps(ecluse, app, load, arguments.swaps)
            story.done(f"{len(flooded)} rollbacks beside an fsync flood")
            report = load.finish()
        return judge(arguments, quiet, flooded, report)


def judge(arguments, quiet, flooded, report):
    bars = Bars()
    for name, samples, text in (("idle", quiet, "idle disk"), ("flood", flooded, "fsync flood")):
        acknowledged = [sample[0] for sample in samples]
        last = [sample[1] for sample in samples]
        bars.figure(f"{name}_acknowledged_ms_median", percentile(acknowledged, 0.5),
                    f"{text}: acknowledged, median", " ms")
        bars.at_most(f"{name}_acknowledged_ms_max", max(acknowledged), 100.0,
                     f"{text}: acknowledged by every worker, worst of {len(samples)}", " ms")
        bars.at_most(f"{name}_last_request_ms_max", max(last), 100.0,
                     f"{text}: last request of the old release, worst", " ms")
    bars.equals("requests_lost", report["requests_lost"], 0, "requests lost")
    bars.equals("wrong_release", report["wrong_release"], 0, "answered by a release that must not")
    bars.figure("requests_sent", report["requests_sent"], "requests sent")
    bars.print()
    print_losses(report)
    bars.write(arguments.json, idle_ms=quiet, flood_ms=flooded, report=report)
    return bars


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    chosen = parse(__doc__, swaps=40, rate=300.0)
    run(lambda: measure(chosen))
