"""The gateway over TLS and HTTP/2 beside Debian's nginx and HAProxy: processor time per request.

As `bench gateway`: one app behind all three, rounds interleaved, the processor time of the proxy's whole process
tree divided by the requests answered; a ratio below 1 means that ecluse needs less than the better of the two.
Their files are in bench/gateway. Bars: docs/gateway-tls.md.
"""
import argparse
import statistics
import sys

from _drive.bars import Bars, Story
from _drive.machine import Failed
from _drive.secure import SecureField, h2load, handshakes, secure_wrk

PEERS = ("nginx", "haproxy")
ALL = ("ecluse", *PEERS)

#        name       what people read                         bar  one run: how many requests
ROWS = (("tls_get", "TLS 1.3 GET 200 B, kept alive",         1.0,
         lambda port, s: secure_wrk(port, s, connections=64)),
        ("full",    "TLS 1.3 full handshake and a GET",      1.0,
         lambda port, s: handshakes(port, s, resumes=False)),
        ("resumed", "TLS 1.3 resumed handshake and a GET",   1.0,
         lambda port, s: handshakes(port, s, resumes=True)),
        ("h2_get",  "HTTP/2 GET 200 B, 16 connections x 32", 0.9,
         lambda port, s: h2load(port, s, connections=16, streams=32)))


def measure_once(proxy, load, seconds):
    """Microseconds of processor per request."""
    before = proxy.cpu_seconds()
    requests = load(proxy.port, seconds)
    return (proxy.cpu_seconds() - before) / requests * 1e6


def measure_row(field, workers, load, rounds, seconds):
    """{proxy: [microseconds of each round]}; who goes first rotates."""
    found = {name: [] for name in ALL}
    with field.ecluse(workers) as ecluse, field.nginx(workers) as nginx, \
            field.haproxy(workers) as haproxy:
        proxies = [ecluse, nginx, haproxy]
        for proxy in proxies:
            load(proxy.port, 1)  # warm: pages, pools, branch predictors
        for turn in range(rounds):
            for proxy in proxies[turn % 3:] + proxies[:turn % 3]:
                found[proxy.name].append(measure_once(proxy, load, seconds))
    return found


def judge_row(bars, name, text, bar, found):
    cpu = {proxy: statistics.median(found[proxy]) for proxy in ALL}
    best = min(PEERS, key=cpu.get)
    for proxy in ALL:
        bars.figure(f"{name}_{proxy}_cpu_us", cpu[proxy], f"{text}: {proxy}", " us")
    bars.at_most(f"{name}_ratio", cpu["ecluse"] / cpu[best], bar, f"{text}: against {best}")


def measure(arguments):
    story, bars, rounds = Story(), Bars(), {}
    with SecureField() as field:
        for workers in arguments.workers:
            for name, text, bar, load in ROWS:
                if arguments.rows and name not in arguments.rows:
                    continue
                key = f"{name}_w{workers}"
                found = measure_row(field, workers, load, arguments.rounds, arguments.seconds)
                rounds[key] = found
                judge_row(bars, key, f"{text}, {workers} worker(s)", bar, found)
                story.done(f"{text}, {workers} worker(s): " + ", ".join(
                    f"{proxy} {statistics.median(found[proxy]):.1f} us" for proxy in ALL))
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
    parser.add_argument("--rows", nargs="+", choices=[row[0] for row in ROWS])
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.rounds, arguments.seconds = 3, 1
    return arguments


if __name__ == "__main__":
    try:
        sys.exit(0 if measure(parse()).all_hold() else 1)
    except Failed as failure:
        print(f"failed: {failure}", file=sys.stderr)
        sys.exit(1)
