"""The project package: configuration, commands, checks of the settings, the Celery application and the doors."""

from django.apps import AppConfig


class EvcmsConfig(AppConfig):
    name = "evcms"
    verbose_name = "EVCMS"

    def ready(self) -> None:
        """Every process publishes tasks, so every process needs the Celery application."""
        from evcms import celery, checks  # noqa: F401
        from evcms.api import openapi  # noqa: F401
