"""`manage.py demo`: plants the invented network; a second time it only says so."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from evcms.core import events
from evcms.demo import seed


class _Nobody:
    """No part runs while the demo is planted: signals have nobody to reach."""

    def nudge(self, task: str) -> None:
        return None

    def broadcast(self, group: str, message: dict[str, Any]) -> None:
        """Any: JSON."""


class Command(BaseCommand):
    help = (
        "Plants the demo network: Marenhaven with its people, 60 stations and ninety days of past. "
        "`up --demo` does it by itself."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        if not (settings.DEMO or settings.TESTING):
            raise CommandError("The demo has a folder of its own: start it as `make demo`.")
        if not settings.PAYMENTS_ON:
            raise CommandError("The demo's past has payments: start it as `make demo`, which brings a provider.")
        events.use_transport(_Nobody())
        try:
            seed.plant(self._say)
        except seed.NotADemo as error:
            raise CommandError(str(error)) from None

    def _say(self, words: str) -> None:
        self.stdout.write(words)
        self.stdout.flush()
