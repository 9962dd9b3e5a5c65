"""200 deploys in a row under 300 requests/s, a fifth of them WebSocket messages or slow.

Bars: nothing lost; deploy overhead beyond the app's own boot at most 1.5 s (median).
"""
import time

from _drive.bars import Bars, Story, percentile
from _drive.echo import MIX, EchoApp
from _drive.load import Load
from _drive.machine import Ecluse
from _drive.options import parse, print_losses, run


def deploy_under_load(app, load, number):
    """One deploy; how long the command took beyond the app's boot, in seconds."""
    load.allow(number - 1, number)
    began = time.monotonic()
    app.deploy()
    took_s = time.monotonic() - began
    load.allow(number)
    overhead_s = took_s - app.boot_ms() / 1000
    app.ecluse.wait_until_settled(app.key)  # the old release's requests get their time
    return overhead_s


def measure(arguments):
    story = Story()
    overheads = []
    with Ecluse("bench-deploys") as ecluse:
        ecluse.up()
        app = EchoApp(ecluse)
        app.deploy()
        story.done("the first release serves")
        with Load(ecluse.port, app.host, "--rate", arguments.rate, "--seed", arguments.seed,
                  *MIX) as load:
            load.phase("deploys")
            for number in range(2, arguments.deploys + 2):
                overheads.append(deploy_under_load(app, load, number))
                if (number - 1) % 10 == 0:
                    so_far = load.report()
                    story.done(f"{number - 1} deploys: {so_far['requests_sent']:,} requests, "
                               f"{so_far['requests_lost']} lost")
            load.phase("after")
            time.sleep(2)
            report = load.finish()
        return judge(arguments, report, overheads)


def judge(arguments, report, overheads):
    bars = Bars()
    bars.figure("deploys", len(overheads), "deploys in a row")
    bars.figure("requests_sent", report["requests_sent"], "requests sent")
    bars.equals("requests_lost", report["requests_lost"], 0, "requests lost")
    bars.equals("errors_5xx", report["errors_5xx"], 0, "errors seen by users (5xx)")
    bars.equals("wrong_release", report["wrong_release"], 0, "answered by a release that must not")
    bars.at_most("overhead_s_median", percentile(overheads, 0.5), 1.5,
                 "deploy beyond the app's boot, median", " s")
    bars.figure("overhead_s_p95", percentile(overheads, 0.95), "deploy beyond the app's boot, p95", " s")
    bars.figure("websockets_drained", report["websocket"]["drained"], "WebSockets told to come back (1012)")
    bars.figure("latency_p99_ms", report["latency_ms"]["p99"], "latency p99 (half a second is asked for)", " ms")
    bars.print()
    print_losses(report)
    bars.write(arguments.json, report=report, overheads_s=overheads)
    return bars


if __name__ == "__main__":
    chosen = parse(__doc__, deploys=200, rate=300.0)
    run(lambda: measure(chosen))
