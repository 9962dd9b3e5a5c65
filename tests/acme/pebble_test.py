#!/usr/bin/python3
"""Certificates by ACME, from the distribution's test server. Usage: pebble_test.py PROGRAM"""
import json
import os
import pathlib
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "http2"))
from gateway import PATIENCE_S, App, eventually  # noqa: E402  pylint: disable=wrong-import-position

PROGRAM = sys.argv.pop(1) if len(sys.argv) > 1 else ""
HOST = "shop.example.test"


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


def answers(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    except OSError:
        return False


class Pebble:
    """pebble, and a name server that says 127.0.0.1 to everything."""

    def __init__(self, folder, http_port, tls_port, lives_s=0):
        self.folder = folder
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
             "subjectAltName=DNS:localhost", "-keyout", folder / "pebble.key", "-out",
             folder / "pebble.pem"], check=True, capture_output=True)
        names, management, self.port, self.roots = (free_port() for _ in range(4))
        config = {"listenAddress": f"127.0.0.1:{self.port}",
                  "managementListenAddress": f"127.0.0.1:{self.roots}",
                  "certificate": str(folder / "pebble.pem"),
                  "privateKey": str(folder / "pebble.key"),
                  "httpPort": http_port, "tlsPort": tls_port}
        if lives_s:
            config["certificateValidityPeriod"] = lives_s
        (folder / "pebble.json").write_text(json.dumps({"pebble": config}))
        self.log = open(folder / "pebble.log", "wb")
        # A third of the nonces is refused: a client that does not try again fails soon.
        surroundings = os.environ | {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "33"}
        self.processes = [
            subprocess.Popen(["pebble-challtestsrv", "-defaultIPv4", "127.0.0.1", "-defaultIPv6", "",
                              "-dns01", f"127.0.0.1:{names}", "-http01", "", "-https01", "",
                              "-tlsalpn01", "", "-management", f"127.0.0.1:{management}"],
                             stdout=self.log, stderr=self.log),
            subprocess.Popen(["pebble", "-strict", "-config", folder / "pebble.json", "-dnsserver",
                              f"127.0.0.1:{names}"], stdout=self.log, stderr=self.log,
                             env=surroundings)]
        eventually(lambda: answers(self.port) and answers(management), "pebble answers")

    def root(self):
        context = ssl.create_default_context(cafile=self.folder / "pebble.pem")
        address = f"https://localhost:{self.roots}/roots/0"
        with urllib.request.urlopen(address, context=context, timeout=PATIENCE_S) as said:
            return said.read().decode()

    def close(self):
        for process in self.processes:
            process.kill()
            process.wait()
        self.log.close()


class Gateway:
    def __init__(self, program, folder):
        self.control = folder / "gateway.sock"
        self.folder = folder / "gateway"
        self.log = open(folder / "gateway.log", "wb")
        self.words = lambda: (folder / "gateway.log").read_text(errors="replace")
        self.process = subprocess.Popen(
            [program, "gateway", "--listen", "127.0.0.1:0", "--tls-listen", "127.0.0.1:0",
             "--workers", "2", "--folder", self.folder, "--control", self.control],
            stdout=subprocess.PIPE, stderr=self.log)
        self.port, self.tls_port = (
            int(self.process.stdout.readline().decode().split()[1].rsplit(":", 1)[1])
            for _ in range(2))
        self.sequence = 0

    def serve(self, host, app, directory, trusted):
        self.sequence += 1
        target = {"instance": "i", "address": "127.0.0.1", "port": app.port}
        site = {"app": "shop", "environment": host.split(".", maxsplit=1)[0], "hosts": [host], "arms": [
            {"release": 1, "weight_ppm": 1000000,
             "backends": [{"process": "web", "prefixes": ["/"], "targets": [target]}]}],
            "tls": {"source": "acme", "directory": directory, "trusted": str(trusted),
                    "contact": "ops@example.test"}}
        order = {"op": "apply", "site": site,
                 "fence": {"term": 1, "rollout": "", "sequence": self.sequence}}
        with socket.socket(socket.AF_UNIX) as control:
            control.connect(str(self.control))
            control.sendall(json.dumps(order).encode() + b"\n")
            said = json.loads(control.makefile().readline())
        assert said["ok"], said

    def certificate(self, host, root=None):
        """The serial number shown for `host`; None while there is none. With `root` it is verified."""
        context = ssl.create_default_context(cadata=root) if root else ssl._create_unverified_context()
        try:
            with socket.create_connection(("127.0.0.1", self.tls_port), timeout=PATIENCE_S) as raw:
                with context.wrap_socket(raw, server_hostname=host) as tls:
                    return tls.getpeercert(binary_form=True)
        except (ssl.SSLError, ConnectionError):
            return None

    def close(self):
        self.process.terminate()
        code = self.process.wait(PATIENCE_S)
        self.process.stdout.close()
        self.log.close()
        if code != 0 or "Sanitizer" in self.words():
            raise AssertionError(f"the gateway ended with {code}:\n{self.words()}")


