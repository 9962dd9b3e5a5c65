"""The gateway beside Debian's nginx and HAProxy: processor time per request, memory, latency.

One app behind all three, one load program in front, rounds interleaved so that a busy machine hurts all alike.
Processor time is what the scheduler counted for the proxy's whole process tree (schedstat), divided by the
requests answered; a ratio below 1 means that ecluse needs less than the better of the two. Their files are in
bench/gateway. Bars: docs/gateway.md.
"""
import argparse
import signal
import statistics
import sys
import time

from _drive.bars import Bars, Story
from _drive.machine import Failed
from _drive.proxies import Field, IdleConnections, WrkRun, private_bytes, wrk

PEERS = ("nginx", "haproxy")
ALL = ("ecluse", *PEERS)

#        name          what people read             bar   wrk's arguments
ROWS = (("get",       "GET 200 B, kept alive",     0.85, {"path": "/", "connections": 64}),
        ("post",      "POST 10 KB, kept alive",    0.85, {"path": "/", "connections": 64,
                                                          "method": "POST", "body": 10_000}),
        ("large",     "1 MiB answer",              0.85, {"path": "/large", "connections": 16}),
        ("fresh",     "a connection per request",  0.85, {"path": "/", "connections": 64,
                                                          "connection": "close"}))


def measure_once(proxy, load, seconds):
    """Microseconds of processor per request."""
    before = proxy.cpu_seconds()
    said = wrk(proxy.port, seconds=seconds, **load)
    spent = proxy.cpu_seconds() - before
    if said["failed"] or not said["requests"]:
        raise Failed(f"{proxy.name}: {said}")
    return {"cpu_us": spent / said["requests"] * 1e6, "per_s": said["requests"] / said["seconds"],
            "p99_ms": said["p99_ms"]}


def measure_row(field, workers, load, rounds, seconds):
    """{proxy: [measurement of each round]}; who goes first rotates."""
    found = {name: [] for name in ALL}
    with field.ecluse(workers) as ecluse, field.nginx(workers) as nginx, \
            field.haproxy(workers) as haproxy:
        proxies = [ecluse, nginx, haproxy]
        for proxy in proxies:
            wrk(proxy.port, seconds=1, **load)  # warm: pages, pools, branch predictors
        for turn in range(rounds):
            for proxy in proxies[turn % 3:] + proxies[:turn % 3]:
                found[proxy.name].append(measure_once(proxy, load, seconds))
    return found


def median(rounds, what):
    return statistics.median(one[what] for one in rounds)


def judge_row(bars, name, text, bar, found):
    cpu = {proxy: median(found[proxy], "cpu_us") for proxy in ALL}
    best = min(PEERS, key=cpu.get)
    for proxy in ALL:
        bars.figure(f"{name}_{proxy}_cpu_us", cpu[proxy], f"{text}: {proxy}", " us")
    bars.at_most(f"{name}_ratio", cpu["ecluse"] / cpu[best], bar, f"{text}: against {best}")
    return {proxy: found[proxy] for proxy in ALL}


def idle_bytes(field, name, count):
    """What one idle connection adds to the proxy's proportional set size."""
    with getattr(field, name)(1) as proxy:
        with IdleConnections(proxy.port, 64):
            before = private_bytes(proxy.pid)
            with IdleConnections(proxy.port, count):
                return (private_bytes(proxy.pid) - before) / count


def measure_memory(field, bars, story, counts):
    for count in counts:
        found = {name: idle_bytes(field, name, count) for name in ALL}
        for name in ALL:
            bars.figure(f"idle_{count}_{name}_bytes", int(found[name]),
                        f"memory of one of {count} idle connections: {name}", " B")
        least = min(found[peer] for peer in PEERS)
        bars.at_most(f"idle_{count}_bytes", int(found["ecluse"]), int(least),
                     f"memory of one of {count} idle connections", " B")
        story.done(f"{count} idle connections")


#          how each takes a newer configuration or program
RELOADS = {"ecluse": signal.SIGUSR2, "nginx": signal.SIGHUP, "haproxy": signal.SIGUSR2}


def lost_in_reloads(field, name, seconds):
    """Requests that failed while the proxy was replaced five times under load, and all requests."""
    with getattr(field, name)(2) as proxy:
        wrk(proxy.port, "/", 1, 16)
        runs = [WrkRun(proxy.port, seconds, 16), WrkRun(proxy.port, seconds, 16, "close")]
        for _ in range(5):
            time.sleep(seconds / 7)
            proxy.signal(RELOADS[name])
        said = [run.said() for run in runs]
    return sum(one["failed"] for one in said), sum(one["requests"] for one in said)


def measure_reloads(field, bars, story, seconds):
    for name in ALL:
        lost, of = lost_in_reloads(field, name, seconds)
        text = f"lost in five reloads under load, of {of:,} requests: {name}"
        if name == "ecluse":
            bars.equals("reloads_lost_ecluse", lost, 0, text)
        else:
            bars.figure(f"reloads_lost_{name}", lost, text)
    story.done("five reloads under load")


def measure(arguments):
    story, bars, rounds = Story(), Bars(), {}
    with Field() as field:
        if not arguments.rows or "idle" in arguments.rows:
            measure_memory(field, bars, story, arguments.idle)
        if not arguments.rows or "reloads" in arguments.rows:
            measure_reloads(field, bars, story, max(7, 3 * arguments.seconds))
        for workers in arguments.workers:
            for name, text, bar, load in ROWS:
                if arguments.rows and name not in arguments.rows:
                    continue
                key = f"{name}_w{workers}"
                found = measure_row(field, workers, load, arguments.rounds, arguments.seconds)
                rounds[key] = judge_row(bars, key, f"{text}, {workers} worker(s)", bar, found)
                story.done(f"{text}, {workers} worker(s): " + ", ".join(
                    f"{proxy} {median(found[proxy], 'cpu_us'):.1f} us" for proxy in ALL))
    bars.print()
    bars.write(arguments.json, rounds=rounds)
    return bars


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", metavar="FILE", help="write the figures there")
    parser.add_argument("--quick", action="store_true", help="short rounds, to see that it works")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rows", nargs="+", choices=[*(row[0] for row in ROWS), "idle", "reloads"])
    parser.add_argument("--idle", type=int, nargs="+", default=[2000, 19000],
                        help="how many idle connections (at most what the descriptor limit allows)")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.rounds, arguments.seconds, arguments.idle = 3, 1, [500]
    return arguments


if __name__ == "__main__":
    try:
        sys.exit(0 if measure(parse()).all_hold() else 1)
    except Failed as failure:
        print(f"failed: {failure}", file=sys.stderr)
        sys.exit(1)
