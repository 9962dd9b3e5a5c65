"""The load client as a companion process: commands on its stdin, one line of JSON for each."""
import json
import subprocess

from .machine import BUILD, Failed


class Load:
    """Requests against one host of a gateway. Use as a context; `finish()` gives the final report."""

    def __init__(self, port, host, *arguments):
        self.process = subprocess.Popen(
            [BUILD / "ecluse-load", "--to", f"127.0.0.1:{port}", "--host", host,
             *map(str, arguments)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
        )

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def _answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise Failed(f"the load client ended with {self.process.wait()}")
        return json.loads(line)

    def say(self, command):
        self.process.stdin.write(command + "\n")
        return self._answer()

    def phase(self, name):
        """Requests from now on count under `name`; returns the time in ms of CLOCK_MONOTONIC."""
        return self.say(f"phase {name}")["at_ms"]

    def allow(self, *releases):
        """Only these releases may answer from now on; none named: any."""
        return self.say("allow " + ",".join(map(str, releases)))["at_ms"]

    def rate(self, per_second):
        return self.say(f"rate {per_second}")["at_ms"]

    def report(self):
        return self.say("report")

    def finish(self):
        """No new requests; waits for those in flight; the final report."""
        self.say("stop")
        return self._answer()


def last_sent_ms(report, release):
    """When the last request that `release` answered was sent; 0 if it answered none."""
    return report["release"].get(str(release), {}).get("last_sent_ms", 0.0)
