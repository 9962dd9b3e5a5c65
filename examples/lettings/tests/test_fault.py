import time
import zlib

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client

from oc_lettings_site import fault


def test_no_fault_by_default():
    assert fault.read_fault() == ""


def test_the_file_makes_a_commit_bad(fault_file):
    fault_file.write_text("slow\n")
    assert fault.read_fault() == "slow"


def test_the_environment_goes_before_the_file(fault_file, monkeypatch):
    fault_file.write_text("slow")
    monkeypatch.setenv("RELEASE_FAULT", "errors")
    assert fault.read_fault() == "errors"


def test_an_unknown_fault_is_refused(monkeypatch):
    monkeypatch.setenv("RELEASE_FAULT", "gremlins")
    with pytest.raises(ImproperlyConfigured, match="gremlins"):
        fault.read_fault()


def test_errors_hit_every_second_page(db, monkeypatch):
    monkeypatch.setenv("RELEASE_FAULT", "errors")
    client = Client(raise_request_exception=False)
    assert [client.get("/").status_code for _ in range(4)] == [500, 200, 500, 200]


def test_slow_delays_a_page(db, monkeypatch):
    monkeypatch.setenv("RELEASE_FAULT", "slow")
    monkeypatch.setattr(fault, "SLOW_S", 0.05)
    before = time.monotonic()
    assert Client().get("/").status_code == 200
    assert time.monotonic() - before >= 0.05


def statuses(fault_name, paths, monkeypatch, **cookies):
    monkeypatch.setenv("RELEASE_FAULT", fault_name)
    client = Client(raise_request_exception=False)
    client.cookies.load(cookies)
    return [client.get(path).status_code for path in paths]


def test_a_fault_on_one_page_spares_the_others(db, monkeypatch):
    assert statuses("page", ["/", "/profiles/", "/lettings/"], monkeypatch) == [200, 500, 200]


def test_a_fault_for_a_few_is_always_for_the_same(db, monkeypatch):
    few = [n for n in range(1000) if zlib.crc32(str(n).encode()) % 100 < fault.FEW_PERCENT]
    others = [n for n in range(3) if n not in few]
    assert 15 < len(few) < 45
    assert statuses("few", ["/"], monkeypatch, visitor=str(others[0])) == [200]
    for visitor in few[:3]:
        pages = ["/", "/lettings/"]
        assert statuses("few", pages, monkeypatch, visitor=str(visitor)) == [500, 500]


def test_a_leak_keeps_growing_and_ends(db, monkeypatch):
    monkeypatch.setattr(fault, "LEAK_BYTES", 1 << 10)
    monkeypatch.setattr(fault, "LEAK_BYTES_MAX", 3 << 10)
    assert statuses("leak", ["/"] * 5, monkeypatch) == [200, 200, 200, 500, 500]
