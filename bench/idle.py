"""Memory when nothing happens: control plane and gateway with five apps, and each app's shims.

Bars: control plane and gateway together at most 50 MB, a shim at most 2 MB. Proportional set size, as the
kernel counts it.
"""
import time

from _drive.bars import Bars, Story
from _drive.echo import EchoApp
from _drive.machine import Ecluse, memory_bytes
from _drive.options import parse, run

MB = 1_000_000.0


def measure(arguments):
    story = Story()
    with Ecluse("bench-idle") as ecluse:
        ecluse.up()
        for number in range(1, arguments.apps + 1):
            EchoApp(ecluse, app=f"app{number}", instances=1).deploy()
            story.done(f"app {number} serves")
        time.sleep(arguments.rest)
        control = memory_bytes(ecluse.daemon.pid)
        gateway = sum(memory_bytes(pid) for pid in ecluse.gateway_processes())
        shims = [memory_bytes(pid) for pid in ecluse.shims().values()]
    bars = Bars()
    bars.figure("apps", arguments.apps, "apps")
    bars.figure("control_plane_mb", control / MB, "control plane", " MB")
    bars.figure("gateway_mb", gateway / MB, "gateway, keeper and worker", " MB")
    bars.at_most("control_plane_and_gateway_mb", (control + gateway) / MB, 50.0,
                 "control plane and gateway", " MB")
    bars.at_most("shim_mb_max", max(shims) / MB, 2.0, f"largest of {len(shims)} shims", " MB")
    bars.print()
    bars.write(arguments.json, shims_mb=[shim / MB for shim in shims])
    return bars


if __name__ == "__main__":
    chosen = parse(__doc__, apps=5, rest=10.0)
    run(lambda: measure(chosen))
