"""Who must hear of it, and did they."""

from django.apps import AppConfig


class AlertsConfig(AppConfig):
    name = "alerts"
    verbose_name = "Alerts"

    def ready(self) -> None:
        from . import claims, driver_facts, driver_mails, early_signs, subscribers  # noqa: F401
