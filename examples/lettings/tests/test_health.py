import pytest
from django.db import DatabaseError, connection
from django.test import Client

from oc_lettings_site import views


def test_health_names_the_database_really_in_use(client, letting):
    report = client.get("/health/").json()
    assert report == {
        "status": "ok", "release": "dev", "debug": False,
        "database": connection.vendor, "lettings": 1,
    }


def test_health_is_not_cached(client, db):
    assert "no-store" in client.get("/health/")["Cache-Control"]


def test_health_is_red_when_the_database_does_not_answer(client, db, monkeypatch):
    def unreachable():
        raise DatabaseError("connection refused")

    monkeypatch.setattr("lettings.models.Letting.objects.count", unreachable)
    response = client.get("/health/")
    assert response.status_code == 503
    assert response.json()["status"] == "database unavailable"


def test_health_is_red_for_the_fault_unready(client, db, monkeypatch):
    monkeypatch.setattr(views, "read_fault", lambda: "unready")
    assert client.get("/health/").status_code == 503


@pytest.mark.parametrize("path", ["/health/", "/static/site/none.css"])
def test_health_and_static_files_survive_the_fault_errors(db, monkeypatch, path):
    monkeypatch.setenv("RELEASE_FAULT", "errors")
    client = Client(raise_request_exception=False)
    assert {client.get(path).status_code for _ in range(4)} <= {200, 404}
