"""`manage.py reconcile`: reads a period from the payment provider again, so that lost webhooks lose nothing."""

from argparse import ArgumentParser
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from billing.gateways import PaymentsOff
from billing.gateways.base import GatewayError
from billing.services.reconcile import Healed, reconcile
from evcms.core import clock


class Command(BaseCommand):
    help = "Reads holds, refunds, disputes, fees and payouts of a period from the payment provider and heals our rows."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--from", dest="since", type=date.fromisoformat, help="first day in UTC (default: a week ago)"
        )
        parser.add_argument("--to", dest="until", type=date.fromisoformat, help="last day, included (default: today)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Any: the command's options."""
        today = clock.now().astimezone(UTC).date()
        first, last = options["since"] or today - timedelta(days=7), options["until"] or today
        if first > last:
            raise CommandError("The last day comes before the first.")
        since = datetime.combine(first, time(), UTC)
        until = datetime.combine(last + timedelta(days=1), time(), UTC)
        try:
            done = reconcile(since=since, until=until)
        except PaymentsOff:
            raise CommandError("No payment provider is configured.") from None
        except GatewayError as error:
            raise CommandError(f"The provider did not answer ({error.code}); run it again.") from error
        for line in said(done):
            self.stdout.write(line)


def said(done: Healed) -> list[str]:
    looked = f"{done.holds} holds and charges, {done.disputes} disputes read"
    books = f"{done.lines} new movements, {done.transfers} new or changed payouts"
    return [*done.changes, f"{looked}; {books}; {len(done.changes)} rows were not as the provider has them."]
