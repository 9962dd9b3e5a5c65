"""Hostile requests and hostile answers against the running gateway.

  hostile.py --gateway PROGRAM [--only TEXT]    judges the gateway; the exit code is 1 if a case fails
  hostile.py --gateway PROGRAM --peers          prints beside it what nginx and HAProxy do with each case

Cases are tables, each case with its source: refused.py, passed.py, answers.py. The app keeps the exact bytes it
receives, so that "refused" means that nothing arrived, and "passed" that it arrived as written here.
"""
import argparse
import json
import re
import select
import sys
import threading

import harness
from answers import ANSWERS, BAD, CUT
from harness import App, connect, gateway, octets, peer, read_to_end
from passed import PASSED
from refused import CUT as CUT_REQUESTS
from refused import REFUSED, UNENDED
from sequences import ENDS, SEQUENCES, TRICKLED
from switches import CARRIED, SWITCHES, SWITCHING, TUNNEL, WEBSOCKET

HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
PATIENCE_WITH_PEERS_S = 1.5  # they keep connections open that we end


class Complaint(Exception):
    """What is wrong with how a case went."""


def require(holds, complaint):
    if not holds:
        raise Complaint(complaint)


def status_of(answer):
    match = re.match(rb"HTTP/1\.[01] (\d{3})", answer)
    return int(match[1]) if match else 0


def body_of(answer):
    return answer.partition(b"\r\n\r\n")[2]


def exchange(proxy, data, end_sending=False):
    with connect(proxy.port) as client:
        try:
            client.sendall(data)
            if end_sending:
                client.shutdown(1)
        except OSError:
            pass  # refused while we still spoke: the answer says how
        return read_to_end(client)


# ---- Requests that are refused ----------------------------------------------------------------------------------

def send_refused(proxy, case):
    _, _, data, status = case
    # A request hidden behind a refused one must not be answered either; half a head must stay half.
    return exchange(proxy, octets(data) + (b"" if status == 408 else HIDDEN))


def judge_refused(proxy, app, case):
    answer, end = send_refused(proxy, case)
    require(status_of(answer) == case[3], f"status {status_of(answer)} instead of {case[3]}")
    require(answer.count(b"HTTP/1.1 ") == 1, "answered twice")
    require(b"\r\nConnection: close\r\n" in answer, "the connection was not said to end")
    require(end != "silence", "the connection did not end")
    require(app.received == b"", f"the app received {app.received[:80]!r}")


def judge_unended(proxy, app, case):
    answer, end = exchange(proxy, octets(case[2]))
    require(status_of(answer) == case[3], f"status {status_of(answer)} instead of {case[3]}")
    require(end != "silence", "the connection did not end")
    require(b"0\r\n\r\n" not in app.received, "the app was told that the body ended")


def judge_cut(proxy, app, case):
    answer, _ = exchange(proxy, octets(case[2]), end_sending=True)
    require(status_of(answer) == case[3], f"status {status_of(answer)} instead of {case[3]}")
    require(b"0\r\n\r\n" not in app.received, "the app was told that the body ended")
    require(b"hello" not in app.received or b"Content-Length: 5\r\n" not in app.received, "the length was changed")


# ---- Requests that pass -----------------------------------------------------------------------------------------

def expected_request(case):
    _, _, _, start, fields, body, *rest = case
    host = rest[0] if rest else "a"
    via = rest[1] if len(rest) > 1 else "1.1"
    return octets(f"{start}\r\nHost: {host}\r\n{fields}X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: http\r\n"
                  f"X-Forwarded-Host: {host}\r\nX-Request-ID: *\r\nVia: {via} ecluse\r\n\r\n{body}")


def unchunked(data):
    """The chunks of a body joined: a proxy may cut it anew."""
    head, mark, rest = data.partition(b"\r\n\r\n")
    if b"\r\nTransfer-Encoding: chunked" not in head:
        return data
    body = b""
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        body += rest[:int(size, 16)]
        rest = rest[int(size, 16) + 2:]
    return head + mark + body


