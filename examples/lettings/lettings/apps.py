from django.apps import AppConfig


class LettingsConfig(AppConfig):
    """Homes to let, and where they are."""

    name = "lettings"
