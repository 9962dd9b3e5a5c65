"""The proxies with TLS, and the loads that wrk alone cannot make."""
import os
import re
import socket
import ssl
import subprocess
import time

from .machine import BUILD, Failed, free_port
from .proxies import Daemon, Field


class SecureField(Field):
    """As Field, with a certificate on P-256, and every proxy behind TLS."""

    def __init__(self):
        super().__init__()
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
             "subjectAltName=DNS:localhost", "-keyout", self.folder / "site.key", "-out",
             self.folder / "site.pem"], check=True, capture_output=True)
        both = (self.folder / "site.pem").read_bytes() + (self.folder / "site.key").read_bytes()
        (self.folder / "both.pem").write_bytes(both)

    def ecluse(self, workers):
        port = free_port()
        program = os.environ.get("ECLUSE_BENCH_GATEWAY", str(BUILD / "ecluse"))
        return Daemon("ecluse", self.folder, port,
                      [program, "gateway", "--listen", "127.0.0.1:0", "--tls-listen",
                       f"127.0.0.1:{port}", "--tls-cert", str(self.folder / "both.pem"), "--to",
                       f"127.0.0.1:{self.origin_port}", "--workers", str(workers)])

    def nginx(self, workers):
        port = free_port()
        return Daemon("nginx", self.folder, port,
                      ["nginx", "-c", self.render("nginx-tls.conf", port, workers)])

    def haproxy(self, workers):
        port = free_port()
        return Daemon("haproxy", self.folder, port,
                      ["haproxy", "-W", "-db", "-f", self.render("haproxy-tls.cfg", port, workers)])


def h2load(port, seconds, connections, streams):
    done = subprocess.run(
        ["h2load", "--duration", str(seconds), "--clients", str(connections),
         "--max-concurrent-streams", str(streams), "--threads", "1", f"https://127.0.0.1:{port}/"],
        capture_output=True, text=True, check=True)
    said = re.search(r"requests: .*?(\d+) succeeded, (\d+) failed, (\d+) errored", done.stdout)
    if not said or int(said[2]) or int(said[3]):
        raise Failed(f"h2load: {done.stdout}")
    return {"requests": int(said[1])}


def handshakes(port, seconds, resumes):
    """One after the other, each with one request; TLS 1.3. Only the server's processor is measured, so
    a slow client does no harm."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    request = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    session, count, until = None, 0, time.monotonic() + seconds
    while time.monotonic() < until:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as raw:
            with context.wrap_socket(raw, server_hostname="localhost", session=session) as tls:
                tls.sendall(request)
                if not tls.recv(65536).startswith(b"HTTP/1.1 200"):
                    raise Failed("a handshake without an answer")
                if session is not None and not tls.session_reused:
                    raise Failed("a session was not resumed")
                if resumes:
                    session = tls.session
        count += 1
    return {"requests": count}
