"""Faults on purpose, so that a demonstration can ship a release that is bad.

RELEASE_FAULT, or the file release_fault.txt at the top of the repository (so that the *commit* is
bad), names one of:

    errors    every second page answers 500, beginning with the first
    few       all pages answer 500, to FEW_PERCENT of the users (by their cookie VISITOR_COOKIE)
    page      the profiles answer 500, the rest is well
    leak      every page keeps LEAK_BYTES, until the server is out of memory
    slow      every page takes SLOW_S seconds longer
    crash     the whole server exits with CRASH_EXIT_CODE, CRASH_AFTER_S seconds after its start
    unready   the health page answers 503, so a readiness probe never succeeds

Only pages are touched, never static files; the health page only by `unready`. gunicorn.conf.py
does the crash.
"""
import itertools
import os
import time
import zlib
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

FAULTS = ("errors", "few", "page", "leak", "slow", "crash", "unready")
SLOW_S = 3.0
FEW_PERCENT = 3
VISITOR_COOKIE = "visitor"
LEAK_BYTES = 24 << 20
LEAK_BYTES_MAX = 1 << 30  # where nothing limits the server, the machine must not suffer
CRASH_AFTER_S = 3.0
CRASH_EXIT_CODE = 70
FAULT_FILE = Path(__file__).resolve().parent.parent / "release_fault.txt"


class PlannedFault(RuntimeError):
    """Raised instead of an answer by a release that was asked to fail."""


def read_fault():
    """The fault of this release, or "" for none; the environment goes before the file."""
    fault = os.environ.get("RELEASE_FAULT", "").strip()
    if not fault and FAULT_FILE.exists():
        fault = FAULT_FILE.read_text(encoding="utf-8").strip()
    if fault and fault not in FAULTS:
        raise ImproperlyConfigured(f"release fault {fault!r}: expected one of {', '.join(FAULTS)}")
    return fault


class FaultMiddleware:
    """Applies all but `crash` and `unready`, to every page but the health page."""

    def __init__(self, get_response):
        self.get_response = get_response
        self.fault = read_fault()
        self.count = itertools.count(1)
        self.leaked = []

    def __call__(self, request):
        return self.get_response(request)

    def process_view(self, request, view, args, kwargs):
        """Runs before the view, where an exception becomes the site's own 500 page."""
        if getattr(view, "spared_by_faults", False):
            return
        if self.fault == "slow":
            time.sleep(SLOW_S)
        if self.fault == "leak":
            self.leak()
        if self.fails(request):
            raise PlannedFault(f"this release was asked to fail: {self.fault}")

    def fails(self, request):
        if self.fault == "errors":
            return next(self.count) % 2 == 1
        if self.fault == "few":
            visitor = request.COOKIES.get(VISITOR_COOKIE, "")
            return zlib.crc32(visitor.encode()) % 100 < FEW_PERCENT
        return self.fault == "page" and request.path.startswith("/profiles/")

    def leak(self):
        if len(self.leaked) * LEAK_BYTES >= LEAK_BYTES_MAX:
            raise MemoryError("this release was asked to leak, and nothing stopped it")
        self.leaked.append(b"x" * LEAK_BYTES)
