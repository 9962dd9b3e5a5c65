"""A race of the gateway and its peers: the same load on each, rounds interleaved so that a busy machine hurts all
alike, the processor time of each proxy's whole process tree divided by the requests it answered."""
import argparse
import statistics
from dataclasses import dataclass
from typing import Callable

from .bars import Bars, Story
from .machine import Failed

PEERS = ("nginx", "haproxy")
ALL = ("ecluse", *PEERS)


@dataclass
class Row:
    name: str
    text: str
    bar: float
    load: Callable  # of (port, seconds): a record with at least `requests`; Failed if one was not answered


def measure_once(proxy, load, seconds):
    """What the load said, with microseconds of processor per request."""
    before = proxy.cpu_seconds()
    said = load(proxy.port, seconds)
    spent = proxy.cpu_seconds() - before
    if not said["requests"]:
        raise Failed(f"{proxy.name} answered nothing")
    return {"cpu_us": spent / said["requests"] * 1e6,
            **{name: value for name, value in said.items() if name in ("p99_ms", "per_s")}}


def measure_row(field, workers, load, rounds, seconds):
    """{proxy: [measurement of each round]}; who goes first rotates."""
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


def judge_row(bars, key, text, bar, found):
    cpu = {proxy: statistics.median(one["cpu_us"] for one in found[proxy]) for proxy in ALL}
    best = min(PEERS, key=cpu.get)
    for proxy in ALL:
        bars.figure(f"{key}_{proxy}_cpu_us", cpu[proxy], f"{text}: {proxy}", " us")
    bars.at_most(f"{key}_ratio", cpu["ecluse"] / cpu[best], bar, f"{text}: against {best}")
    return ", ".join(f"{proxy} {cpu[proxy]:.1f} us" for proxy in ALL)


def race(open_field, rows, arguments, *extras):
    """Runs the rows that were asked for, then `extras`: functions of (field, bars, story). Returns the bars."""
    story, bars, rounds = Story(), Bars(), {}
    with open_field() as field:
        for workers in arguments.workers:
            for row in rows:
                if arguments.rows and row.name not in arguments.rows:
                    continue
                key, text = f"{row.name}_w{workers}", f"{row.text}, {workers} worker(s)"
                rounds[key] = measure_row(field, workers, row.load, arguments.rounds,
                                          arguments.seconds)
                story.done(f"{text}: {judge_row(bars, key, text, row.bar, rounds[key])}")
        for extra in extras:
            extra(field, bars, story)
    bars.print()
    bars.write(arguments.json, rounds=rounds)
    return bars


def parser_of(doc, names):
    """What both races take; `--quick` is left to `shortened()`."""
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("--json", metavar="FILE", help="write the figures there")
    parser.add_argument("--quick", action="store_true", help="short rounds, to see that it works")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rows", nargs="+", choices=names)
    return parser


def shortened(arguments):
    if arguments.quick:
        arguments.rounds, arguments.seconds = 3, 1
    return arguments
