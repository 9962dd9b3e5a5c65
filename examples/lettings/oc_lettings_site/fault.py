"""Faults on purpose, so that a demonstration can ship a release that is bad.

RELEASE_FAULT, or the file release_fault.txt at the top of the repository (so that the *commit* is
bad), names one of:

    errors    every second page answers 500
    slow      every page takes SLOW_S seconds longer
    crash     the whole server exits with CRASH_EXIT_CODE, CRASH_AFTER_S seconds after its start
    unready   the health page answers 503, so a readiness probe never succeeds

Only pages are touched, never static files; the health page only by `unready`. gunicorn.conf.py
does the crash.
"""
import itertools
import os
import time
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

FAULTS = ("errors", "slow", "crash", "unready")
SLOW_S = 3.0
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
    """Applies `errors` and `slow` to every page but the health page."""

    def __init__(self, get_response):
        self.get_response = get_response
        self.fault = read_fault()
        self.count = itertools.count(1)

    def __call__(self, request):
        return self.get_response(request)

    def process_view(self, request, view, args, kwargs):
        """Runs before the view, where an exception becomes the site's own 500 page."""
        if getattr(view, "spared_by_faults", False):
            return
        if self.fault == "slow":
            time.sleep(SLOW_S)
        if self.fault == "errors" and next(self.count) % 2 == 0:
            raise PlannedFault("this release was asked to fail: errors")
