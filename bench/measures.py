"""What the gateway tells the control plane each second of 100 releases under load: deltas, against whole sketches."""
import json
import socket
import statistics
import threading
import time

from _drive.bars import Bars, Story
from _drive.options import parse, run
from _drive.proxies import Field, cpu_seconds, wrk

WHOLE_BUCKETS = 1152  # of a sketch, eight bytes each
BYTES_PER_S_MAX = 256 << 10


def read_once(field, name, cursor):
    """The bytes of an answer, and where to go on."""
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(str(field.folder / f"{name}.sock"))
        line.sendall(json.dumps({"op": "measures", "cursor": cursor}).encode() + b"\n")
        answer = line.makefile().readline()
    return len(answer), json.loads(answer)["batch"]["next"]


def serve_many(field, releases):
    daemon = field.ecluse_site("many", 2, arms=[field.arm(1, 1_000_000)])
    for number in range(releases):
        field.decide("many", 1, app=f"app-{number}", hosts=[f"host-{number:05}.bench.example"],
                     arms=[field.arm(1, 1_000_000)])
    return daemon


def follow(field, seconds):
    """Bytes of each second's answer, the first of all left out: it is the whole."""
    cursor, sizes, next_read = {}, [], time.monotonic()
    for _ in range(seconds + 1):
        size, cursor = read_once(field, "many", cursor)
        sizes.append(size)
        next_read += 1
        time.sleep(max(0.0, next_read - time.monotonic()))
    return sizes[1:]


def measure(options):
    story, bars = Story(), Bars()
    with Field() as field, serve_many(field, options.releases) as daemon:
        load = threading.Thread(target=wrk, args=(daemon.port, "/", options.seconds + 3, 64),
                                kwargs={"hosts": options.releases})
        load.start()
        time.sleep(1)
        sizes = follow(field, options.seconds)
        load.join()
        before = cpu_seconds(daemon.pid)
        follow(field, options.seconds)
        idle_ms = (cpu_seconds(daemon.pid) - before) / (options.seconds + 1) * 1000
    story.done(f"{options.releases} releases under load")
    bars.at_most("delta_bytes_per_s", statistics.median(sizes), BYTES_PER_S_MAX,
                 f"{options.releases} releases under load: median of {options.seconds} seconds", " B")
    bars.figure("delta_bytes_max", max(sizes), "the largest of them", " B")
    bars.figure("whole_bytes", options.releases * WHOLE_BUCKETS * 8, "whole sketches of all of them", " B")
    bars.figure("reader_cpu_ms_per_s", idle_ms, "processor time a second that a reader costs without load", " ms")
    bars.print()
    bars.write(options.json)
    return bars


if __name__ == "__main__":
    chosen = parse(__doc__, releases=100, seconds=10)
    run(lambda: measure(chosen))