class Acme(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ecluse-acme-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.app = App()
        self.addCleanup(self.app.close)
        self.gateway = Gateway(PROGRAM, self.folder)
        self.addCleanup(self.gateway.close)

    def pebble(self, http_port=None, tls_port=None, **more):
        pebble = Pebble(self.folder, http_port or self.gateway.port,
                        tls_port or self.gateway.tls_port, **more)
        self.addCleanup(pebble.close)
        return pebble

    def serve(self, pebble, host=HOST):
        self.gateway.serve(host, self.app, f"https://localhost:{pebble.port}/dir",
                           self.folder / "pebble.pem")

    def await_certificate(self, pebble, host=HOST):
        try:
            eventually(lambda: self.gateway.certificate(host), "a certificate")
        except AssertionError as error:
            raise AssertionError(self.gateway.words()) from error
        self.assertTrue(self.gateway.certificate(host, pebble.root()), "it is not the server's")

    def progress(self, host=HOST):
        file = self.gateway.folder / "tls" / "certificates" / f"{host}.json"
        return json.loads(file.read_text()) if file.exists() else None

    def test_by_http(self):
        pebble = self.pebble(tls_port=free_port())
        self.serve(pebble)
        self.await_certificate(pebble)
        self.assertEqual(self.app.received, b"")  # the challenge was ours to answer
        file = self.gateway.folder / "tls" / "certificates" / f"{HOST}.pem"
        self.assertEqual(file.stat().st_mode & 0o777, 0o600)
        self.assertNotIn("PRIVATE KEY", self.gateway.words())
        self.assertNotIn("PRIVATE KEY", (self.gateway.folder / "state").read_text())

    def test_by_tls(self):
        pebble = self.pebble(http_port=free_port())
        folder = self.gateway.folder / "tls" / "certificates"
        folder.mkdir(parents=True)
        # As after a first failure: the other way of validation has its turn.
        (folder / f"{HOST}.json").write_text('{"failures": 1, "next_try_s": 0, "message": ""}')
        self.serve(pebble)
        self.await_certificate(pebble)

    def test_renews_before_it_expires_with_the_same_account(self):
        pebble = self.pebble(lives_s=12)
        self.serve(pebble)
        self.await_certificate(pebble)
        first = self.gateway.certificate(HOST)
        eventually(lambda: self.gateway.certificate(HOST) not in (None, first), "another certificate")
        self.assertEqual(len(list((self.gateway.folder / "tls" / "accounts").iterdir())), 1)

    def test_a_server_that_never_answers_holds_nobody_up(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            self.gateway.serve(HOST, self.app, f"https://localhost:{silent.getsockname()[1]}/dir", "")
            silent.settimeout(PATIENCE_S)
            connection, _ = silent.accept()
            with connection:
                self.gateway.close()  # it would wait a minute for the answer

    def test_a_failure_is_kept_waits_and_disables_one_host(self):
        pebble = self.pebble()
        self.serve(pebble)
        self.await_certificate(pebble)
        began = time.time()
        self.gateway.serve("other.example.test", self.app, f"https://localhost:{free_port()}/dir",
                           self.folder / "pebble.pem")
        eventually(lambda: self.progress("other.example.test"), "a failure")
        failed = self.progress("other.example.test")
        self.assertEqual(failed["failures"], 1)
        self.assertGreaterEqual(failed["next_try_s"], began + 290)
        self.assertIn("localhost", failed["message"])
        self.assertIsNone(self.gateway.certificate("other.example.test"))
        self.assertTrue(self.gateway.certificate(HOST))


if __name__ == "__main__":
    for needed in ("pebble", "pebble-challtestsrv"):
        if not shutil.which(needed):
            print(f"skipped: {needed} is not installed; ./run setup installs it")
            sys.exit(77)
    unittest.main(verbosity=1)
