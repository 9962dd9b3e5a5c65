import time

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
    assert [client.get("/").status_code for _ in range(4)] == [200, 500, 200, 500]


def test_slow_delays_a_page(db, monkeypatch):
    monkeypatch.setenv("RELEASE_FAULT", "slow")
    monkeypatch.setattr(fault, "SLOW_S", 0.05)
    before = time.monotonic()
    assert Client().get("/").status_code == 200
    assert time.monotonic() - before >= 0.05
