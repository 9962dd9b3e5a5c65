import pytest
from django.core.exceptions import ImproperlyConfigured

from oc_lettings_site import environment

POSTGRES = "postgresql://app:secret@db.example:5432/app"


def test_flags_are_words(monkeypatch):
    monkeypatch.setenv("A", "Yes")
    monkeypatch.setenv("B", "off")
    assert environment.flag("A") is True
    assert environment.flag("B") is False
    assert environment.flag("C", default=True) is True


def test_a_word_that_is_no_flag_is_refused(monkeypatch):
    monkeypatch.setenv("DEBUG", "perhaps")
    with pytest.raises(ImproperlyConfigured, match="perhaps"):
        environment.flag("DEBUG")


def test_lists_are_split_at_commas(monkeypatch):
    monkeypatch.setenv("ALLOWED_HOSTS", "a.example, b.example,")
    assert environment.words("ALLOWED_HOSTS") == ["a.example", "b.example"]


def test_a_missing_secret_key_says_its_name(monkeypatch):
    monkeypatch.delenv("SECRET_KEY")
    with pytest.raises(ImproperlyConfigured, match="SECRET_KEY is not set"):
        environment.required("SECRET_KEY", "any long random text")


def test_a_developer_gets_sqlite(monkeypatch, tmp_path):
    monkeypatch.delenv("DATABASE_URL")
    config = environment.database(debug=True, sqlite_path=tmp_path / "db.sqlite3")
    assert config["ENGINE"] == "django.db.backends.sqlite3"
    assert config["NAME"] == str(tmp_path / "db.sqlite3")


def test_without_debug_a_database_must_be_named(monkeypatch, tmp_path):
    monkeypatch.delenv("DATABASE_URL")
    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL is not set"):
        environment.database(debug=False, sqlite_path=tmp_path / "db.sqlite3")


def test_production_refuses_sqlite(monkeypatch, tmp_path):
    monkeypatch.setenv("ENVIRONMENT", "production")
    monkeypatch.setenv("DATABASE_URL", "sqlite:///db.sqlite3")
    with pytest.raises(ImproperlyConfigured, match="PostgreSQL"):
        environment.database(debug=False, sqlite_path=tmp_path / "db.sqlite3")


def test_production_takes_postgresql(monkeypatch, tmp_path):
    monkeypatch.setenv("ENVIRONMENT", "production")
    monkeypatch.setenv("DATABASE_URL", POSTGRES)
    config = environment.database(debug=False, sqlite_path=tmp_path / "db.sqlite3")
    assert config["ENGINE"] == "django.db.backends.postgresql"
    assert config["HOST"] == "db.example"
    assert config["CONN_HEALTH_CHECKS"] is True


def test_the_release_comes_from_ecluse(monkeypatch):
    assert environment.release() == "dev"
    monkeypatch.setenv("ECLUSE_RELEASE", "7")
    assert environment.release() == "7"
