"""The site's settings as the tests need them: SQLite, or TEST_DATABASE_URL (say, a PostgreSQL)."""
import os

os.environ.update(
    SECRET_KEY="only-for-tests",
    DEBUG="false",
    HTTPS_ONLY="false",
    ALLOWED_HOSTS="testserver",
    DATABASE_URL=os.environ.get("TEST_DATABASE_URL", "sqlite:///:memory:"),
)
for name in ("ENVIRONMENT", "RELEASE_FAULT", "ECLUSE_RELEASE"):
    os.environ.pop(name, None)

from oc_lettings_site.settings import *  # noqa: E402, F401, F403
from oc_lettings_site.settings import STORAGES  # noqa: E402

# The tests collect nothing, so there is no manifest.
STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
