"""Home and health. The 404 and 500 pages are templates that Django finds by their names."""
import logging

from django.conf import settings
from django.db import Error, connection
from django.http import JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache

from lettings.models import Letting
from oc_lettings_site.environment import release
from oc_lettings_site.fault import read_fault
from profiles.models import Profile

log = logging.getLogger(__name__)


def home(request):
    """The first page: how much there is to see, and the way to it."""
    counts = {"lettings": Letting.objects.count(), "profiles": Profile.objects.count()}
    return render(request, "site/home.html", {"counts": counts})


@never_cache
def health(request):
    """200 when the database answers with the tables this release needs, 503 when it does not.

    Readiness is asked here, so that no traffic comes to an instance that could not serve it. The
    answer names the engine really in use: a deploy can prove that it is PostgreSQL.
    """
    report = {"release": release(), "debug": settings.DEBUG, "database": connection.vendor}
    if read_fault() == "unready":
        return JsonResponse(report | {"status": "fault: unready"}, status=503)
    try:
        report["lettings"] = Letting.objects.count()
    except Error as error:
        log.error("health: the database does not answer: %s", error)
        return JsonResponse(report | {"status": "database unavailable"}, status=503)
    return JsonResponse(report | {"status": "ok"})


health.spared_by_faults = True
