"""One ecluse of our own: temporary folders, free loopback ports, processes we can kill and find."""
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("ECLUSE_BUILD", ROOT / "build" / "release")).resolve()


# Whatever else names our folder, a person's `tail -f` say, is not ours to end.
PROGRAMS = ("ecluse", "postgres", "redis-server")
OWN_NETWORK = "ECLUSE_BENCH_OWN_NETWORK"


class Failed(RuntimeError):
    """Something did not do what the demo or benchmark needs; the text is for people."""


def enter_own_network():
    """Begins this program again in a network namespace of its own. The machine's firewall rules and its connection
    tracking (Docker brings both) cost every proxy the same for each packet, and so hide what they differ in."""
    if os.environ.get(OWN_NETWORK) is None:
        enter = ["unshare", "--net", *([] if os.geteuid() == 0 else ["--map-root-user"])]
        probe = subprocess.run([*enter, "true"], stderr=subprocess.PIPE, text=True, check=False)
        if probe.returncode != 0:
            sys.exit(f"failed: no network namespace could be made to measure in: {probe.stderr.strip()}\n"
                     "  next: run it as root, or where user namespaces are allowed")
        os.environ[OWN_NETWORK] = "entered"
        os.execvp(enter[0], [*enter, sys.executable, *sys.argv])
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    # BBR, some machines' default, paces even loopback by timers: a good part of what a large answer costs, and the
    # more the fewer calls a proxy makes. Here nobody is paced.
    Path("/proc/sys/net/ipv4/tcp_congestion_control").write_text("reno", encoding="ascii")


def free_port():
    """A loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(what, condition, timeout_s=60.0, every_s=0.02):
    """The first true value of `condition()`; Failed names `what` when the time is over."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Failed(f"waited {timeout_s:.0f} s for {what}")
        time.sleep(every_s)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("ecluse", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self.path))


