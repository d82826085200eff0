"""`manage.py recount_availability`: the days of availability that its page reads, counted again from all intervals."""

from typing import Any

from django.core.management.base import BaseCommand

from stations.services import count_availability_days


class Command(BaseCommand):
    help = "Counts the days that the availability page reads again, from the first on; it reads intervals meanwhile."

    def handle(self, *args: Any, **options: Any) -> None:
        """Any: the command's options."""
        self.stdout.write(f"{count_availability_days(again=True, budget_s=float('inf'))} sites counted")
