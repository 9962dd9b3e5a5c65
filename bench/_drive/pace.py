"""A load that keeps its pace whatever the server does, so that a slow answer delays no later request (coordinated
omission): nghttp2's h2load over HTTP/1.1, which logs what each request took."""
import re
import subprocess
from pathlib import Path

from .bars import percentile
from .machine import Failed


def paced(port, per_s, seconds, connections, log):
    """Latencies in milliseconds of requests sent at `per_s`; all must be answered."""
    Path(log).unlink(missing_ok=True)
    done = subprocess.run(
        ["h2load", "--h1", "--duration", str(seconds), "--clients", str(connections), "--threads", "1",
         "--rps", str(max(1, round(per_s / connections))), "--log-file", str(log),
         f"http://127.0.0.1:{port}/"], capture_output=True, text=True, check=True)
    said = re.search(r"requests: .*?(\d+) succeeded, (\d+) failed, (\d+) errored", done.stdout)
    if not said or int(said[2]) or int(said[3]):
        raise Failed(f"h2load: {done.stdout}")
    lines = [line.split("\t") for line in Path(log).read_text().splitlines()]
    return [int(took) / 1000 for _, status, took in lines if status == "200"]


def p99_ms(port, per_s, seconds, connections, log):
    return percentile(paced(port, per_s, seconds, connections, log), 0.99)
