"""The gateway over TLS and HTTP/2 beside Debian's nginx and HAProxy: processor time per request.

As `bench gateway`: one app behind all three, rounds interleaved; a ratio below 1 means that ecluse needs less than
the better of the two. Their files are in bench/gateway. Bars: docs/gateway-tls.md.
"""
from _drive.machine import enter_own_network
from _drive.options import run
from _drive.proxies import wrk
from _drive.race import Row, parser_of, race, shortened
from _drive.secure import SecureField, h2load, handshakes

ROWS = (Row("tls_get", "TLS 1.3 GET 200 B, kept alive", 1.0,
            lambda port, seconds: wrk(port, "/", seconds, 64, scheme="https")),
        Row("full", "TLS 1.3 full handshake and a GET", 1.0,
            lambda port, seconds: handshakes(port, seconds, resumes=False)),
        Row("resumed", "TLS 1.3 resumed handshake and a GET", 1.0,
            lambda port, seconds: handshakes(port, seconds, resumes=True)),
        Row("h2_get", "HTTP/2 GET 200 B, 16 connections x 32", 0.9,
            lambda port, seconds: h2load(port, seconds, connections=16, streams=32)))


if __name__ == "__main__":
    enter_own_network()
    options = shortened(parser_of(__doc__, [row.name for row in ROWS]).parse_args())
    run(lambda: race(SecureField, ROWS, options))
