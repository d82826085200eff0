"""`manage.py prove`: where every kWh of a period and its money is; ends with 1 when something does not add up."""

import json
import sys
from argparse import ArgumentParser
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.core.management.base import BaseCommand, CommandError

from billing.proof import Proof, Segment
from billing.queries.proof import prove
from evcms.core import clock
from evcms.core.figures import amount
from evcms.core.models import Organization


class Command(BaseCommand):
    help = "Proves where every kWh of a period and its money is; exit code 1 and a list when something leaks."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--from", dest="since", type=date.fromisoformat, help="first day (default: this month's)")
        parser.add_argument("--to", dest="until", type=date.fromisoformat, help="last day, included (default: today)")
        parser.add_argument("--organization", default="", help="slug; default: all")
        parser.add_argument("--provider", action="store_true", help="ask the payment provider about open payments")
        parser.add_argument("--json", action="store_true", help="for machines")

    def handle(self, *args: Any, **options: Any) -> None:
        rows = Organization.objects.order_by("slug")
        rows = rows.filter(slug=options["organization"]) if options["organization"] else rows
        proofs = {row.slug: self._proof(row, options) for row in rows}
        if not proofs:
            raise CommandError("There is no such organization.")
        if options["json"]:
            self.stdout.write(json.dumps({slug: proof.to_json() for slug, proof in proofs.items()}, indent=1))
        else:
            for slug, proof in proofs.items():
                self.stdout.write("\n".join([slug, *said(proof)]))
        if not all(proof.proven for proof in proofs.values()):
            sys.exit(1)

    def _proof(self, organization: Organization, options: dict[str, Any]) -> Proof:
        """Any: the command's options. Days are the organization's own."""
        zone = ZoneInfo(organization.time_zone)
        today = clock.now().astimezone(zone).date()
        first, last = options["since"] or today.replace(day=1), options["until"] or today
        if first > last:
            raise CommandError("The last day comes before the first.")
        since = datetime.combine(first, time(), zone)
        until = datetime.combine(last + timedelta(days=1), time(), zone)
        return prove(organization=organization, since=since, until=until, provider=options["provider"])


def said(proof: Proof) -> list[str]:
    """The proof as lines of text."""
    lines = [f"  {proof.since.isoformat()} … {proof.until.isoformat()} (not included)"]
    lines += [_energy(segment.value, energy, count) for segment, energy, count in proof.segments]
    lines.append(_energy("all", proof.total_mwh, sum(proof.count(segment) for segment in Segment)))
    lines.append(f"  left over: {proof.remainder_mwh} mWh")
    for book in proof.books:
        if book.rows or book.journal:
            lines.append(
                f"  {book.name:<14} {amount(book.rows, book.currency):>16}   "
                f"journal {amount(book.journal, book.currency):>16}   difference {book.difference}"
            )
    lines += [f"  {name}: {one} = {other}" for name, (one, other) in proof.checks.items() if one == other]
    lines += [f"  {name}: {one} IS NOT {other}" for name, (one, other) in proof.checks.items() if one != other]
    lines += [f"  LEAK {leak.kind}: {leak.text} {leak.session or leak.payment}".rstrip() for leak in proof.leaks]
    lines.append("  proven: every kWh and its money is where it says" if proof.proven else "  NOT proven")
    return lines


def _energy(name: str, energy_mwh: int, count: int) -> str:
    return f"  {name:<10} {Decimal(energy_mwh).scaleb(-6):>16,.6f} kWh  {count:>8,} sessions"
