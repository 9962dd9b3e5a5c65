"""The driver of the demo and the benchmarks: against a real git, the real load client, a real server."""
import http.server
import sys
import tempfile
import threading
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "bench"), str(ROOT / "tools")]

import kills  # noqa: E402
from _drive.bars import Bars, percentile  # noqa: E402
from _drive.load import Load, last_sent_ms  # noqa: E402
from _drive.machine import Failed, free_port, kill_if_there, wait_for  # noqa: E402
from _drive.repository import Repository  # noqa: E402


class Stamped(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.send_header("X-App-Release", self.server.release)
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_):
        pass


class LoadTest(unittest.TestCase):
    def setUp(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stamped)
        self.server.daemon_threads = True
        self.server.release = "1"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def tearDown(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def load(self):
        return Load(self.server.server_port, "app.localhost", "--rate", 100)

    def test_phases_and_releases_are_counted(self):
        with self.load() as load:
            load.allow(1)
            wait_for("ten answers", lambda: load.report()["requests_answered"] >= 10)
            load.phase("second")
            self.server.release = "2"
            load.allow(1, 2)
            wait_for("release 2", lambda: last_sent_ms(load.report(), 2) > 0)
            load.allow(2)
            report = load.finish()
        self.assertEqual(report["requests_lost"], 0)
        self.assertEqual(report["wrong_release"], 0)
        self.assertEqual([phase["name"] for phase in report["phases"]], ["start", "second"])
        self.assertGreater(last_sent_ms(report, 2), last_sent_ms(report, 1))

    def test_a_release_that_must_not_answer_is_noticed(self):
        with self.load() as load:
            load.allow(7)
            wait_for("wrong answers", lambda: load.report()["wrong_release"] >= 5)
            self.assertEqual(load.finish()["requests_lost"], 0)

    def test_a_client_that_dies_is_a_failure_not_a_silence(self):
        with self.load() as load:
            kill_if_there(load.process.pid)
            with self.assertRaises((Failed, BrokenPipeError)):
                load.report()


class RepositoryTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.repository = Repository(Path(self.folder.name) / "app")

    def test_each_commit_has_its_own_sha(self):
        self.repository.write("a/b.txt", "one")
        first = self.repository.commit("One, with \"quotes\" and $(dollars)")
        self.repository.replace("a/b.txt", "one", "two")
        self.assertNotEqual(first, self.repository.commit("Two"))

    def test_replacing_what_is_not_there_is_an_error(self):
        self.repository.write("a.txt", "one")
        with self.assertRaisesRegex(ValueError, "no 'three'"):
            self.repository.replace("a.txt", "three", "four")

    def test_the_example_has_what_the_demo_replaces(self):
        import demo
        self.repository.copy(ROOT / "examples" / "lettings")
        demo.adapt(self.repository)
        config = (self.repository.folder / "ecluse.yml").read_text()
        self.assertIn("sample_data", config)
        self.assertIn("weights: [10%]", config)

    def test_only_what_was_sent_soon_after_the_seventh_is_forgiven(self):
        import demo
        self.assertEqual(demo.requests_soon([0.0] * 6), 0)
        self.assertEqual(demo.requests_soon([0.0] * 6 + [500.0, 600.0, 700.0, 701.0]), 2)

    def test_errors_inside_a_canary_are_of_those_who_met_it(self):
        import demo
        self.assertEqual(demo.errors_inside({"errors_inside": {"3": 4}}, "3"), 4)
        self.assertEqual(demo.errors_inside({"errors_5xx": 4}, "3"), 0)


class BarsTest(unittest.TestCase):
    def test_one_bar_that_does_not_hold_fails_the_run(self):
        bars = Bars()
        bars.at_most("a_ms", 99.0, 100.0, "a", " ms")
        self.assertTrue(bars.all_hold())
        bars.equals("lost", 1, 0, "lost")
        self.assertFalse(bars.all_hold())

    def test_percentiles(self):
        self.assertEqual(percentile([5, 1, 3], 0.5), 3)
        self.assertEqual(percentile([], 0.5), 0.0)


class KillsTest(unittest.TestCase):
    def test_only_what_a_kill_explains_was_in_flight(self):
        killed = {"worker 1": kills.Kill(at_ms=1000.0, gone_ms=1003.0)}
        dying = {"connected_ms": 1002.0, "sent_ms": 1001.0, "lost_ms": 1003.0}
        held = {"connected_ms": 900.0, "sent_ms": 990.0, "lost_ms": 1001.0}
        later = {"connected_ms": 1200.0, "sent_ms": 1210.0, "lost_ms": 1300.0}
        refused = {"connected_ms": 0.0, "sent_ms": 1005.0, "lost_ms": 1006.0}
        report = {"losses": [held, dying, later, refused]}
        self.assertEqual(kills.not_in_flight(report, killed), [later, refused])


class PortTest(unittest.TestCase):
    def test_a_free_port_can_be_listened_on(self):
        http.server.HTTPServer(("127.0.0.1", free_port()), Stamped).server_close()


if __name__ == "__main__":
    unittest.main()
