from django.apps import AppConfig


class EvcmsConfig(AppConfig):
    """The project itself: its management commands, its checks of the settings and its Celery application."""

    name = "evcms"

    def ready(self) -> None:
        from evcms import celery, checks  # noqa: F401
