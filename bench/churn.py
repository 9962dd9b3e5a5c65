"""Connections that come and go, each with one request: the gateway's memory must not grow with their number.

The default is what a busy site sees in a day, and takes some twenty minutes; --quick is a hundredth of it."""
from _drive.bars import Bars, Story
from _drive.options import parse, run
from _drive.proxies import Field, private_bytes, wrk

GROWTH_BYTES_MAX = 1 << 20
WARM_SHARE = 20  # the first twentieth: pools and tables grow to their size


def measure(options):
    story, bars, done, before = Story(), Bars(), 0, None
    with Field() as field, field.ecluse(2) as proxy:
        while done < options.connections:
            done += wrk(proxy.port, "/", 5, 64, connection="close")["requests"]
            now = private_bytes(proxy.pid)
            if before is None and done * WARM_SHARE >= options.connections:
                before, counted_from = now, done
            story.doing(f"{done:,} connections, {now / 1e6:.2f} MB")
        growth = private_bytes(proxy.pid) - before
    bars.figure("connections", done - counted_from, "connections, each with one request, after the first")
    bars.at_most("growth_bytes", growth, GROWTH_BYTES_MAX, "growth of the gateway's memory", " B")
    bars.print()
    bars.write(options.json)
    return bars


if __name__ == "__main__":
    chosen = parse(__doc__, connections=10_000_000)
    if chosen.quick:
        chosen.connections = 100_000
    run(lambda: measure(chosen))