class Ecluse:
    """`ecluse up` with its own data and run folders. Use as a context: it leaves nothing behind."""

    def __init__(self, name="ecluse", keep=False):
        self.keep = keep
        self.folder = Path(tempfile.mkdtemp(prefix=f"{name}-"))
        self.folder.chmod(0o755)  # an instance's user must be able to pass
        self.data, self.run = self.folder / "data", self.folder / "run"
        self.run.mkdir()
        self.port = free_port()
        self.program = BUILD / "ecluse"
        self.log = open(self.folder / "ecluse.log", "ab")
        self.daemon = None

    def __enter__(self):
        # Told to stop, we still clean up: the exception passes through __exit__.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        return self

    def __exit__(self, *failure):
        if self.keep and failure[0] is None:
            return
        self.down()
        if failure[0] is None:
            shutil.rmtree(self.folder, ignore_errors=True)

    # --- the daemon

    def up(self):
        """Starts the control plane (and, the first time, the gateway) and waits until it answers."""
        self.daemon = subprocess.Popen(
            [self.program, "up", "--data", self.data, "--run", self.run,
             "--listen", f"127.0.0.1:{self.port}"],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, start_new_session=True,
        )
        wait_for("ecluse up to answer", self._answers, 30)

    def _answers(self):
        if self.daemon.poll() is not None:
            raise Failed(f"ecluse up ended with {self.daemon.returncode}:\n{self.log_tail()}")
        try:
            return self.api("GET", "/v1/ping")
        except OSError:
            return False

    def kill_control_plane(self):
        """kill -9, as a crash or the kernel would."""
        self.daemon.send_signal(signal.SIGKILL)
        self.daemon.wait()

    def down(self):
        """Stops everything of ours; what does not obey is killed by its id."""
        try:
            self.cli("down", "--all", "--yes", check=False, timeout_s=90)
        except subprocess.TimeoutExpired:
            pass  # the kills below are for exactly this
        for pid in self.processes() + self.app_processes():
            kill_if_there(pid)
        if self.daemon is not None:
            self.daemon.wait()

    def app_processes(self):
        """What the instances' own records name: an app's command line does not name our folder."""
        found = []
        for status in (self.data / "instances").glob("*/status.json"):
            pid = json.loads(status.read_text() or "{}").get("pid", 0)
            if pid > 1 and str(self.folder) in mounts(pid):
                found.append(pid)
        return found

    def log_tail(self, lines=30):
        self.log.flush()
        text = (self.folder / "ecluse.log").read_text(errors="replace")
        return "\n".join(text.splitlines()[-lines:])

    # --- the command line and the API

    def environment_variables(self):
        return os.environ | {"ECLUSE_RUN": str(self.run), "ECLUSE_DATA": str(self.data),
                             "XDG_CACHE_HOME": str(self.folder / "cache")}

    def command(self, *arguments):
        return [str(self.program), *map(str, arguments)]

    def cli(self, *arguments, cwd=None, check=True, timeout_s=180, text_in=None):
        """Runs `ecluse ARGUMENTS` to its end."""
        done = subprocess.run(
            self.command(*arguments), cwd=cwd, input=text_in, text=True, timeout=timeout_s,
            capture_output=True, env=self.environment_variables(),
        )
        if check and done.returncode != 0:
            raise Failed(f"ecluse {' '.join(map(str, arguments))} exited with {done.returncode}:\n"
                         f"{done.stdout}{done.stderr}")
        return done

    def deploy(self, repository, environment, ref="HEAD", check=True, timeout_s=300):
        """`ecluse deploy` followed to its end."""
        return self.cli("deploy", ref, "--to", environment, cwd=repository.folder, check=check,
                        timeout_s=timeout_s)

    def begin(self, *arguments, cwd=None):
        """A command whose end we do not wait for yet."""
        return subprocess.Popen(
            self.command(*arguments), cwd=cwd, text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=self.environment_variables(),
        )

    def secret(self, key, name, value):
        self.cli("secret", "set", name, "--to", key, text_in=value)

    def api(self, method, path, body=None, timeout_s=130):
        """One call of the API; Failed with its own words when it refuses."""
        connection = _UnixConnection(self.run / "ecluse.sock", timeout_s)
        try:
            connection.request(method, path, json.dumps(body or {}) if method != "GET" else None)
            response = connection.getresponse()
            answer = json.loads(response.read() or b"{}")
        finally:
            connection.close()
        if response.status >= 400:
            raise Failed(f"{method} {path}: {answer.get('error', answer)}")
        return answer

    def environment(self, key):
        return self.api("GET", f"/v1/environments/{key}")

    def rollout(self, identity):
        return self.api("GET", f"/v1/rollouts/{identity}")

    def wait_until_settled(self, key, timeout_s=120):
        """Waits until nothing is queued and the last rollout has ended: drained, baked, the old
        release stopped. Returns the environment."""
        def look():
            view = self.environment(key)
            ended = (view.get("rollout") or {}).get("outcome", "running") != "running"
            return view if ended and not view.get("queued") else None
        return wait_for(f"the rollout of {key} to end", look, timeout_s)

    def wait_for_rollout(self, identity, condition, what, timeout_s=120):
        """The first view of the rollout for which `condition(view)` holds."""
        def look():
            view = self.rollout(identity)
            return view if condition(view) else None
        return wait_for(f"rollout {identity} {what}", look, timeout_s)

    # --- processes

    def processes(self, *words):
        """Ids of processes of this ecluse: their command line names our folder, and all `words`."""
        found = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            line = command_line(entry.name)
            program = Path(line.split("\0")[0]).name
            ours = program.startswith(PROGRAMS) and str(self.folder) in line
            if ours and all(word in line.split("\0") for word in words):
                found.append(int(entry.name))
        return found

    def gateway_processes(self):
        """(keeper, worker): the worker is the keeper's child, and its command line does not name us."""
        keeper = self.processes("gateway")[0]
        return keeper, wait_for("the gateway's worker", lambda: children_of(keeper), 10)[0]

    def shims(self):
        """Ids of the shims, by instance id."""
        found = {}
        for pid in self.processes("ecluse-shim"):
            words = command_line(pid).split("\0")
            if len(words) > 1:  # else it has ended since it was listed
                found[Path(words[1]).name] = pid
        return found


def command_line(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return ""  # it has ended since we listed it


def mounts(pid):
    try:
        return Path(f"/proc/{pid}/mountinfo").read_text(errors="replace")
    except OSError:
        return ""  # it has ended since we read its record


def kill_if_there(pid, number=signal.SIGKILL):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass  # ended by itself: what we wanted


def children_of(pid):
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []  # it has ended


def memory_bytes(pid):
    """Proportional set size: shared pages count for as much as each sharer's part."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    raise Failed(f"no Pss for process {pid}")
