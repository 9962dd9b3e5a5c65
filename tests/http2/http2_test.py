#!/usr/bin/python3
"""HTTP/2 through the gateway: what works, and what hostile clients get. Usage: http2_test.py PROGRAM"""
import base64
import hashlib
import json
import re
import socket
import subprocess
import sys
import threading
import unittest
import urllib.request

from hyperframe import frame as frames

from gateway import GET, PATIENCE_S, PREFACE, App, Client, Gateway, Managed, Peer, answer, eventually

PROGRAM = sys.argv.pop(1) if len(sys.argv) > 1 else ""
NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR = 0, 1, 2, 3
STREAM_CLOSED, REFUSED_STREAM, CANCEL, COMPRESSION_ERROR, ENHANCE_YOUR_CALM = 5, 7, 8, 9, 11


def with_(**changes):
    """GET with some of its pseudo fields changed; None leaves one out."""
    fields = []
    for name, value in GET:
        value = changes.get(name[1:], value)
        if value is not None:
            fields.append((name, value))
    return fields


def ended(client):
    """Stream 1 is closed because its request was answered."""
    client.request(1)
    client.await_answer(1)


def reset(client):
    """Stream 1 is closed because its client gave it up."""
    client.request(1, with_(method="POST"), ends=False)
    client.send(frames.RstStreamFrame(1, error_code=CANCEL))


