"""How the cases spell requests. Text is Latin-1: a character is an octet."""

NUL = "\0"


def get(fields, target="/"):
    return f"GET {target} HTTP/1.1\r\nHost: a\r\n{fields}\r\n"


def post(fields, body=""):
    return f"POST / HTTP/1.1\r\nHost: a\r\n{fields}\r\n{body}"
