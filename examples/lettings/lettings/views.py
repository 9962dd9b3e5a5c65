from django.shortcuts import get_object_or_404, render

from lettings.models import Letting


def index(request):
    """All lettings by title, in one query."""
    lettings = Letting.objects.select_related("address")
    return render(request, "lettings/index.html", {"lettings": lettings})


def detail(request, letting_id):
    """One letting and its address; 404 when there is none of that number."""
    letting = get_object_or_404(Letting.objects.select_related("address"), pk=letting_id)
    return render(request, "lettings/detail.html", {"letting": letting})