def hits_of(port, bound):
    """How often the gateway's metrics say that this bound was hit."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=PATIENCE_S) as answer:
        found = re.search(rf'ecluse_bound_hits_total{{bound="{bound}"}} (\d+)', answer.read().decode())
    return int(found[1]) if found else 0


def answers(body):
    """An app that says who it is, whatever it is asked."""
    def serve(peer):
        while peer.read_request()[0]:
            peer.send(answer(body))
    return serve


class Http2(unittest.TestCase):
    def serve(self, serve=None, *more):
        self.app = App(serve)
        self.gateway = Gateway(PROGRAM, self.app, *more)
        self.addCleanup(self.app.close)
        self.addCleanup(self.gateway.close)

    def manage(self, *more):
        """A gateway that waits for its site."""
        self.gateway = Managed(PROGRAM, *more)
        self.addCleanup(self.gateway.close)

    def client(self, **options):
        client = Client(self.gateway.port, **options)
        self.addCleanup(client.close)
        return client

    def curl(self, *arguments, said=b""):
        done = subprocess.run(
            ["curl", "--silent", "--show-error", "--http2", "--cacert",
             self.gateway.folder / "cert.pem", "--max-time", "60", *arguments,
             f"https://localhost:{self.gateway.port}/"], input=said,
            capture_output=True, check=True)
        return done.stdout


class Working(Http2):
    def test_curl_gets_and_posts(self):
        self.serve()
        said = self.curl("-w", "%{http_code} %{http_version} ")
        self.assertEqual(said, b"ok200 2 ")
        self.assertEqual(self.curl("--data-binary", "@-", said=b"x" * 200000),
                         b"x" * 200000)
        self.assertIn(b"\r\nX-Forwarded-Proto: https\r\n", self.app.received)
        self.assertIn(b"\r\nVia: 2.0 ecluse\r\n", self.app.received)  # RFC 9110 section 7.6.3
        self.assertIn(b"\r\nHost: localhost:%d\r\n" % self.gateway.port, self.app.received)

    def test_nghttp_multiplexes_on_one_connection(self):
        self.serve()
        done = subprocess.run(
            ["h2load", "--requests=500", "--clients=1", "--max-concurrent-streams=50",
             f"https://127.0.0.1:{self.gateway.port}/"], capture_output=True, text=True, check=True)
        self.assertIn("500 succeeded, 0 failed, 0 errored", done.stdout)
        done = subprocess.run(["nghttp", "--verbose", "--no-dep",
                               f"https://localhost:{self.gateway.port}/"],
                              capture_output=True, text=True, check=True)
        self.assertIn(":status: 200", done.stdout)

    def test_answers_streams_as_they_are_ready(self):
        first = threading.Event()

        def serve(peer):
            head, _ = peer.read_request()
            if b" /first " in head:
                first.wait(20)
            peer.send(answer(head.split(b" ")[1]))

        self.serve(serve)
        client = self.client()
        client.request(1, with_(path="/first"))
        client.request(3, with_(path="/second"))
        self.assertEqual(client.await_answer(3), ("200", b"/second"))
        self.assertNotIn(1, client.ended)
        first.set()
        self.assertEqual(client.await_answer(1), ("200", b"/first"))

    def test_heads_without_bodies_end_with_the_head(self):
        def serve(peer):
            head, _ = peer.read_request()
            status = head.split(b" ")[1][1:]
            if head.startswith(b"HEAD"):
                peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n")
            else:
                peer.send(b"HTTP/1.1 %s Whatever\r\nETag: \"x\"\r\n\r\n" % status)

        self.serve(serve)
        client = self.client()
        client.request(1, with_(method="HEAD"))
        self.assertEqual(client.await_answer(1), ("200", b""))
        self.assertEqual(client.fields[1]["content-length"], "5000")
        for stream, status in ((3, "204"), (5, "304")):
            client.request(stream, with_(path="/" + status))
            self.assertEqual(client.await_answer(stream), (status, b""))
            self.assertNotIn(stream, client.bodies)

    def test_bodies_of_unknown_length_go_as_chunks_and_come_as_data(self):
        def serve(peer):
            _, body = peer.read_request()
            peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            peer.send(b"%x\r\n%s\r\n0\r\nX-Trailer: y\r\n\r\n" % (len(body), body))

        self.serve(serve)
        client = self.client()
        client.request(1, with_(method="POST"), ends=False)
        for piece in (b"one", b"", b"two"):
            client.data(1, piece)
        client.data(1, b"three", ends=True)
        self.assertEqual(client.await_answer(1), ("200", b"onetwothree"))
        self.assertIn(b"Transfer-Encoding: chunked\r\n", self.app.received)
        self.assertNotIn("transfer-encoding", client.fields[1])

    def test_trailers_of_an_answer_are_dropped_and_it_ends_all_the_same(self):
        def serve(peer):
            while peer.read_request()[0]:
                peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/grpc\r\nTrailer: grpc-status\r\n"
                          b"Transfer-Encoding: chunked\r\n\r\n7\r\n\0\0\0\0\2ok\r\n"
                          b"0\r\ngrpc-status: 0\r\ngrpc-message: fine\r\n\r\n")

        self.serve(serve)
        client = self.client()
        for stream in (1, 3):  # the app's connection is as good as before
            client.request(stream, with_(method="POST") + [("te", "trailers")], ends=False)
            client.data(stream, b"\0\0\0\0\2hi")
            client.request(stream, [("grpc-timeout", "1S")], ends=True)
            self.assertEqual(client.await_answer(stream), ("200", b"\0\0\0\0\2ok"))
            self.assertNotIn(stream, client.trailers)
            self.assertNotIn("trailer", client.fields[stream])
        self.assertNotIn(b"grpc-timeout", self.app.received)
        self.assertNotIn(b"\r\nte:", self.app.received.lower())

    def test_trailers_of_a_request_are_dropped(self):
        self.serve()
        client = self.client()
        client.request(1, with_(method="POST"), ends=False)
        client.data(1, b"body")
        client.request(1, [("x-trailer", "y")], ends=True)
        self.assertEqual(client.await_answer(1), ("200", b"body"))
        self.assertNotIn(b"trailer", self.app.received)

    def test_interim_answers_come_before_the_final_one(self):
        def serve(peer):
            peer.read_request()
            peer.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n" + answer(b"x"))

        self.serve(serve)
        client = self.client()
        client.request(1)
        self.assertEqual(client.await_answer(1), ("200", b"x"))
        self.assertEqual(client.interim[1],
                         [{":status": "103", "link": "</a.css>; rel=preload"}])

    def test_cookies_in_crumbs_reach_the_app_as_one(self):
        self.serve()
        client = self.client()
        client.request(1, GET + [("cookie", "a=1"), ("x-y", "z"), ("cookie", "b=2")])
        self.assertEqual(client.await_answer(1)[0], "200")
        self.assertIn(b"\r\ncookie: a=1; b=2\r\n", self.app.received)

    def test_fields_of_one_hop_and_our_own_do_not_reach_the_client(self):
        def serve(peer):
            peer.read_request()
            peer.send(answer(b"x", fields=b"Connection: close, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: 5\r\n"
                                          b"X-Kept: 1\r\n"))

        self.serve(serve)
        client = self.client()
        client.request(1)
        client.await_answer(1)
        self.assertEqual(client.fields[1].get("x-kept"), "1")
        for name in ("connection", "keep-alive", "x-hop", "transfer-encoding"):
            self.assertNotIn(name, client.fields[1])

    def test_a_large_answer_comes_through_small_windows_unchanged(self):
        body = bytes(i * 2654435761 >> 13 & 255 for i in range(1500000))

        def serve(peer):
            peer.read_request()
            peer.send(answer(body))

        self.serve(serve)
        client = self.client(settings={frames.SettingsFrame.INITIAL_WINDOW_SIZE: 1000})
        client.request(1)
        status, got = client.await_answer(1)
        self.assertEqual(status, "200")
        self.assertEqual(hashlib.sha256(got).hexdigest(), hashlib.sha256(body).hexdigest())

    def test_a_client_that_does_not_read_stops_the_app_and_no_other_stream(self):
        sent = []

        def serve(peer):
            head, _ = peer.read_request()
            if b" /large " not in head:
                return peer.send(answer(b"small"))
            size = 200 * 1000 * 1000
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
            piece = b"x" * 65536
            peer.connection.settimeout(1)
            try:
                while sum(sent) < size:
                    sent.append(peer.connection.send(piece))
            except TimeoutError:
                sent.append(0)

        self.serve(serve)
        client = self.client()
        client.reads = False
        client.request(1, with_(path="/large"))
        eventually(lambda: sent and sent[-1] == 0, "the app is stopped")
        self.assertLess(sum(sent), 20 * 1000 * 1000)  # sockets' buffers, not the answer
        client.send(frames.WindowUpdateFrame(0, window_increment=100000))
        client.request(3)
        self.assertEqual(client.await_answer(3), ("200", b"small"))

    def test_an_app_that_does_not_read_stops_the_upload_and_no_other_stream(self):
        release = threading.Event()

        def serve(peer):
            first = peer.connection.recv(20)
            peer.app.note(first)
            peer.waiting = first
            if b" /slow" in first:
                release.wait(20)
            head, body = peer.read_request()
            if head:
                peer.send(answer(b"%d" % len(body)))

        self.serve(serve)
        client = self.client()
        client.request(1, with_(method="POST", path="/slow"), ends=False)
        client.read_until(lambda: client.settings, "settings")
        window = client.settings[frames.SettingsFrame.INITIAL_WINDOW_SIZE]
        for _ in range(window // 1000):
            client.data(1, b"x" * 1000)
        client.request(3, with_(method="POST", path="/quick"), ends=False)
        client.data(3, b"y" * 1000, ends=True)
        self.assertEqual(client.await_answer(3), ("200", b"1000"))
        release.set()
        client.data(1, b"", ends=True)
        self.assertEqual(client.await_answer(1), ("200", b"%d" % (window // 1000 * 1000)))

    def test_an_early_answer_ends_the_request_without_a_fault(self):
        def serve(peer):
            while b"\r\n\r\n" not in peer.waiting:
                peer.fill()
            peer.send(answer(b"no thanks", status=b"403 Forbidden"))
            peer.read_request()

        self.serve(serve)
        client = self.client()
        client.request(1, with_(method="POST"), ends=False)
        self.assertEqual(client.await_answer(1), ("403", b"no thanks"))
        client.read_until(lambda: 1 in client.resets, "the rest is not wanted")
        self.assertEqual(client.resets[1], NO_ERROR)

    def test_an_answer_before_the_frame_that_ends_a_whole_body_resets_nothing(self):
        def serve(peer):
            while peer.read_request()[0]:
                peer.send(answer(b"here"))

        self.serve(serve)
        client = self.client()  # as httpx sends: the length, the bytes, and the end in a frame of its own
        client.request(1, [*with_(method="POST"), ("content-length", "5")], ends=False)
        client.data(1, b"hello")
        self.assertEqual(client.await_answer(1)[0], "200")
        client.data(1, b"", ends=True)
        client.request(3)
        self.assertEqual(client.await_answer(3)[0], "200")
        self.assertEqual(client.resets, {})

    def test_a_truncated_answer_is_never_a_whole_one(self):
        def serve(peer):
            peer.read_request()
            peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")

        self.serve(serve)
        client = self.client()
        client.request(1)
        self.assertEqual(client.await_answer(1), ("reset", INTERNAL_ERROR))

    def test_websocket_by_extended_connect(self):
        def serve(peer):
            head, _ = peer.read_request()
            key = [l.split(b": ")[1] for l in head.split(b"\r\n") if l.lower().startswith(b"sec-websocket-key")]
            digest = hashlib.sha1(key[0] + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
            peer.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                      b"Sec-WebSocket-Accept: %s\r\nSec-WebSocket-Protocol: chat\r\n\r\n"
                      % base64.b64encode(digest))
            while True:
                data = peer.connection.recv(65536)
                if not data:
                    return
                peer.send(data)

        self.serve(serve)
        client = self.client()
        client.read_until(lambda: client.settings, "settings")
        self.assertEqual(client.settings.get(frames.SettingsFrame.ENABLE_CONNECT_PROTOCOL), 1)
        fields = with_(method="CONNECT", path="/chat") + [
            (":protocol", "websocket"), ("sec-websocket-version", "13"),
            ("sec-websocket-protocol", "chat"), ("origin", "https://localhost")]
        client.request(1, fields, ends=False)
        client.read_until(lambda: 1 in client.fields, "the handshake")
        self.assertEqual(client.fields[1][":status"], "200")
        self.assertEqual(client.fields[1]["sec-websocket-protocol"], "chat")
        self.assertNotIn("sec-websocket-accept", client.fields[1])
        self.assertIn(b"GET /chat HTTP/1.1\r\n", self.app.received)
        self.assertIn(b"\r\nUpgrade: websocket\r\n", self.app.received)
        frame = b"\x81\x85" + bytes(4) + b"hello"
        client.data(1, frame)
        client.read_until(lambda: client.bodies.get(1) == frame, "the echo")
        client.data(1, b"", ends=True)
        client.read_until(lambda: 1 in client.ended, "the end")

    def test_an_answer_to_another_handshake_opens_no_websocket(self):
        def serve(peer):
            peer.read_request()
            peer.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                      b"Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n")

        self.serve(serve)
        client = self.client()
        client.request(1, with_(method="CONNECT") + [(":protocol", "websocket")], ends=False)
        self.assertEqual(client.await_answer(1)[0], "reset")

    def test_an_app_that_passes_over_the_upgrade_opens_no_websocket(self):
        for status, told in (("200 OK", "501"), ("204 No Content", "501"), ("404 Not Found", "404")):
            with self.subTest(status):
                self.serve(lambda peer, s=status: (peer.read_request(), peer.send(b"HTTP/1.1 %s\r\nContent-Length: 0\r\n\r\n" % s.encode())))
                client = self.client()
                client.request(1, with_(method="CONNECT") + [(":protocol", "websocket")], ends=False)
                self.assertEqual(client.await_answer(1)[0], told)  # 2xx would be consent: RFC 8441 section 5.1

    def test_a_websocket_is_opened_only_where_the_route_allows_it(self):
        def serve(peer):
            head, _ = peer.read_request()
            if b"Upgrade: websocket" not in head:
                peer.send(answer(b"plain"))
                return
            key = re.search(rb"sec-websocket-key: (\S+)", head, re.I)[1]
            digest = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
            peer.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                      b"Sec-WebSocket-Accept: %s\r\n\r\n" % digest)
            peer.connection.recv(1)

        app = App(serve)
        self.addCleanup(app.close)
        self.manage()
        self.gateway.apply([(1, app, 1_000_000)], backend={"websockets": ["/ws"]})
        client = self.client()
        for stream, path, status in ((1, "/ws/chat", "200"), (3, "/other", "501"), (5, "/ws/../other", "501")):
            client.request(stream, with_(method="CONNECT", path=path) + [(":protocol", "websocket")], ends=False)
            client.read_until(lambda s=stream: s in client.fields, "an answer")
            self.assertEqual(client.fields[stream][":status"], status, path)

    def test_a_visitor_stays_in_the_cohort_and_on_the_instance_of_the_cookies(self):
        apps = [App(answers(name)) for name in (b"old1", b"old2", b"new1", b"new2")]
        for app in apps:
            self.addCleanup(app.close)
        old, new = apps[:2], apps[2:]
        self.manage()

        def share(ppm):
            self.gateway.apply([(6, old, 1_000_000 - ppm), (7, new, ppm)], backend={"affinity": True}, sticky=True,
                               cohort_salt="one")

        def body_of(client, stream, cookies):
            client.request(stream, GET + [("cookie", f"{n}={v}") for n, v in cookies.items()])  # in crumbs
            status, body = client.await_answer(stream)
            self.assertEqual(status, "200")
            cookies.update(client.cookies[stream])
            return body

        share(400_000)
        visitors = []
        client = self.client()
        for visitor in range(40):  # all on one connection: what counts is the cookie
            cookies = {}
            body = body_of(client, 2 * visitor + 1, cookies)
            self.assertEqual(set(cookies), {"ecluse_client", "ecluse_instance"})
            visitors.append((body, cookies))
        self.assertEqual({body for body, _ in visitors}, {b"old1", b"old2", b"new1", b"new2"})
        again = self.client()
        for visitor, (body, cookies) in enumerate(visitors):
            self.assertEqual(body_of(again, 2 * visitor + 1, dict(cookies)), body)
        share(700_000)
        grown = self.client()
        now = [body_of(grown, 2 * visitor + 1, dict(cookies)) for visitor, (_, cookies) in enumerate(visitors)]
        for (before, _), after in zip(visitors, now):
            if before.startswith(b"new"):
                self.assertEqual(after, before)
        self.assertTrue(any(b.startswith(b"old") and a.startswith(b"new") for (b, _), a in zip(visitors, now)))

    def test_a_drain_says_goodbye_twice_and_loses_nothing(self):
        may_answer = threading.Event()

        def serve(peer):
            peer.read_request()
            may_answer.wait(20)
            peer.send(answer(b"late"))

        self.serve(serve)
        client = self.client()
        client.request(1)
        eventually(lambda: b"GET / " in self.app.received, "the app has the request")
        self.gateway.terminate()
        client.read_until(lambda: client.goaways, "the first goodbye")
        self.assertEqual(client.goaways[0], (2**31 - 1, NO_ERROR))
        client.request(3)  # was under way when the goodbye came
        client.read_until(lambda: len(client.goaways) == 2, "the second goodbye")
        may_answer.set()
        self.assertEqual(client.await_answer(1), ("200", b"late"))
        if client.goaways[1][0] >= 3:
            self.assertEqual(client.await_answer(3), ("200", b"late"))
        client.read_to_end()
        self.assertEqual(client.goaways[1][1], NO_ERROR)

    def test_an_idle_connection_is_ended_with_a_goodbye(self):
        self.serve(None, "--bounds", "idle_ms_max=100")
        client = self.client()
        client.request(1)
        self.assertEqual(client.await_answer(1)[0], "200")
        client.read_to_end()
        self.assertEqual(client.goaways[-1][1], NO_ERROR)

    def test_a_connection_too_many_of_an_address_ends_with_its_answer(self):
        self.serve(None, "--bounds", "address_connections_max=1")
        first = self.client()
        first.request(1)
        self.assertEqual(first.await_answer(1)[0], "200")
        other = self.client()
        other.request(1)
        self.assertEqual(other.await_answer(1)[0], "429")
        other.read_to_end()
        self.assertEqual({code for _, code in other.goaways}, {NO_ERROR})


class Hostile(Http2):
    """Nothing of these may reach the app, and nobody else may suffer."""

    def setUp(self):
        self.serve()

    def healthy(self):
        client = self.client()
        client.request(1)
        self.assertEqual(client.await_answer(1), ("200", b"ok"))

    def refused(self, fields, ends=True, status=None):
        """The stream is reset, or answered with `status`, or the connection is ended for a fault."""
        client = self.client()
        client.send_head(1, fields, ends)
        got = None
        while got is None and client.read_frame():
            if 1 in client.resets:
                got = ("reset", client.resets[1])
            elif 1 in client.ended:
                got = ("status", client.fields[1][":status"])
        if got is None:
            got = ("goaway", client.goaways[-1][1] if client.goaways else None)
        client.close()
        if status:
            self.assertEqual(got, ("status", status), fields)
        else:
            self.assertIn(got, (("reset", PROTOCOL_ERROR), ("goaway", PROTOCOL_ERROR),
                                ("goaway", COMPRESSION_ERROR)), fields)
        self.assertEqual(self.app.received, b"", fields)

    def test_heads_that_rfc_9113_calls_malformed(self):
        more = [
            [("Upper", "x")],                       # 8.2.1
            [("x y", "x")], [("x:y", "x")], [("", "x")], [("x\r\ny", "x")], [("x\0", "x")],
            [("x\x7f", "y")], [("x\xe4", "y")],
            [("x", "a\r\nb: c")], [("x", "a\nb")], [("x", "a\rb")], [("x", "a\0b")],
            [("x", " a")], [("x", "a ")], [("x", "\ta")],
            [("connection", "close")], [("connection", "x-y")],  # 8.2.2
            [("keep-alive", "5")], [("proxy-connection", "close")],
            [("transfer-encoding", "chunked")], [("transfer-encoding", "identity")],
            [("upgrade", "h2c")], [("upgrade", "websocket")],
            [("te", "gzip")], [("te", "trailers, gzip")],
            [(":path", "/b")], [(":method", "PUT")], [(":authority", "b")], [(":scheme", "https")],
            [("x", "y"), (":path", "/late")],       # 8.3
            [(":status", "200")], [(":unknown", "x")], [(":", "x")],
            [(":protocol", "websocket")],           # RFC 8441 section 4: without CONNECT
            [("host", "other.example")],            # 8.3.1: two names for one host
            [("host", "localhost"), ("host", "localhost")],
            [("content-length", "5")], [("content-length", "0"), ("content-length", "0")],
            [("content-length", "-1")], [("content-length", "+0")], [("content-length", "0, 0")],
            [("content-length", "0x0")],
        ]
        for fields in more:
            with self.subTest(fields):
                self.refused(GET + fields)
        self.healthy()

    def test_pseudo_fields_that_say_too_little_or_too_much(self):
        for changes in (
            {"path": None}, {"path": ""}, {"method": None}, {"method": ""}, {"scheme": None},
            {"authority": None}, {"authority": ""}, {"path": "no-slash"}, {"path": "*"},
            {"path": "http://evil.example/"}, {"path": "//x y"}, {"path": "/a b"},
            {"path": "/ HTTP/1.1\r\nx: y"}, {"path": "/\0"}, {"path": "/\n"},
            {"method": "GET / HTTP/1.1\r\nhost: evil\r\n\r\nGET"}, {"method": "G T"},
            {"scheme": "http"}, {"scheme": "ftp"}, {"authority": "a b"}, {"authority": "a\r\nx: y"}, {"authority": "a/b"},
        ):
            with self.subTest(changes):
                self.refused(with_(**changes))
        self.healthy()

    def test_what_only_the_strict_parser_of_http1_refuses(self):
        for changes in ({"path": "/a#b"}, {"authority": "user@localhost"}, {"authority": "a:b"},
                        {"authority": "a,b"}, {"path": "/\xe4"}):
            with self.subTest(changes):
                self.refused(with_(**changes), status="400")
        self.refused([(":method", "CONNECT"), (":authority", "localhost:443")], status="501")
        self.refused(with_(method="TRACE"), status="501")
        self.refused(with_(method="CONNECT") + [(":protocol", "connect-udp")], ends=False,
                     status="501")
        self.healthy()

    def test_a_head_beyond_the_bounds(self):
        self.refused(GET + [("x", "y" * 17000)], status="431")
        self.refused(GET + [(f"x-{i}", "y") for i in range(120)], status="431")
        self.refused(with_(path="/" + "x" * 9000), status="414")
        self.healthy()

    def test_a_body_that_is_not_as_long_as_it_said(self):
        for said, body in (("5", b"four"), ("3", b"four"), ("1", b"")):
            with self.subTest(said=said, body=body):
                self.app.received = b""
                client = self.client()
                client.request(1, with_(method="POST") + [("content-length", said)], ends=False)
                client.data(1, body, ends=True)
                self.assertEqual(client.await_answer(1), ("reset", PROTOCOL_ERROR))
                client.close()
                self.assertNotIn(b"four", self.app.received.split(b"\r\n\r\n")[-1][int(said):])
        self.healthy()

    def ends_by(self, client, codes):
        client.read_to_end()
        self.assertTrue(client.is_closed)
        if client.goaways:  # one that goes on flooding may not get to read it
            self.assertIn(client.goaways[-1][1], codes)
        self.healthy()

    def test_frames_on_streams_that_have_ended(self):  # RFC 9113 sections 5.1, 5.1.1, 6.3
        cases = {
            "a head after the end": (ended, lambda c: c.request(1), STREAM_CLOSED),
            "a head after a reset": (reset, lambda c: c.request(1), STREAM_CLOSED),
            "a stream that was passed over": (lambda c: c.request(5), lambda c: c.request(3),
                                              PROTOCOL_ERROR),
            "priority of itself": (ended, lambda c: c.send(frames.PriorityFrame(3, depends_on=3, stream_weight=1)),
                                   PROTOCOL_ERROR),
            "priority of itself, on a stream that is open": (
                lambda c: c.request(1, with_(method="POST"), ends=False),
                lambda c: c.send(frames.PriorityFrame(1, depends_on=1, stream_weight=1)), PROTOCOL_ERROR),
            "a window of the stream that grows by nothing": (
                lambda c: c.request(1, with_(method="POST"), ends=False),
                lambda c: c.send_bytes(b"\0\0\4\x08\0\0\0\0\1\0\0\0\0"), PROTOCOL_ERROR),
            "priority of nothing": (ended, lambda c: c.send_bytes(b"\0\0\5\2\0\0\0\0\0" + bytes(5)),
                                    PROTOCOL_ERROR),
        }
        for name, (before, fault, code) in cases.items():
            with self.subTest(name):
                client = self.client()
                before(client)
                fault(client)
                client.read_to_end()
                self.assertEqual(client.goaways[-1][1], code)
        self.healthy()

    def test_data_on_a_stream_that_has_ended_is_told_so(self):  # RFC 9113 section 6.1
        for before in (ended, reset):
            with self.subTest(before.__name__):
                client = self.client()
                before(client)
                client.data(1, b"late", ends=True)
                client.read_until(lambda c=client: 1 in c.resets, "the reset")
                self.assertEqual(client.resets[1], STREAM_CLOSED)
                client.request(3)  # the connection is as good as before
                self.assertEqual(client.await_answer(3), ("200", b"ok"))
                self.assertNotIn(b"late", self.app.received)

    def test_a_flood_of_data_on_an_ended_stream(self):
        client = self.client()
        client.request(1)
        client.await_answer(1)
        for _ in range(200):
            if not client.send_bytes(frames.DataFrame(1, data=b"").serialize() * 50):
                break
        self.ends_by(client, (ENHANCE_YOUR_CALM,))

    def test_a_client_that_takes_no_last_byte_holds_nothing(self):  # CVE-2019-9517
        self.serve(None, "--bounds", "stall_ms_max=200,idle_ms_max=600000")
        client = self.client(settings={frames.SettingsFrame.INITIAL_WINDOW_SIZE: 0})
        client.reads = False
        client.request(1)
        self.assertEqual(client.await_answer(1), ("reset", CANCEL))

    def test_a_static_file_that_shrinks_while_it_is_sent_is_reset(self):
        self.manage()
        app = App()
        self.addCleanup(app.close)
        root = self.gateway.folder / "site"
        root.mkdir()
        (root / "large").write_bytes(b"x" * 1_000_000)
        self.gateway.apply([(1, app, 1_000_000)], folders=[{"prefix": "/static", "roots": [str(root)]}])
        client = self.client()
        client.reads = False
        client.request(1, with_(path="/static/large"))
        client.read_until(lambda: len(client.bodies.get(1, b"")) == 65535, "as much as the window lets come")
        (root / "large").write_bytes(b"less")
        for stream in (0, 1):
            client.send(frames.WindowUpdateFrame(stream, window_increment=1_000_000))
        self.assertEqual(client.await_answer(1)[0], "reset")

    def test_a_head_that_never_ends_is_not_waited_for_and_counted(self):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            metrics = probe.getsockname()[1]
        self.serve(None, "--metrics", f"127.0.0.1:{metrics}", "--bounds", "head_ms_max=200,stall_ms_max=200")
        client = self.client()
        client.send(frames.HeadersFrame(1, data=client.encoder.encode(GET), flags=[]))
        # Nothing is read before: a client that acknowledges settings now breaks into its own head.
        eventually(lambda: hits_of(metrics, "head_ms_max") == 1, "it is counted")
        client.read_to_end()
        self.assertTrue(client.is_closed)

    def test_a_head_that_comes_byte_by_byte_is_not_waited_for(self):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            metrics = probe.getsockname()[1]
        self.serve(None, "--metrics", f"127.0.0.1:{metrics}", "--bounds", "head_ms_max=200,stall_ms_max=200")
        client = self.client()
        block = client.encoder.encode(GET) + b"\x00\x01x\x7f\x81\x77"  # a field whose value has 15,360 bytes
        client.send_bytes((16000).to_bytes(3, "big") + b"\x01\x05\0\0\0\x01" + block)
        # A byte for each look at what was counted.
        eventually(lambda: client.send_bytes(b"y") and hits_of(metrics, "head_ms_max") == 1, "it is counted")
        client.read_to_end()
        self.assertTrue(client.is_closed)

    def test_rapid_reset(self):  # CVE-2023-44487
        client = self.client()
        for i in range(5000):
            stream = 2 * i + 1
            if not (client.request(stream) and
                    client.send(frames.RstStreamFrame(stream, error_code=CANCEL))):
                break
        self.ends_by(client, (ENHANCE_YOUR_CALM, INTERNAL_ERROR))

    def test_streams_that_we_are_made_to_reset(self):  # CVE-2025-8671
        client = self.client()
        for i in range(5000):
            stream = 2 * i + 1
            if not (client.request(stream) and
                    client.send_bytes(b"\0\0\4\x08\0" + stream.to_bytes(4, "big") + b"\0\0\0\0")):
                break
        self.ends_by(client, (ENHANCE_YOUR_CALM, INTERNAL_ERROR, PROTOCOL_ERROR))

    def test_continuation_flood(self):  # CVE-2024-27316
        client = self.client()
        client.send(frames.HeadersFrame(1, data=client.encoder.encode(GET), flags=[]))
        for _ in range(5000):
            if not client.send(frames.ContinuationFrame(1, data=b"\0\1x\x7d" + b"y" * 125, flags=[])):
                break
        self.ends_by(client, (ENHANCE_YOUR_CALM, INTERNAL_ERROR, PROTOCOL_ERROR))

    def test_a_few_bytes_that_mean_megabytes(self):  # an HPACK bomb
        client = self.client()
        value = b"y" * 3900
        literal = b"\x40\x01x\x7f" + bytes([0xbd, 0x1d]) + value  # indexed from now on
        block = client.encoder.encode(GET) + literal + b"\xbe" * 12000
        client.send(frames.HeadersFrame(1, data=block[:16000], flags=["END_STREAM"]))
        client.send(frames.ContinuationFrame(1, data=block[16000:], flags=["END_HEADERS"]))
        self.ends_by(client, (ENHANCE_YOUR_CALM, COMPRESSION_ERROR))

    def test_trailers_that_mean_megabytes(self):
        client = self.client()
        client.request(1, with_(method="POST"), ends=False)
        literal = b"\x40\x01x\x7f" + bytes([0xbd, 0x1d]) + b"y" * 3900
        client.send(frames.HeadersFrame(1, data=literal + b"\xbe" * 12000,
                                        flags=["END_STREAM", "END_HEADERS"]))
        self.ends_by(client, (ENHANCE_YOUR_CALM,))

    def test_floods_of_small_frames(self):
        for name, frame in (("ping", frames.PingFrame(0, opaque_data=b"12345678")),
                            ("settings", frames.SettingsFrame(0, settings={})),
                            ("window update", frames.WindowUpdateFrame(0, window_increment=1)),
                            ("priority", frames.PriorityFrame(1, depends_on=0, stream_weight=1))):
            with self.subTest(name):
                client = self.client()
                for _ in range(200):
                    if not client.send_bytes(frame.serialize() * 50):
                        break
                self.ends_by(client, (ENHANCE_YOUR_CALM, INTERNAL_ERROR))

    def test_a_flood_of_empty_data(self):
        client = self.client()
        client.request(1, with_(method="POST"), ends=False)
        for _ in range(200):
            if not client.send_bytes(frames.DataFrame(1, data=b"").serialize() * 50):
                break
        self.ends_by(client, (ENHANCE_YOUR_CALM,))

    def test_more_streams_than_allowed(self):
        client = self.client()
        for i in range(150):
            client.request(2 * i + 1, with_(method="POST"), ends=False)
        client.read_until(lambda: len(client.resets) >= 50, "refusals")
        self.assertEqual(set(client.resets.values()), {REFUSED_STREAM})
        self.assertEqual(client.settings[frames.SettingsFrame.MAX_CONCURRENT_STREAMS], 100)
        self.healthy()

    def test_frames_that_break_the_protocol(self):
        cases = {
            "not the preface": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "no settings first": PREFACE + frames.PingFrame(0, opaque_data=b"12345678").serialize(),
            "data on an idle stream": frames.DataFrame(1, data=b"x").serialize(),
            "an even stream": b"\0\0\1\1\5\0\0\0\2\x82",
            "a window of more than 2^31-1": (b"\0\0\4\x08\0\0\0\0\0\x7f\xff\xff\xff") * 2,
            "a window that grows by nothing": b"\0\0\4\x08\0\0\0\0\0\0\0\0\0",
            "a frame larger than allowed": b"\0\x80\0\0\0\0\0\0\1" + b"x" * 32768,
            "settings of a wrong length": b"\0\0\5\4\0\0\0\0\0\0\0\0\0\0",
            "a ping of a wrong length": b"\0\0\1\6\0\0\0\0\0x",
            "continuation of nothing": b"\0\0\1\x09\4\0\0\0\1\x82",
            "fields that are no HPACK": b"\0\0\4\1\5\0\0\0\1\xff\xff\xff\xff",
            "a push": b"\0\0\4\5\4\0\0\0\1\0\0\0\2",
            # RFC 9113 sections 4.2, 6.1 to 6.9, 6.5.2, 4.3
            "data on no stream": b"\0\0\1\0\0\0\0\0\0x",
            "a head on no stream": b"\0\0\1\1\5\0\0\0\0\x82",
            "a reset of no stream": b"\0\0\4\3\0\0\0\0\0\0\0\0\0",
            "a reset of an idle stream": b"\0\0\4\3\0\0\0\0\1\0\0\0\0",
            "a reset of a wrong length": b"\0\0\3\3\0\0\0\0\1\0\0\0",
            "settings of a stream": b"\0\0\0\4\0\0\0\0\1",
            "settings that acknowledge and say more": b"\0\0\6\4\1\0\0\0\0\0\3\0\0\0\1",
            "a push setting of 2": b"\0\0\6\4\0\0\0\0\0\0\2\0\0\0\2",
            "a first window of 2^31": b"\0\0\6\4\0\0\0\0\0\0\4\x80\0\0\0",
            "frames of less than 2^14": b"\0\0\6\4\0\0\0\0\0\0\5\0\0\x3f\xff",
            "frames of 2^24": b"\0\0\6\4\0\0\0\0\0\0\5\1\0\0\0",
            "extended CONNECT set to 2": b"\0\0\6\4\0\0\0\0\0\0\x08\0\0\0\2",
            "a ping of a stream": b"\0\0\x08\6\0\0\0\0\1" + b"x" * 8,
            "a goodbye of a stream": b"\0\0\x08\7\0\0\0\0\1" + bytes(8),
            "a goodbye of a wrong length": b"\0\0\7\7\0\0\0\0\0" + bytes(7),
            "a window of an idle stream": b"\0\0\4\x08\0\0\0\0\1\0\0\0\1",
            "a window of a wrong length": b"\0\0\3\x08\0\0\0\0\0\0\0\1",
            "more padding than head": b"\0\0\2\1\x0d\0\0\0\1\5\x82",
            "continuation of another stream": b"\0\0\1\1\1\0\0\0\1\x82" b"\0\0\1\x09\4\0\0\0\3\x84",
            "a ping amid a head": b"\0\0\1\1\1\0\0\0\1\x82" b"\0\0\x08\6\0\0\0\0\0" + b"x" * 8,
            "an unknown frame amid a head": b"\0\0\1\1\1\0\0\0\1\x82" b"\0\0\1\xbb\0\0\0\0\1x",
            "an index that the table does not have": b"\0\0\2\1\5\0\0\0\1\xff\x7f",
            "a Huffman code with the end in it": b"\0\0\7\1\5\0\0\0\1\0\x84\xff\xff\xff\xff\0",
            "a table larger than allowed": b"\0\0\4\1\5\0\0\0\1\x3f\xe2\x1f\x82",
            "a table that changes behind a field": b"\0\0\2\1\5\0\0\0\1\x82\x20",
        }
        for name, data in cases.items():
            with self.subTest(name):
                greets = not name.startswith("no")
                client = self.client(greets=greets)
                client.send_bytes(data)
                client.read_to_end()
                self.assertTrue(client.is_closed)
                if client.goaways:
                    self.assertNotEqual(client.goaways[-1][1], NO_ERROR)
        self.healthy()

    def test_what_a_peer_must_pass_over_is_passed_over(self):  # RFC 9113 sections 4.1, 5.5, 6.3, 6.5.2
        cases = {
            "an unknown frame": b"\0\0\3\xbb\xff\0\0\0\0abc",
            "an unknown frame of a stream": b"\0\0\3\xbb\xff\0\0\0\1abc",
            "an unknown setting": b"\0\0\6\4\0\0\0\0\0\xf0\0\0\0\0\1",
            "unknown flags and the reserved bit": b"\0\0\x08\6\xfe\x80\0\0\0" + b"x" * 8,
            "priority of an idle stream": b"\0\0\5\2\0\0\0\0\7\0\0\0\0\1",
            "a ping that answers none of ours": b"\0\0\x08\6\1\0\0\0\0" + b"x" * 8,
        }
        for name, data in cases.items():
            with self.subTest(name):
                client = self.client()
                client.send_bytes(data)
                client.request(1)
                self.assertEqual(client.await_answer(1), ("200", b"ok"))
                self.assertEqual(client.goaways, [])
        self.healthy()

    def test_a_client_that_says_goodbye_gets_what_it_asked_for(self):  # RFC 9113 section 6.8
        client = self.client()
        client.request(1, with_(method="POST"), ends=False)
        client.send(frames.GoAwayFrame(0, last_stream_id=0, error_code=NO_ERROR, additional_data=b"word"))
        client.data(1, b"the rest", ends=True)
        self.assertEqual(client.await_answer(1), ("200", b"the rest"))

    def test_faults_of_a_stream_end_only_the_stream(self):  # RFC 9113 sections 6.9, 6.9.1, 8.1.1, 8.1
        def open_one(client):
            client.request(1, with_(method="POST"), ends=False)

        cases = {
            "a window of more than 2^31-1": (b"\0\0\4\x08\0\0\0\0\1\x7f\xff\xff\xff", FLOW_CONTROL_ERROR),
            "trailers that do not end it": (b"\0\0\4\1\4\0\0\0\1\0\1x\0", PROTOCOL_ERROR),
            "a pseudo field in trailers": (b"\0\0\1\1\5\0\0\0\1\x82", PROTOCOL_ERROR),
        }
        for name, (data, code) in cases.items():
            with self.subTest(name):
                client = self.client()
                open_one(client)
                client.send_bytes(data)
                self.assertEqual(client.await_answer(1), ("reset", code))
                client.request(3)
                self.assertEqual(client.await_answer(3), ("200", b"ok"))
                client.close()

    def test_each_bound_is_counted_by_its_name(self):
        def flood(client, data):
            for _ in range(200):
                if not client.send_bytes(data * 50):
                    break
            client.read_to_end()

        def rapid_reset(client):
            for stream in range(1, 2000, 2):
                if not (client.request(stream) and client.send(frames.RstStreamFrame(stream, error_code=CANCEL))):
                    break
            client.read_to_end()

        def too_many(client):
            for stream in (1, 3, 5):
                client.request(stream, with_(method="POST"), ends=False)
            client.read_until(lambda: client.resets, "the refusal")

        with socket.create_server(("127.0.0.1", 0)) as probe:
            metrics = probe.getsockname()[1]
        self.serve(None, "--metrics", f"127.0.0.1:{metrics}",
                   "--bounds", "http2_streams_max=2,stall_ms_max=300,idle_ms_max=2000")
        cases = {
            "http2_control_frames_per_s_max": lambda c: flood(c, frames.PingFrame(0, opaque_data=b"12345678").serialize()),
            "http2_resets_per_s_max": rapid_reset,
            "http2_streams_max": too_many,
            "stall_ms_max": lambda c: (c.request(1), c.read_until(lambda: 1 in c.resets, "the reset")),
            "idle_ms_max": lambda c: c.read_to_end(),
        }
        for bound, deed in cases.items():
            with self.subTest(bound):
                before = hits_of(metrics, bound)
                stalls = bound == "stall_ms_max"
                client = self.client(settings={frames.SettingsFrame.INITIAL_WINDOW_SIZE: 0} if stalls else None)
                client.reads = not stalls
                deed(client)
                eventually(lambda b=bound, n=before: hits_of(metrics, b) > n, f"{bound} is counted")
                client.close()

    def test_a_stream_without_room_for_its_client_is_refused_and_counted(self):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            metrics = probe.getsockname()[1]
        self.serve(None, "--metrics", f"127.0.0.1:{metrics}", "--bounds", "client_connections_max=2")
        client = self.client()  # all that one of two threads takes
        client.request(1)
        self.assertEqual(client.await_answer(1), ("reset", REFUSED_STREAM))
        self.assertEqual(hits_of(metrics, "client_connections_max"), 1)

    def test_a_client_sends_as_far_ahead_of_the_app_as_the_window_says(self):
        for window in (20_000, 200_000):
            with self.subTest(window):
                app = App()
                self.addCleanup(app.close)
                self.manage("--bounds", f"http2_window_bytes={window}")
                self.gateway.apply([(1, app, 1_000_000)], mode="hold")  # nobody reads the body
                client = self.client()
                client.read_until(lambda c=client: c.settings, "settings")
                self.assertEqual(client.settings[frames.SettingsFrame.INITIAL_WINDOW_SIZE], window)
                head = frames.HeadersFrame(1, data=client.encoder.encode(with_(method="POST")), flags=["END_HEADERS"])
                for frame in range(window // 10_000):
                    first = head.serialize() if frame == 0 else b""  # what comes with the head counts, too
                    client.send_bytes(first + frames.DataFrame(1, data=b"x" * 10_000).serialize())
                    client.send(frames.PingFrame(0, opaque_data=b"arrived?"))  # with it comes the connection's window
                    client.read_until(lambda c=client, n=frame: c.pings > n, "the answer to the ping")
                self.assertEqual((client.resets, client.goaways), ({}, []))
                client.data(1, b"x")
                client.read_until(lambda c=client: c.resets or c.goaways, "the refusal")
                self.assertEqual(client.resets, {1: FLOW_CONTROL_ERROR})

    def test_http2_without_tls_is_refused(self):
        done = subprocess.run(
            ["curl", "--silent", "--http2-prior-knowledge", "--max-time", "20",
             f"http://127.0.0.1:{self.gateway.plain_port}/"], capture_output=True, check=False)
        self.assertNotEqual(done.returncode, 0)
        said = subprocess.run(
            ["curl", "--silent", "--http2", "--max-time", "20", "-o", "/dev/null", "-w",
             "%{http_version}", f"http://127.0.0.1:{self.gateway.plain_port}/"],
            capture_output=True, check=True)
        self.assertEqual(said.stdout, b"1.1")  # an Upgrade: h2c is not taken


if __name__ == "__main__":
    unittest.main(verbosity=1)
