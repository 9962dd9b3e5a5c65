#!/usr/bin/python3
"""A real browser over HTTP/2 and TLS, with a WebSocket, while the gateway is replaced by its successor.
Usage: browser_test.py PROGRAM (the gateway). Needs the distribution's chromium."""
import base64
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "http2"))
from gateway import PATIENCE_S, App, Gateway, Managed, answer, eventually  # noqa: E402

PROGRAM = sys.argv.pop(1) if len(sys.argv) > 1 else ""
CHROMIUM = shutil.which("chromium")

PAGE = b"""<!doctype html><title>site</title><script>
const state = {loads: 0, failures: [], said: 0, heard: 0, closed: null, runs: true};
const socket = new WebSocket(`wss://${location.host}/socket`);
socket.onmessage = () => { state.heard++; };
socket.onclose = event => { state.closed = event.code; };
socket.onopen = () => setInterval(() => { if (socket.readyState === 1) { state.said++; socket.send('x'); } }, 20);
async function work() {
  while (state.runs) {
    try {
      const got = await fetch('/item?' + Math.random());
      if (got.status !== 200 || await got.text() !== 'item') state.failures.push('status ' + got.status);
      state.loads++;
    } catch (error) { state.failures.push(String(error)); }
  }
}
for (let i = 0; i < 4; i++) work();
</script>"""


def serve(peer):
    """A page, items, and an echo over WebSocket (frames as they come: the mask is taken off)."""
    while True:
        head, _ = peer.read_request()
        if not head:
            return
        path = head.split(b" ")[1]
        if path == b"/socket":
            return echo(peer, head)
        body = PAGE if path == b"/" else b"item"
        peer.send(answer(body, fields=b"Content-Type: text/html\r\n"))


def echo(peer, head):
    key = re.search(rb"\r\nsec-websocket-key: (\S+)", head, re.I)[1]
    digest = hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
    peer.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
              b"Sec-WebSocket-Accept: " + base64.b64encode(digest) + b"\r\n\r\n")
    while True:
        while len(peer.waiting) < 6 or len(peer.waiting) < 6 + (peer.waiting[1] & 127):
            if not peer.fill():
                return
        size = peer.waiting[1] & 127  # short messages only: less than 126 bytes
        mask, text = peer.waiting[2:6], peer.waiting[6 : 6 + size]
        opcode, peer.waiting = peer.waiting[0], peer.waiting[6 + size :]
        peer.send(bytes([opcode, size]) + bytes(b ^ mask[i % 4] for i, b in enumerate(text)))


def key_digest(certificate):
    """As Chromium names a key that it is to trust."""
    key = subprocess.run(["openssl", "x509", "-in", certificate, "-noout", "-pubkey"], check=True,
                         capture_output=True).stdout
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "der"], input=key, check=True,
                         capture_output=True).stdout
    return base64.b64encode(hashlib.sha256(der).digest()).decode()


