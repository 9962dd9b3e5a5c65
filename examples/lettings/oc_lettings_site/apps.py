from django.apps import AppConfig


class SiteConfig(AppConfig):
    """The site itself: home, health, error pages, and the history of the former models."""

    name = "oc_lettings_site"
    verbose_name = "Holiday Homes"
