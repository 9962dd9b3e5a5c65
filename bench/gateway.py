"""The gateway beside Debian's nginx and HAProxy: processor time per request, memory, latency.

One app behind all three, one load program in front, rounds interleaved so that a busy machine hurts all alike.
Processor time is what the scheduler counted for the proxy's whole process tree (schedstat), divided by the
requests answered; a ratio below 1 means that ecluse needs less than the better of the two. Their files are in
bench/gateway. Bars: docs/gateway.md.
"""
import signal
import statistics
import time

from _drive.machine import enter_own_network
from _drive.options import run
from _drive.pace import p99_ms
from _drive.proxies import Field, IdleConnections, WrkRun, private_bytes, wrk
from _drive.race import ALL, PEERS, Row, measure_once, parser_of, race, shortened

ROWS = (Row("get", "GET 200 B, kept alive", 0.85,
            lambda port, seconds: wrk(port, "/", seconds, 64)),
        Row("post", "POST 10 KB, kept alive", 0.85,
            lambda port, seconds: wrk(port, "/", seconds, 64, method="POST", body=10_000)),
        Row("large", "1 MiB answer", 0.85,
            lambda port, seconds: wrk(port, "/large", seconds, 16)),
        Row("fresh", "a connection per request", 0.85,
            lambda port, seconds: wrk(port, "/", seconds, 64, connection="close")))


PACED_CONNECTIONS = 32


def measure_latency(field, bars, story, rounds, seconds):
    """The 99th percentile at half of what the least of the three can carry, one worker each."""
    with field.ecluse(1) as ecluse, field.nginx(1) as nginx, field.haproxy(1) as haproxy:
        proxies = [ecluse, nginx, haproxy]
        peak = min(wrk(proxy.port, "/", seconds, PACED_CONNECTIONS)["per_s"] for proxy in proxies)
        took = {proxy.name: [] for proxy in proxies}
        for turn in range(rounds):
            for proxy in proxies[turn % 3:] + proxies[:turn % 3]:
                took[proxy.name].append(p99_ms(proxy.port, peak / 2, seconds, PACED_CONNECTIONS,
                                               field.folder / "paced.log"))
    for name in ALL:
        bars.figure(f"p99_{name}_ms", statistics.median(took[name]),
                    f"99th percentile at {peak / 2:,.0f} requests/s: {name}", " ms")
    ratio = statistics.median(one / min(others) for one, *others in
                              zip(took["ecluse"], *(took[peer] for peer in PEERS)))
    bars.at_most("p99_ratio", ratio, 1.0, "99th percentile at half of the least peak: against the better")
    story.done("latency at half of the least peak")


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
        runs = [WrkRun(proxy.port, "/", seconds, 16),
                WrkRun(proxy.port, "/", seconds, 16, connection="close")]
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


CLIENT = "ecluse_client=" + "0123456789abcdef" * 2


def measure_pair(one, other, rounds, seconds):
    """Processor time per request of two gateways, each with what wrk() takes beside its port, in turns: the median of
    each second's ratio of `one` to `other`: what else the machine does moves both."""
    ratios = []
    for turn in range(rounds * seconds):
        cpu_us = {}
        for proxy, more in (one, other) if turn % 2 else (other, one):
            said = measure_once(proxy, lambda port, s: wrk(port, "/", s, 64, **more), 1)
            cpu_us[proxy.name] = said["cpu_us"]
        ratios.append(cpu_us[one[0].name] / cpu_us[other[0].name])
    return statistics.median(ratios)


def measure_cohorts(field, bars, story, rounds, seconds):
    """A canary on trial with sticky cohorts, against one release that has all the traffic."""
    plain = field.ecluse_site("plain", 1, arms=[field.arm(1, 1_000_000)])
    canary = field.ecluse_site("canary", 1, sticky=True, cohort_salt="bench@1", on_trial=2,
                               arms=[field.arm(2, 100_000), field.arm(1, 900_000)])
    with plain, canary:
        ratio = measure_pair((canary, {"cookie": CLIENT}), (plain, {"cookie": CLIENT}), rounds,
                             seconds)
    bars.at_most("cohorts_ratio", ratio, 1.03, "canary with sticky cohorts, against one release")
    story.done("canary with sticky cohorts")


HOSTS = 10_000


def hosts_of(count):
    return ["127.0.0.1", *(f"host-{number:05}.bench.example" for number in range(count))]


def decide_beside(field, many, arms, decisions):
    """Decisions about another site of a gateway that has 10,000 hosts: milliseconds each takes, and processor
    microseconds it takes from its worker thread, which can carry nothing meanwhile."""
    took_ms, before = [], many.worker_cpu_seconds()
    for sequence in range(2, 2 + decisions):
        began = time.monotonic()
        field.decide(many.name, sequence, app="beside", hosts=["beside.bench.example"], arms=arms)
        took_ms.append((time.monotonic() - began) * 1000)
    spent = many.worker_cpu_seconds() - before
    return statistics.median(took_ms), spent / decisions * 1e6


def measure_routes(field, bars, story, rounds, seconds):
    """A table of 10,000 hosts: what a decision about one more takes, and whether looking one up costs more."""
    arms = [field.arm(1, 1_000_000)]
    few = field.ecluse_site("few", 1, arms=arms, hosts=hosts_of(1))
    many = field.ecluse_site("many", 1, arms=arms, hosts=hosts_of(HOSTS))
    with few, many:
        decision_ms, stall_us = decide_beside(field, many, arms, 50)
        bars.figure("routes_decision_ms", decision_ms,
                    "beside 10,000 hosts: a decision, swapped in and on disk: median of 50", " ms")
        bars.at_most("routes_stall_us", stall_us, 1000,
                     "beside 10,000 hosts: what a swap takes from a worker thread", " us")
        ratio = measure_pair((many, {"hosts": HOSTS}), (few, {"hosts": 1}), rounds, seconds)
        bars.at_most("routes_lookup_ratio", ratio, 1.03,
                     "10,000 hosts asked for in turns, against one")
    story.done("10,000 hosts")


def extras_of(arguments):
    """The rows that are no race."""
    def idle(field, bars, story):
        measure_memory(field, bars, story, arguments.idle)

    def reloads(field, bars, story):
        measure_reloads(field, bars, story, max(7, 3 * arguments.seconds))

    def cohorts(field, bars, story):
        measure_cohorts(field, bars, story, arguments.rounds, arguments.seconds)

    def routes(field, bars, story):
        measure_routes(field, bars, story, arguments.rounds, arguments.seconds)

    def latency(field, bars, story):
        measure_latency(field, bars, story, arguments.rounds, arguments.seconds)

    return [extra for extra in (latency, idle, reloads, cohorts, routes)
            if not arguments.rows or extra.__name__ in arguments.rows]


def parse():
    parser = parser_of(__doc__, [*(row.name for row in ROWS), "latency", "idle",
                                  "reloads", "cohorts", "routes"])
    parser.add_argument("--idle", type=int, nargs="+", default=[2000, 16000],
                        help="how many idle connections (at most what the descriptor limit allows)")
    arguments = shortened(parser.parse_args())
    if arguments.quick:
        arguments.idle = [500]
    return arguments


if __name__ == "__main__":
    enter_own_network()
    options = parse()
    run(lambda: race(Field, ROWS, options, *extras_of(options)))
