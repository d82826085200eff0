"""`manage.py recount_ledger`: the days of the journal, and whose payouts are, summed up again for the pages."""

from typing import Any

from django.core.management.base import BaseCommand

from billing.services import recount_ledger, recount_shares


class Command(BaseCommand):
    help = "Sums the journal up by days, and payouts by whose they are, from the first entry and line on."

    def handle(self, *args: Any, **options: Any) -> None:
        """Any: the command's options."""
        self.stdout.write(f"{recount_ledger(days=None)} days and {recount_shares()} payouts counted")
