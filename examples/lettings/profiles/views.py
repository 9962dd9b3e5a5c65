from django.shortcuts import get_object_or_404, render

from profiles.models import Profile


def index(request):
    """All profiles by user name, in one query."""
    profiles = Profile.objects.select_related("user")
    return render(request, "profiles/index.html", {"profiles": profiles})


def detail(request, username):
    """One profile; 404 when nobody of that name has one."""
    profile = get_object_or_404(Profile.objects.select_related("user"), user__username=username)
    return render(request, "profiles/detail.html", {"profile": profile})
