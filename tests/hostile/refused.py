"""Requests that must be refused: with which status, and where the rule comes from.

A case is (name, source, bytes, status). Whatever the status, nothing of it may reach the app, the
connection ends with the answer, and a request hidden behind it is not answered.
"""
from messages import NUL, get, post

REFUSED = (

    # Framing of the body: everything two parsers could read in two ways.
    ("length and coding", "RFC 9112 6.1",
     post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400),
    ("coding and length", "RFC 9112 6.1",
     post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"), 400),
    ("differing lengths", "RFC 9112 6.3",
     post("Content-Length: 5\r\nContent-Length: 6\r\n", "hello"), 400),
    ("list of lengths", "RFC 9110 8.6", post("Content-Length: 5, 6\r\n", "hello"), 400),
    ("list of equal lengths", "RFC 9110 8.6", post("Content-Length: 5, 5\r\n", "hello"), 400),
    ("negative length", "RFC 9110 8.6", post("Content-Length: -5\r\n", "hello"), 400),
    ("plus length", "RFC 9110 8.6", post("Content-Length: +5\r\n", "hello"), 400),
    ("hexadecimal length", "RFC 9110 8.6", post("Content-Length: 0x5\r\n", "hello"), 400),
    ("empty length", "CVE-2023-40225", post("Content-Length: \r\n", "hello"), 400),
    ("length with a space inside", "RFC 9110 8.6", post("Content-Length: 1 0\r\n", "hello"), 400),
    ("length with a comma", "RFC 9110 8.6", post("Content-Length: 5,\r\n", "hello"), 400),
    ("length beyond 64 bits", "RFC 9110 8.6",
     post("Content-Length: 18446744073709551621\r\n", "hello"), 400),
    ("length with a point", "RFC 9110 8.6", post("Content-Length: 5.0\r\n", "hello"), 400),
    ("unknown coding", "RFC 9112 6.3", post("Transfer-Encoding: gzip\r\n", "hello"), 400),
    ("identity coding", "RFC 9112 6.1", post("Transfer-Encoding: identity\r\n", "hello"), 400),
    ("gzip then chunked", "RFC 9112 6.1",
     post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), 501),
    ("chunked then gzip", "RFC 9112 6.3",
     post("Transfer-Encoding: chunked, gzip\r\n", "0\r\n\r\n"), 400),
    ("chunked twice", "RFC 9112 6.1",
     post("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n"), 400),
    ("two coding fields", "RFC 9112 6.1",
     post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", "0\r\n\r\n"), 400),
    ("coding with a vertical tab", "CVE-2019-18277",
     post("Transfer-Encoding: \vchunked\r\n", "0\r\n\r\n"), 400),
    ("xchunked", "request smuggling, Kettle 2019",
     post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"), 400),
    ("chunked in quotes", "request smuggling, Kettle 2019",
     post("Transfer-Encoding: \"chunked\"\r\n", "0\r\n\r\n"), 400),
    ("chunked with a parameter", "RFC 9112 7",
     post("Transfer-Encoding: chunked;q=1\r\n", "0\r\n\r\n"), 400),
    ("empty coding", "RFC 9112 6.1", post("Transfer-Encoding:\r\n", "0\r\n\r\n"), 400),
    ("coding with a space before the colon", "request smuggling, Kettle 2019",
     post("Transfer-Encoding : chunked\r\n", "0\r\n\r\n"), 400),
    ("folded coding", "RFC 9112 5.2", post("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n"),
     400),
    ("coding in HTTP/1.0", "RFC 9112 6.1",
     "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    # Chunks. The head may be on its way to the app; the body must not be completed.
    # Field lines.
    ("space before the colon", "RFC 9112 5.1", get("A : b\r\n"), 400),
    ("tab before the colon", "RFC 9112 5.1", get("A\t: b\r\n"), 400),
    ("no colon", "RFC 9112 5", get("Ab\r\n"), 400),
    ("empty name", "RFC 9112 5", get(": b\r\n"), 400),
    ("space in a name", "RFC 9110 5.1", get("A b: c\r\n"), 400),
    ("folded field", "RFC 9112 5.2", get("A: b\r\n c\r\n"), 400),
    ("field folded by a tab", "RFC 9112 5.2", get("A: b\r\n\tc\r\n"), 400),
    ("first field folded", "RFC 9112 2.2", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400),
    ("NUL in a value", "RFC 9110 5.5", get("A: b" + NUL + "c\r\n"), 400),
    ("NUL in a name", "RFC 9110 5.1", get("A" + NUL + "b: c\r\n"), 400),
    ("DEL in a value", "RFC 9110 5.5", get("A: b\x7f\r\n"), 400),
    ("bell in a value", "RFC 9110 5.5", get("A: b\x07\r\n"), 400),
    ("escape in a value", "RFC 9110 5.5", get("A: \x1b[31m\r\n"), 400),
    ("bare CR in a value", "RFC 9112 2.2", get("A: b\rC: d\r\n"), 400),
    ("bare LF ends a field", "RFC 9112 2.2", "GET / HTTP/1.1\r\nHost: a\nB: c\r\n\r\n", 400),
    ("bare LF ends the request line", "RFC 9112 2.2", "GET / HTTP/1.1\nHost: a\r\n\r\n", 400),
    ("bare LF everywhere", "RFC 9112 2.2", "GET / HTTP/1.1\nHost: a\n\n", 400),
    ("bare LF ends the head", "RFC 9112 2.2", "GET / HTTP/1.1\r\nHost: a\r\n\n", 400),
    ("CR CR LF", "RFC 9112 2.2", "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n", 400),
    ("high byte in a name", "RFC 9110 5.1", get("\xc3\xa9: b\r\n"), 400),
    ("parenthesis in a name", "RFC 9110 5.1", get("A(b): c\r\n"), 400),
    # Host.
    ("no Host", "RFC 9112 3.2", "GET / HTTP/1.1\r\n\r\n", 400),
    ("no Host in HTTP/1.0", "gateway.md rule 1", "GET / HTTP/1.0\r\n\r\n", 400),
    ("two Hosts", "RFC 9112 3.2", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    ("the same Host twice", "RFC 9112 3.2", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
    ("empty Host", "RFC 9110 4.2.1", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 400),
    ("Host with userinfo", "RFC 9110 4.2.4", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400),
    ("Host with a slash", "RFC 9110 7.2", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
    ("Host with a space", "RFC 9110 7.2", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
    ("Host with a bad port", "RFC 9110 7.2", "GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", 400),
    ("Host with a port too large", "RFC 9110 7.2", "GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n",
     400),
    ("Host with two ports", "RFC 9110 7.2", "GET / HTTP/1.1\r\nHost: a:1:2\r\n\r\n", 400),
    ("Host list", "RFC 9110 7.2", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400),
    ("Host with a question mark", "RFC 9110 7.2", "GET / HTTP/1.1\r\nHost: a?b\r\n\r\n", 400),
    ("Host with a fragment", "RFC 9110 7.2", "GET / HTTP/1.1\r\nHost: a#b\r\n\r\n", 400),
    ("Host with a backslash", "RFC 9110 7.2", "GET / HTTP/1.1\r\nHost: a\\b\r\n\r\n", 400),
    ("Host with an open bracket", "RFC 3986 3.2.2", "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400),
    ("Host with a space before the colon", "RFC 9112 5.1", "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
     400),
    # The request line.
    ("HTTP/0.9", "RFC 9112 2.3", "GET /\r\n\r\n", 400),
    ("two spaces", "RFC 9112 3", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("tab for a space", "RFC 9112 3", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("trailing space", "RFC 9112 3", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400),
    ("leading space", "RFC 9112 3", " GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("space in the target", "RFC 9112 3.2", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("empty target", "RFC 9112 3.2", "GET  HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("fragment in the target", "RFC 9110 7.1", get("", "/a#b"), 400),
    ("NUL in the target", "RFC 9112 3.2", get("", "/a" + NUL), 400),
    ("high byte in the target", "RFC 3986 2", get("", "/\xc3\xa9"), 400),
    ("DEL in the target", "RFC 3986 2", get("", "/\x7f"), 400),
    ("relative target", "RFC 9112 3.2", get("", "a/b"), 400),
    ("asterisk for GET", "RFC 9112 3.2.4", get("", "*"), 400),
    ("authority form for GET", "RFC 9112 3.2.3", get("", "a:80"), 400),
    ("absolute form with userinfo", "RFC 9110 4.2.4", get("", "http://u:p@b/"), 400),
    ("absolute form without a host", "RFC 9110 4.2.1", get("", "http:///x"), 400),
    ("absolute form of another scheme", "RFC 9110 7.4", get("", "ftp://a/"), 400),
    ("absolute form without Host", "RFC 9112 3.2", "GET http://a/ HTTP/1.1\r\n\r\n", 400),
    ("CONNECT", "RFC 9110 9.3.6", "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", 501),
    ("TRACE", "RFC 9110 9.3.8", "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", 501),
    ("method that is no token", "RFC 9110 9.1", "GE(T / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("lower case protocol", "RFC 9112 2.3", "GET / http/1.1\r\nHost: a\r\n\r\n", 400),
    ("long version", "RFC 9112 2.3", "GET / HTTP/1.10\r\nHost: a\r\n\r\n", 400),
    ("version without a minor", "RFC 9112 2.3", "GET / HTTP/1\r\nHost: a\r\n\r\n", 400),
    ("HTTP/2.0", "RFC 9110 15.6.6", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
    ("the preface of HTTP/2", "RFC 9113 3.4", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    ("HTTP/1.2", "RFC 9110 15.6.6", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505),
    ("a TLS hello", "gateway.md rule 1", "\x16\x03\x01\x02" + NUL, 400),
    ("two empty lines first", "RFC 9112 2.2", "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    # Bounds.
    ("long target", "RFC 9110 15.5.15", get("", "/" + "a" * 9000), 414),
    ("long field", "RFC 6585 5", get("A: " + "b" * 17000 + "\r\n"), 431),
    ("many fields", "RFC 6585 5",
     get("".join(f"A{i}: b\r\n" for i in range(120))),
     431),
    ("body beyond the bound", "RFC 9110 15.5.14", post("Content-Length: 2000000\r\n"), 413),
    ("half a head", "RFC 9110 15.5.9", "GET / HTTP/1.1\r\nHost: a\r\n", 408),
    # Expectations and upgrades.
    ("unknown expectation", "RFC 9110 10.1.1",
     post("Expect: 200-ok\r\nContent-Length: 1\r\n", "a"), 417),
    ("upgrade with a body", "gateway.md rule 4",
     post("Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 5\r\n", "hello"), 400),
    ("upgrade with chunks", "gateway.md rule 4",
     get("Connection: Upgrade\r\nUpgrade: websocket\r\nTransfer-Encoding: chunked\r\n") +
         "0\r\n\r\n",
     400),
)


def of_each(characters, name, source, build):
    return tuple((f"{name} 0x{ord(c):02x}", source, build(c), 400) for c in characters)


# Octets that no field value may hold (RFC 9110 5.5 leaves HTAB, SP, VCHAR and obs-text); CR and LF have cases
# of their own above.
CONTROLS = [chr(c) for c in (*range(0x01, 0x07), 0x08, 0x0b, 0x0c, *range(0x0e, 0x1b), *range(0x1c, 0x20))]
DELIMITERS = '"(),/;<=>?@[]{}'

REFUSED += of_each(CONTROLS, "control character in a value", "RFC 9110 5.5", lambda c: get(f"A: b{c}c\r\n"))
REFUSED += of_each([chr(c) for c in (0x01, 0x08, 0x0b, 0x0c, 0x0e, 0x1f, 0x7f, 0x80, 0xff)],
                   "octet in a field name", "RFC 9110 5.1", lambda c: get(f"A{c}b: c\r\n"))
REFUSED += of_each(DELIMITERS, "delimiter in a field name", "RFC 9110 5.6.2", lambda c: get(f"A{c}b: c\r\n"))
REFUSED += of_each([chr(c) for c in (0x01, 0x0b, 0x0c, 0x1f, 0x80, 0xa0, 0xff)], "octet in the target",
                   "RFC 3986 2", lambda c: get("", f"/a{c}b"))
REFUSED += of_each('"(),/:;<=>?@[]{}', "delimiter in the method", "RFC 9110 9.1",
                   lambda c: f"G{c}T / HTTP/1.1\r\nHost: a\r\n\r\n")
REFUSED += of_each('"<>^`{|}@/\\ ', "character in Host", "RFC 3986 3.2.2",
                   lambda c: f"GET / HTTP/1.1\r\nHost: a{c}b\r\n\r\n")

TE = "Transfer-Encoding"
CHUNKS = "0\r\n\r\n"
# Ways to hide a coding from one of two parsers (Kettle, "HTTP Desync Attacks", 2019; Klein, "HTTP Request
# Smuggling in 2020").
REFUSED += tuple(
    (f"coding hidden: {name}", source, post(fields, CHUNKS), 400) for name, source, fields in (
        ("chunked, then x", "CWE-444", f"{TE}: chunked\r\n{TE}: x\r\n"),
        ("x, then chunked", "CWE-444", f"{TE}: x\r\n{TE}: chunked\r\n"),
        ("chunked twice in fields", "CVE-2020-8287", f"{TE}: chunked\r\n{TE}: chunked\r\n"),
        ("leading form feed", "CVE-2019-16789", f"{TE}: \fchunked\r\n"),
        ("trailing vertical tab", "CVE-2019-16789", f"{TE}: chunked\v\r\n"),
        ("trailing NUL", "RFC 9110 5.5", f"{TE}: chunked{NUL}\r\n"),
        ("name folded", "RFC 9112 5.2", f"{TE}\r\n : chunked\r\n"),
        ("value after an empty line fold", "RFC 9112 5.2", f"{TE}:\r\n\tchunked\r\n"),
        ("chunked, identity", "RFC 9112 6.1", f"{TE}: chunked, identity\r\n"),
        ("high octets for its first letter", "RFC 9112 6.1", f"{TE}: \xc5\xbfhunked\r\n"),
        ("chunk", "CWE-444", f"{TE}: chunk\r\n"),
        ("a word after it", "CWE-444", f"{TE}: chunked bogus\r\n"),
        ("a NUL in the name", "RFC 9110 5.1", f"Transfer{NUL}-Encoding: chunked\r\n"),
        ("beside a length", "RFC 9112 6.3", f"{TE}: chunked\r\nContent-Length: 0\r\n"),
        ("beside a length of another case", "RFC 9112 6.3", f"{TE.lower()}: chunked\r\ncontent-length: 4\r\n"),
        ("beside equal lengths", "RFC 9112 6.1", f"Content-Length: 4\r\nContent-Length: 4\r\n{TE}: chunked\r\n"),
    ))

REFUSED += (("coding hidden: comma first", "RFC 9110 5.6.1", post(f"{TE}: ,chunked\r\n", CHUNKS), 501),
            ("coding hidden: comma last", "RFC 9110 5.6.1", post(f"{TE}: chunked,\r\n", CHUNKS), 501),
            ("https over cleartext", "RFC 9110 7.4", get("", "https://a/x"), 400))

REFUSED += tuple(
    (f"length: {name}", source, post(f"Content-Length:{value}\r\n", "hello"), 400) for name, source, value in (
        ("a letter behind it", "RFC 9110 8.6", " 5a"),
        ("in quotes", "RFC 9110 8.6", ' "5"'),
        ("a sign behind it", "RFC 9110 8.6", " 5-"),
        ("octal mark", "RFC 9110 8.6", " 0o5"),
        ("underscore", "RFC 9110 8.6", " 1_0"),
        ("exponent", "RFC 9110 8.6", " 1e1"),
        ("infinite", "RFC 9110 8.6", " inf"),
        ("a full-width digit", "RFC 9110 8.6", " \xef\xbc\x95"),
        ("a tab inside", "RFC 9110 8.6", " 1\t0"),
        ("vertical tab before it", "RFC 9110 8.6", " \v5"),
        ("form feed before it", "RFC 9110 8.6", " \f5"),
        ("NUL behind it", "RFC 9110 5.5", f" 5{NUL}"),
        ("2^64", "RFC 9110 8.6", " 18446744073709551616"),
        ("2^64 + 5 in 22 digits", "RFC 9110 8.6", " 0018446744073709551621"),
        ("a hundred digits", "RFC 9110 8.6", " " + "9" * 100),
        ("semicolon", "RFC 9110 8.6", " 5;5"),
        ("differing list", "RFC 9112 6.3", " 5,6"),
        ("minus zero", "RFC 9110 8.6", " -0"),
    ))

REFUSED += tuple(
    (f"Host: {name}", source, f"GET / HTTP/1.1\r\n{fields}\r\n", 400) for name, source, fields in (
        ("differing case of the name", "RFC 9112 3.2", "Host: a\r\nhOST: b\r\n"),
        ("folded", "RFC 9112 5.2", "Host:\r\n a\r\n"),
        ("only a port", "RFC 9110 7.2", "Host: :80\r\n"),
        ("negative port", "RFC 3986 3.2.3", "Host: a:-1\r\n"),
        ("port with a sign", "RFC 3986 3.2.3", "Host: a:+80\r\n"),
        ("port with a space", "RFC 3986 3.2.3", "Host: a:8 0\r\n"),
        ("port in hexadecimal", "RFC 3986 3.2.3", "Host: a:0x50\r\n"),
        ("a URI", "RFC 9110 7.2", "Host: http://a\r\n"),
        ("password too", "RFC 9110 4.2.4", "Host: u:p@a\r\n"),
        ("closing bracket alone", "RFC 3986 3.2.2", "Host: ::1]\r\n"),
        ("IPv6 without brackets", "RFC 3986 3.2.2", "Host: ::1\r\n"),
        ("text behind the bracket", "RFC 3986 3.2.2", "Host: [::1]x\r\n"),
        ("letters in brackets", "RFC 3986 3.2.2", "Host: [zz]\r\n"),
        ("NUL", "RFC 9110 5.5", f"Host: a{NUL}b\r\n"),
        ("tab inside", "RFC 9110 7.2", "Host: a\tb\r\n"),
        ("high octets", "RFC 3986 3.2.2", "Host: \xc3\xa9\r\n"),
        ("a percent without digits", "RFC 3986 2.1", "Host: a%zz\r\n"),
        ("longer than a name may be", "RFC 1035 2.3.4", f"Host: {'a' * 300}\r\n"),
    ))

REFUSED += tuple((f"request line: {name}", source, data, status) for name, source, data, status in (
    ("only spaces", "RFC 9112 3", "   \r\n\r\n", 400),
    ("only a method", "RFC 9112 3", "GET\r\nHost: a\r\n\r\n", 400),
    ("no version", "RFC 9112 2.3", "GET / \r\nHost: a\r\n\r\n", 400),
    ("a fourth word", "RFC 9112 3", "GET / HTTP/1.1 x\r\nHost: a\r\n\r\n", 400),
    ("version with a space", "RFC 9112 2.3", "GET / HTTP/ 1.1\r\nHost: a\r\n\r\n", 400),
    ("version with a minus", "RFC 9112 2.3", "GET / HTTP/-1.1\r\nHost: a\r\n\r\n", 400),
    ("version with a comma", "RFC 9112 2.3", "GET / HTTP/1,1\r\nHost: a\r\n\r\n", 400),
    ("version of letters", "RFC 9112 2.3", "GET / HTTP/a.b\r\nHost: a\r\n\r\n", 400),
    ("version HTTP/0.9 spelt out", "RFC 9112 2.3", "GET / HTTP/0.9\r\nHost: a\r\n\r\n", 505),
    ("version HTTP/3.0", "RFC 9110 15.6.6", "GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505),
    ("version HTTP/1.1 with digits more", "RFC 9112 2.3", "GET / HTTP/1.1.1\r\nHost: a\r\n\r\n", 400),
    ("version HTTP/01.1", "RFC 9112 2.3", "GET / HTTP/01.1\r\nHost: a\r\n\r\n", 400),
    ("another protocol", "RFC 9112 2.3", "GET / ICY/1.1\r\nHost: a\r\n\r\n", 400),
    ("vertical tab for a space", "RFC 9112 3", "GET\v/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("NUL before the method", "RFC 9112 3", NUL + "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("CR before the method", "RFC 9112 2.2", "\rGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("CR inside", "RFC 9112 2.2", "GET /\r HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("a second request line folded in", "RFC 9112 2.2", "GET / HTTP/1.1\r\n\tGET /x HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("a field before it", "RFC 9112 2.1", "Host: a\r\nGET / HTTP/1.1\r\n\r\n", 400),
    ("https in absolute form with userinfo", "RFC 9110 4.2.4", get("", "https://u@a/"), 400),
    ("absolute form with a bad port", "RFC 3986 3.2.3", get("", "http://a:99999/"), 400),
    ("absolute form with a fragment", "RFC 9112 3.2.2", get("", "http://a/#x"), 400),
    ("absolute form with a space", "RFC 9112 3.2.2", get("", "http://a /"), 400),
    ("scheme without a host", "RFC 9110 4.2.1", get("", "http://"), 400),
    ("javascript", "RFC 9112 3.2", get("", "javascript:alert(1)"), 400),
    ("asterisk for POST", "RFC 9112 3.2.4", "POST * HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", 400),
    ("backslash first", "RFC 9112 3.2.1", get("", "\\\\a"), 400),
    ("question mark first", "RFC 9112 3.2.1", get("", "?x"), 400),
    ("CONNECT to a path", "RFC 9110 9.3.6", "CONNECT / HTTP/1.1\r\nHost: a\r\n\r\n", 501),
    ("TRACE with a body", "RFC 9110 9.3.8", "TRACE / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\na", 501),
    ("lower case connect is another method, and it has a body", "RFC 9110 9.1",
     "connect a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
))

# The head may be on its way to the app when a chunk turns out faulty: the body must then never end.
UNENDED = tuple((f"chunk: {name}", source, post(f"{TE}: chunked\r\n", body), 400) for name, source, body in (
    ("size ends with LF alone", "RFC 9112 7.1", "5\nhello\r\n0\r\n\r\n"),
    ("no line end behind it", "RFC 9112 7.1", "5\r\nhello0\r\n\r\n"),
    ("ends with LF alone", "RFC 9112 7.1", "5\r\nhello\n0\r\n\r\n"),
    ("negative size", "RFC 9112 7.1", "-5\r\nhello\r\n0\r\n\r\n"),
    ("signed size", "RFC 9112 7.1", "+5\r\nhello\r\n0\r\n\r\n"),
    ("size with 0x", "RFC 9112 7.1", "0x5\r\nhello\r\n0\r\n\r\n"),
    ("space behind the size", "RFC 9112 7.1.1", "5 \r\nhello\r\n0\r\n\r\n"),
    ("space before the size", "RFC 9112 7.1", " 5\r\nhello\r\n0\r\n\r\n"),
    ("tab behind the size", "RFC 9112 7.1.1", "5\t\r\nhello\r\n0\r\n\r\n"),
    ("NUL behind the size", "RFC 9112 7.1", f"5{NUL}\r\nhello\r\n0\r\n\r\n"),
    ("underscore in the size", "RFC 9112 7.1", "0_5\r\nhello\r\n0\r\n\r\n"),
    ("extension with a bare LF", "RFC 9112 7.1.1", "5;a\nhello\r\n0\r\n\r\n"),
    ("extension with a bare CR", "RFC 9112 7.1.1", "5;a\rb\r\nhello\r\n0\r\n\r\n"),
    ("extension with a NUL", "RFC 9112 7.1.1", f"5;a{NUL}\r\nhello\r\n0\r\n\r\n"),
    ("size beyond 64 bits", "CVE-2013-2028", "FFFFFFFFFFFFFFFF1\r\nhello\r\n0\r\n\r\n"),
    ("size of 2^64 - 1", "CVE-2013-2028", "FFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n"),
    ("trailer without a colon", "RFC 9112 7.1.2", "5\r\nhello\r\n0\r\nno colon\r\n\r\n"),
    ("trailer with a space before the colon", "RFC 9112 5.1", "5\r\nhello\r\n0\r\nA : b\r\n\r\n"),
    ("trailer that ends with LF", "RFC 9112 2.2", "5\r\nhello\r\n0\r\nA: b\n\r\n"),
    ("trailer folded", "RFC 9112 5.2", "5\r\nhello\r\n0\r\nA: b\r\n c\r\n\r\n"),
    ("trailer with a NUL", "RFC 9110 5.5", f"5\r\nhello\r\n0\r\nA: {NUL}\r\n\r\n"),
    ("long extension", "CVE-2023-39326", f"5;{'x' * 400}\r\nhello\r\n0\r\n\r\n"),
    ("many zeros", "RFC 9112 7.1", f"{'0' * 400}5\r\nhello\r\n0\r\n\r\n"),
    ("size of no digit", "RFC 9112 7.1", "g\r\n\r\n0\r\n\r\n"),
    ("empty size", "RFC 9112 7.1", "\r\n0\r\n\r\n"),
    ("only an extension", "RFC 9112 7.1", ";a\r\n0\r\n\r\n"),
    ("more bytes than its size", "RFC 9112 7.1", "3\r\nhello\r\n0\r\n\r\n"),
    ("fewer bytes than its size", "RFC 9112 7.1", "9\r\nhello\r\n0\r\n\r\nG"),
    ("the last one ends with LF", "RFC 9112 7.1", "5\r\nhello\r\n0\n\r\n"),
    ("the empty line is LF", "RFC 9112 7.1.2", "5\r\nhello\r\n0\r\n\n"),
))
UNENDED += (("a body that trickles", "gateway.md rule 7", post("Content-Length: 100000\r\n", "a"), 408),)

# Ends of a request before its end: the app must not take a half for a whole.
CUT = (
    ("a length cut short", "RFC 9112 8", post("Content-Length: 10\r\n", "hello"), 400),
    ("chunks without a last one", "RFC 9112 8", post(f"{TE}: chunked\r\n", "5\r\nhello\r\n"), 400),
    ("half a chunk", "RFC 9112 8", post(f"{TE}: chunked\r\n", "5\r\nhel"), 400),
    ("half a size", "RFC 9112 8", post(f"{TE}: chunked\r\n", "5"), 400),
    ("the last chunk without its empty line", "RFC 9112 8", post(f"{TE}: chunked\r\n", "5\r\nhello\r\n0\r\n"), 400),
    ("half a trailer", "RFC 9112 8", post(f"{TE}: chunked\r\n", "5\r\nhello\r\n0\r\nA: b"), 400),
)
