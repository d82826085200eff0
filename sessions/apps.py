"""Charging sessions, their readings, the tokens and people behind them."""

from django.apps import AppConfig


class ChargingConfig(AppConfig):
    name = "sessions"
    label = "charging"  # Django's own sessions app has the other name
    verbose_name = "Charging"

    def ready(self) -> None:
        from . import subscribers  # noqa: F401