def judge_passed(proxy, app, case):
    answer, _ = exchange(proxy, octets(case[2]), end_sending=True)
    require(status_of(answer) == 200, f"status {status_of(answer)} instead of 200")
    seen = re.sub(rb"X-Request-ID: [0-9a-f]{32}", b"X-Request-ID: *", app.answered)
    require(unchunked(seen) == unchunked(expected_request(case)), f"the app received {seen!r}")


def judge_slices(proxy, app, case):
    """One octet at a time."""
    with connect(proxy.port) as client:
        for octet in octets(case[2]):
            client.sendall(bytes((octet,)))
        client.shutdown(1)
        answer, _ = read_to_end(client)
    require(status_of(answer) == 200, f"status {status_of(answer)} instead of 200")
    require(app.answered.startswith(octets(f"{case[3]}\r\nHost: ")), f"the app received {app.answered[:80]!r}")


# ---- Several requests on one connection -------------------------------------------------------------------------

LAST = b"GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


def read_answers(client, count):
    """Until so many answers have begun and the last of them, two octets or none, is there."""
    received = b""
    while received.count(b"HTTP/1.1 ") < count or b"\r\n\r\n" not in received.rpartition(b"HTTP/1.1 ")[2]:
        piece = client.recv(65536)
        require(piece, f"the connection ended after {received[-200:]!r}")
        received += piece
    return received


def judge_sequence(proxy, app, case):
    _, _, data, statuses, lines, end = case
    with connect(proxy.port) as client:
        client.sendall(octets(data))
        answers = b""
        if end != ENDS:
            answers = read_answers(client, len(statuses))
            client.sendall(LAST)
        rest, how = read_to_end(client)
    answers += rest
    wanted = statuses if end == ENDS else statuses + (200,)
    seen = tuple(int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", answers))
    require(seen == wanted, f"the answers were {seen} instead of {wanted}")
    require(how != "silence", "the connection did not end")
    reached = tuple(line.decode("latin-1") for line in re.findall(rb"(?m)^(\S+ \S+) HTTP/1\.1\r$", without_bodies(app.answered)))
    require(reached == lines + (() if end == ENDS else ("GET /last",)), f"the app was asked {reached}")


def without_bodies(data):
    """Heads only: a body may look like one."""
    heads = b""
    while data:
        end = harness.end_of_request(data)
        require(end, f"the app was asked half a request: {data[:80]!r}")
        heads += data[:data.index(b"\r\n\r\n") + 4]
        data = data[end:]
    return heads


def judge_trickled(proxy, _, case):
    """One octet after the other, at a pace that no idle time would end, until there is an answer."""
    pace_s = 0.05
    with connect(proxy.port) as client:
        for octet in octets(case[2]):
            if select.select([client], [], [], pace_s)[0]:
                break
            client.sendall(bytes((octet,)))
        answer, how = read_to_end(client)
    require(status_of(answer) == case[3], f"status {status_of(answer)} instead of {case[3]}")
    require(how != "silence", "the connection did not end")


# ---- Upgrades ---------------------------------------------------------------------------------------------------

def judge_switch(proxy, app, case):
    _, _, fields, answer, expectation = case
    app.script = (octets(answer), "raw" if expectation == TUNNEL else "stay")
    try:
        with connect(proxy.port) as client:
            client.sendall(octets(f"GET /socket HTTP/1.1\r\nHost: a\r\n{fields}\r\n"))
            if expectation == TUNNEL:
                head = read_through(client, b"101 Switching Protocols\r\n", b"\r\n\r\n")
                require(b"\r\nSec-WebSocket-Accept: " in head, f"the app's fields are missing: {head!r}")
                require(echoed(client, b"\x81\x05Hello") == b"\x81\x05Hello", "it is no tunnel")
                return
            seen = client.recv(65536)
            require(status_of(seen) == expectation, f"status {status_of(seen)} instead of {expectation}")
            app.script = None
            client.sendall(LAST)
            rest, _ = read_to_end(client)
            require(status_of(rest) in (0, 200), "what came behind was no request of its own")
    finally:
        app.script = None


def judge_carried(proxy, app, case):
    """Sent behind the request already, again when the tunnel is open, and back by an app that echoes."""
    data = case[2]
    app.script = (octets(SWITCHING), "raw")
    try:
        with connect(proxy.port) as client:
            client.sendall(octets(f"GET /socket HTTP/1.1\r\nHost: a\r\n{WEBSOCKET}\r\n") + data)
            head = read_through(client, b"101 Switching Protocols\r\n", b"\r\n\r\n")
            early = head.partition(b"\r\n\r\n")[2]
            early += read_exactly(client, len(data) - len(early))
            require(early == data, "what came behind the request was changed")
            require(echoed(client, data) == data, "it was changed")
    finally:
        app.script = None


def read_through(client, *marks):
    received = b""
    while not all(mark in received for mark in marks):
        piece = client.recv(65536)
        require(piece, f"the connection ended after {received[-200:]!r}")
        received += piece
    return received


def read_exactly(client, count):
    received = b""
    while len(received) < count:
        piece = client.recv(count - len(received))
        require(piece, f"the connection ended after {len(received)} of {count} octets")
        received += piece
    return received


def echoed(client, data):
    """Written beside the reading: neither side may wait for the other."""
    writer = threading.Thread(target=client.sendall, args=(data,))
    writer.start()
    try:
        return read_exactly(client, len(data))
    finally:
        writer.join()


# ---- Answers ----------------------------------------------------------------------------------------------------

def ask(proxy, method="GET", fields="Connection: close\r\n"):
    return exchange(proxy, octets(f"{method} /case HTTP/1.1\r\nHost: a\r\n{fields}\r\n"))


def is_cut(answer, end):
    """Whoever counts the bytes or waits for the last chunk sees that the answer is not whole."""
    head, _, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"\r\nContent-Length: (\d+)", head)
    if length:
        return len(body) < int(length[1])
    if b"\r\nTransfer-Encoding: chunked" in head:
        return not body.endswith(b"0\r\n\r\n")
    return end == "reset"


