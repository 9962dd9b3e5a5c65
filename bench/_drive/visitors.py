"""People who visit a site, each with the cookies they were given: who saw what, of which release."""
import collections
import http.client
import queue
import random
import threading
import time

TIMEOUT_S = 30
AT_ONCE = 64  # at most so many wait for an answer

Visit = collections.namedtuple("Visit", "at_ms person release status took_ms path")


class Visitors:
    """A crowd whose visits come at a steady pace, whether or not earlier ones were answered. Use as a
    context: it begins with everybody's first visit, which gives them their cookies. (Who sends no cookie
    back is to the judge one unit with all who come from the same address.)"""

    def __init__(self, port, host, per_second, paths, crowd, seed=1):
        self.port, self.host, self.per_second = port, host, per_second
        self.paths = paths  # path to its share
        self.crowd = crowd
        self.random = random.Random(seed)
        self.cookies = {}  # by person
        self.visits = []
        self.lost = []
        self.leaving = threading.Event()
        self.due = queue.Queue()
        self.threads = [threading.Thread(target=self._serve, daemon=True) for _ in range(AT_ONCE)]
        self.pace = threading.Thread(target=self._come, daemon=True)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        for person in range(self.crowd):
            self.due.put((person, "/"))
        self.due.join()
        self.pace.start()
        return self

    def __exit__(self, *failure):
        self.leave()

    def leave(self):
        """Nobody comes any more, and everybody has their answer."""
        self.leaving.set()
        self.pace.join()
        for _ in self.threads:
            self.due.put(None)
        for thread in self.threads:
            thread.join()

    def _come(self):
        began, count = time.monotonic(), 0
        while not self.leaving.is_set():
            count += 1
            self.leaving.wait(max(0.0, began + count / self.per_second - time.monotonic()))
            paths = self.paths
            path = self.random.choices(list(paths), paths.values())[0]
            self.due.put((self.random.randrange(self.crowd), path))

    def _serve(self):
        while (asked := self.due.get()) is not None:
            self._visit(*asked)
            self.due.task_done()

    def _visit(self, person, path):
        cookies = {"visitor": str(person)} | self.cookies.get(person, {})
        headers = {"Host": self.host, "Cookie": "; ".join(f"{k}={v}" for k, v in cookies.items())}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_S)
        began = time.monotonic()
        try:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as failure:
            self.lost.append(f"{path}: {failure!r}")
            return
        finally:
            connection.close()
        given = [field.split(";")[0].split("=", 1) for field in answer.headers.get_all("Set-Cookie", [])]
        self.cookies[person] = self.cookies.get(person, {}) | dict(given)
        took_ms = (time.monotonic() - began) * 1000
        self.visits.append(Visit(began * 1000, person, answer.headers.get("X-Ecluse-Release", ""),
                                 answer.status, took_ms, path))

    def since(self, at_ms):
        return [visit for visit in list(self.visits) if visit.at_ms >= at_ms]


def now_ms():
    return time.monotonic() * 1000


def errors(visits):
    return [visit for visit in visits if visit.status >= 500]


def outside(visits, release):
    """What people met whom `release` never answered."""
    met = {visit.person for visit in visits if visit.release == str(release)}
    return [visit for visit in visits if visit.person not in met]