class Browser:
    """Headless Chromium, spoken to over a pair of pipes (its DevTools protocol)."""

    def __init__(self, trusted):
        self.folder = tempfile.mkdtemp(prefix="ecluse-browser-")
        theirs_in, self.out = os.pipe()
        self.into, theirs_out = os.pipe()

        def wire():
            os.dup2(theirs_in, 3)
            os.dup2(theirs_out, 4)

        self.log = open(os.path.join(self.folder, "log"), "wb")
        self.process = subprocess.Popen(
            [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
             f"--ignore-certificate-errors-spki-list={key_digest(trusted)}",
             "--disable-features=LocalNetworkAccessChecks", "--remote-debugging-pipe",
             f"--user-data-dir={self.folder}/profile", "about:blank"],
            preexec_fn=wire, close_fds=False, stdout=self.log, stderr=self.log,
            start_new_session=True)
        os.close(theirs_in)
        os.close(theirs_out)
        self.waiting, self.number = b"", 0
        target = next(t for t in self.call("Target.getTargets")["targetInfos"] if t["type"] == "page")
        self.session = self.call("Target.attachToTarget", targetId=target["targetId"],
                                 flatten=True)["sessionId"]

    def call(self, method, session=None, **parameters):
        self.number += 1
        order = {"id": self.number, "method": method, "params": parameters}
        if session:
            order["sessionId"] = session
        os.write(self.out, json.dumps(order).encode() + b"\0")
        while True:
            while b"\0" not in self.waiting:
                data = os.read(self.into, 1 << 16)
                if not data:
                    raise AssertionError("the browser is gone: " + self.words())
                self.waiting += data
            text, self.waiting = self.waiting.split(b"\0", 1)
            said = json.loads(text)
            if said.get("id") != self.number:
                continue  # an event, which nobody waits for
            if "error" in said:
                raise AssertionError(f"{method}: {said['error']}")
            return said["result"]

    def go(self, url):
        self.call("Page.navigate", self.session, url=url)

    def ask(self, expression):
        said = self.call("Runtime.evaluate", self.session, expression=f"JSON.stringify({expression})")
        return json.loads(said["result"].get("value") or "null")

    def words(self):
        return pathlib.Path(self.folder, "log").read_text(errors="replace")[-2000:]

    def close(self):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)  # the group that we began
        except ProcessLookupError:
            pass
        self.process.wait()
        self.log.close()
        os.close(self.out)
        os.close(self.into)
        shutil.rmtree(self.folder, ignore_errors=True)


class InABrowser(unittest.TestCase):
    def visit(self, gateway):
        """A browser at work on the site, and how it fares."""
        browser = Browser(gateway.folder / "cert.pem")
        self.addCleanup(browser.close)
        browser.go(f"https://localhost:{gateway.port}/")

        def state():
            return browser.ask("typeof state === 'undefined' ? null : state") or {"loads": 0, "heard": 0}

        eventually(lambda: state()["loads"] > 20 and state()["heard"] > 5, "the site is at work")
        self.assertEqual(browser.ask("performance.getEntriesByType('navigation')[0].nextHopProtocol"),
                         "h2")
        return browser, state

    def test_a_deploy_by_steps_and_the_drain_of_what_was_before(self):
        old, new = App(serve), App(serve)
        gateway = Managed(PROGRAM)
        for each in (old, new, gateway):
            self.addCleanup(each.close)
        gateway.apply([(6, old, 1_000_000)])
        browser, state = self.visit(gateway)
        for share in (200_000, 1_000_000):
            before = state()
            gateway.apply([(6, old, 1_000_000 - share), (7, new, share)])
            eventually(lambda: state()["loads"] > before["loads"] + 50, "it goes on")
        self.assertIn(b"GET /item", new.received)
        self.assertIsNone(state().get("closed"))  # its WebSocket is still with the old release
        gateway.drain(6, 100)
        eventually(lambda: state()["closed"] is not None, "the WebSocket is told to come back")
        asked = old.received.count(b" HTTP/1.1\r\n")  # the end of its WebSocket may still be on its way
        before = state()
        eventually(lambda: state()["loads"] > before["loads"] + 50, "it goes on")
        after = state()
        self.assertEqual((after["failures"], after["closed"]), ([], 1012))
        self.assertEqual(old.received.count(b" HTTP/1.1\r\n"), asked)
        browser.ask("state.runs = false")

    def test_a_site_over_http2_with_a_websocket_while_the_gateway_is_replaced(self):
        app = App(serve)
        self.addCleanup(app.close)
        gateway = Gateway(PROGRAM, app)
        self.addCleanup(gateway.close)
        browser, state = self.visit(gateway)
        for _ in range(2):
            before = state()
            gateway.process.send_signal(signal.SIGUSR2)
            eventually(lambda: state()["loads"] > before["loads"] + 100, "it goes on")
        after = state()
        self.assertEqual(after["failures"], [])
        self.assertIsNone(after["closed"])
        eventually(lambda: state()["heard"] >= after["said"], "every message was answered")
        browser.ask("state.runs = false")
        print(f"{after['loads']} requests and {after['heard']} messages, none lost")


if __name__ == "__main__":
    if not CHROMIUM:
        print("skipped: chromium is not installed; ./run setup installs it")
        sys.exit(77)
    unittest.main(verbosity=1)