def is_repeated(app, proxy):
    """Whether the next request comes over the same connection to the app."""
    before = app.connections
    app.script = None
    answer, _ = ask(proxy)
    require(status_of(answer) == 200, f"the next request got {status_of(answer)}")
    return app.connections == before


def judge_answer(proxy, app, case):
    _, _, method, data, end, expectation = case
    app.script = (octets(data), end)
    try:
        answer, how = ask(proxy, method)
    finally:
        app.script = None
    require(how != "silence", "the connection did not end")
    judge_answer_seen(answer, how, expectation)
    reused = is_repeated(app, proxy)
    require(reused == (end == "reused"), "the connection to the app was used again" if reused else "it was not used again")


def judge_answer_seen(answer, how, expectation):
    if expectation == BAD:
        require(status_of(answer) == 502, f"status {status_of(answer)} instead of 502")
        require(b"evil" not in answer and b"half" not in answer, "a part of the answer got through")
    elif expectation == "interims":
        require(answer.count(b"103 Early Hints") <= 16, "they were all relayed")
        require(b"HTTP/1.1 502 " in answer, "no 502 at the end")
    elif expectation == CUT:
        # A fault that is seen before the first octet left is told as one.
        require(status_of(answer) in (200, 502), f"status {status_of(answer)} instead of 200 or 502")
        require(status_of(answer) == 502 or is_cut(answer, how), "it ended cleanly")
    else:
        status, there, missing, body = expectation
        require(octets(f"HTTP/1.1 {status}") in answer[:40], f"it begins with {answer[:40]!r}")
        for text in there:
            require(octets(text) in answer, f"{text!r} is missing")
        for text in missing:
            require(octets(text) not in answer, f"{text!r} is there")
        require(body is None or body_of(answer) == octets(body), f"the body is {body_of(answer)[:80]!r}")


# ---- The suite --------------------------------------------------------------------------------------------------

