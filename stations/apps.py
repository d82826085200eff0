"""What stands in the street and what it said."""

from django.apps import AppConfig


class StationsConfig(AppConfig):
    name = "stations"
    verbose_name = "Stations"

    def ready(self) -> None:
        from . import subscribers  # noqa: F401
