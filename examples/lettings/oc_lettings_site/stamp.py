"""Says on every response, static files included, which release gave it."""
from oc_lettings_site.environment import release


class ReleaseStampMiddleware:
    """Adds X-App-Release; whoever measures a rollout compares it with what should be serving."""

    def __init__(self, get_response):
        self.get_response = get_response
        self.release = release()

    def __call__(self, request):
        response = self.get_response(request)
        response["X-App-Release"] = self.release
        return response


def release_context(request):
    """`release` for the footer of every page."""
    return {"release": release()}