SUITE = (("refused", REFUSED, judge_refused), ("unended", UNENDED, judge_unended), ("cut", CUT_REQUESTS, judge_cut),
         ("passed", PASSED, judge_passed),
         ("sliced", tuple(case for case in PASSED if len(case[2]) <= 120), judge_slices),
         ("sequence", SEQUENCES, judge_sequence), ("trickled", TRICKLED, judge_trickled),
         ("switch", SWITCHES, judge_switch), ("carried", CARRIED, judge_carried),
         ("answer", ANSWERS, judge_answer))
# Of these the peers' deeds are printed: one request, one answer.
COMPARED = ("refused", "unended", "cut", "passed", "answer")


def chosen(only):
    for kind, cases, judge in SUITE:
        for case in cases:
            if only in f"{kind}: {case[0]}":
                yield kind, case, judge


def judge_all(program, only):
    app = App()
    results = []
    with gateway(program, app) as proxy:
        for kind, case, judge in chosen(only):
            app.forget()
            try:
                judge(proxy, app, case)
                complaint = None
            except (Complaint, OSError) as error:
                complaint = str(error)
            if not proxy.is_alive():
                complaint = "the gateway died"
            results.append({"kind": kind, "name": case[0], "source": case[1], "complaint": complaint})
            if complaint:
                print(f"FAILED {kind}: {case[0]} ({case[1]}): {complaint}", flush=True)
    app.close()
    return results


def deed(proxy, app, kind, case):
    """In a word or two what a proxy does: its status, and what reached the other side."""
    app.forget()
    if kind == "answer":
        app.script = (octets(case[3]), case[4])
        try:
            answer, how = ask(proxy, case[2])
        finally:
            app.script = None
        return f"{status_of(answer) or how}{' cut' if status_of(answer) == 200 and is_cut(answer, how) else ''}"
    if kind == "refused":
        answer, how = send_refused(proxy, case)
    else:
        answer, how = exchange(proxy, octets(case[2]), end_sending=kind != "unended")
    reached = ""
    if app.received:
        reached = " forwarded, whole" if b"0\r\n\r\n" in app.received else " forwarded"
    return f"{status_of(answer) or how}{reached}"


def is_let_through(kind, word):
    """Whether a deed is one that the case is about: any octet of what is to be refused, or half taken for a whole."""
    return "forwarded" in word if kind == "refused" else kind in ("unended", "cut") and "whole" in word


def print_peers(program, only):
    harness.PATIENCE_S = PATIENCE_WITH_PEERS_S
    app = App()
    cases, through = 0, [0, 0, 0]
    with gateway(program, app) as ours, peer("nginx", app) as nginx, peer("haproxy", app) as haproxy:
        print(f"{'case':60} {'ecluse':22} {'nginx':22} {'haproxy':22} source")
        for kind, case, _ in chosen(only):
            if kind not in COMPARED:
                continue
            words = [deed(proxy, app, kind, case) for proxy in (ours, nginx, haproxy)]
            print(f"{kind + ': ' + case[0]:60.60} {words[0]:22} {words[1]:22} {words[2]:22} {case[1]}", flush=True)
            cases += kind in ("refused", "unended", "cut")
            through = [count + is_let_through(kind, word) for count, word in zip(through, words)]
    print(f"of {cases} hostile requests reached the app, or did so whole: ecluse {through[0]}, nginx {through[1]}, "
          f"haproxy {through[2]}")
    app.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gateway", required=True, help="ecluse, or another program with its verb `gateway`")
    parser.add_argument("--only", default="", help="cases whose kind and name contain this")
    parser.add_argument("--peers", action="store_true", help="print what nginx and HAProxy do, judge nothing")
    parser.add_argument("--json", help="write the results there")
    options = parser.parse_args()
    if options.peers:
        print_peers(options.gateway, options.only)
        return 0
    results = judge_all(options.gateway, options.only)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(results, file, indent=1)
    failed = sum(1 for result in results if result["complaint"])
    print(f"hostile: {len(results) - failed} of {len(results)} cases held")
    return 1 if failed or not results else 0


if __name__ == "__main__":
    sys.exit(main())
