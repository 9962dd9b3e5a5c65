"""What the settings may learn from outside: environment variables, each read in one place.

Nothing has a silent fallback that would let a production process start on the wrong footing.
"""
import os

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

TRUE_WORDS = {"1", "true", "yes", "on"}
FALSE_WORDS = {"0", "false", "no", "off", ""}


def flag(name, default=False):
    """The variable as a yes or no; a word that is neither is an error."""
    word = os.environ.get(name, str(default)).strip().lower()
    if word in TRUE_WORDS:
        return True
    if word in FALSE_WORDS:
        return False
    raise ImproperlyConfigured(f"{name} is {word!r}: say true or false")


def words(name):
    """A comma-separated variable as a list, without blanks."""
    return [word.strip() for word in os.environ.get(name, "").split(",") if word.strip()]


def required(name, hint):
    """The variable, which must be set and not empty."""
    value = os.environ.get(name, "")
    if not value:
        raise ImproperlyConfigured(f"{name} is not set: {hint}")
    return value


def database(debug, sqlite_path):
    """The default database out of DATABASE_URL.

    A developer (DEBUG=true) who sets none gets SQLite beside the code. Production never does:
    an app that answers 200 on an empty SQLite file is worse than one that does not start.
    """
    if debug:
        url = os.environ.get("DATABASE_URL") or f"sqlite:///{sqlite_path}"
    else:
        url = required("DATABASE_URL", "postgresql://user:password@host:5432/name")
    config = dj_database_url.parse(url, conn_max_age=60, conn_health_checks=True)
    if is_production() and config["ENGINE"].endswith("sqlite3"):
        raise ImproperlyConfigured(
            "DATABASE_URL names SQLite while ENVIRONMENT is production: give it PostgreSQL"
        )
    return config


def is_production():
    """Whether ENVIRONMENT says that real users are served."""
    return os.environ.get("ENVIRONMENT", "").strip().lower() == "production"


def release():
    """The release that this process belongs to, as ecluse numbered it; "dev" outside of it."""
    return os.environ.get("ECLUSE_RELEASE") or "dev"
