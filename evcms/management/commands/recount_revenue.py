"""`manage.py recount_revenue`: the days of revenue that insight reads, counted again from all bills."""

from typing import Any

from django.core.management.base import BaseCommand

from billing.services import recount_revenue


class Command(BaseCommand):
    help = "Counts the days of revenue that insight reads again, from the first bill on; pages read bills meanwhile."

    def handle(self, *args: Any, **options: Any) -> None:
        """Any: the command's options."""
        self.stdout.write(f"{recount_revenue(days=None)} days counted")
