from django.apps import AppConfig


class ProfilesConfig(AppConfig):
    """People who let or rent."""

    name = "profiles"
