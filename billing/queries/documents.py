"""The register of numbered documents for accountants: receipts and credit notes, and the statements of fleets."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db.models import CharField, Count, Max, Min, QuerySet, Sum, Value

from billing.models import Receipt, Statement
from evcms.core.access import Access
from evcms.core.money import exponent, to_major

COLUMNS: Final = (
    "number", "kind", "issued_at", "corrects", "buyer", "buyer_vat_id", "paid_by", "session", "currency", "net", "tax",
    "total",
)  # fmt: skip
RECEIPT, STATEMENT = "receipt", "statement"
CHUNK: Final = 1000
Keys = QuerySet[Any, tuple[datetime, str, int]]  # Any: of two models


@dataclass(frozen=True)
class Register:
    """The documents that an organization issued in [since, until): of two rows of numbers, each without a gap."""

    receipts: QuerySet[Receipt]
    statements: QuerySet[Statement]

    def keys(self) -> Keys:
        """(issued, which, id) of all, newest first: to be paged."""
        one, other = (
            rows.order_by().annotate(which=Value(which, CharField())).values_list("issued_at", "which", "pk")
            for rows, which in ((self.receipts, RECEIPT), (self.statements, STATEMENT))
        )
        return one.union(other, all=True).order_by("-issued_at", "-pk")

    def rows(self, keys: Iterable[tuple[datetime, str, int]]) -> list[Receipt | Statement]:
        """The documents of a page, in its order; two queries."""
        wanted = list(keys)
        found: dict[tuple[str, int], Receipt | Statement] = {}
        for which, rows in ((RECEIPT, self.receipts), (STATEMENT, self.statements)):
            ids = [pk for _at, name, pk in wanted if name == which]
            found |= {(which, row.pk): row for row in rows.filter(pk__in=ids)}
        return [found[which, pk] for _at, which, pk in wanted]

    def sums(self) -> list[dict[str, Any]]:
        """Of each kind and currency: how many, net, tax and total in minor units. Any: template context."""
        return [
            {"which": which, **row}
            for which, rows in ((RECEIPT, self.receipts), (STATEMENT, self.statements))
            for row in rows.order_by()
            .values("kind", "currency")
            .annotate(n=Count("pk"), net=Sum("net_minor"), tax=Sum("tax_minor"), total=Sum("total_minor"))
            .order_by("kind", "currency")
        ]

    def missing(self) -> int:
        """Numbers between the first and the last of the period that no document has: 0, or something is wrong.

        A number counts as there whatever its document's time: two that were issued at midnight may be in either order.
        """
        lost = 0
        for rows in (self.receipts, self.statements):
            ends = rows.order_by().values_list("organization", "year").annotate(Min("sequence"), Max("sequence"))
            for organization, year, first, last in ends:
                numbers = {"organization": organization, "year": year, "sequence__range": (first, last)}
                lost += last - first + 1 - rows.model.objects.filter(**numbers).count()
        return lost

    def exported(self, zone: ZoneInfo) -> Iterator[list[object]]:
        """COLUMNS of each, by number; times in the organization's zone with their offset, amounts in major units."""
        for rows in (self.receipts, self.statements):
            for row in rows.order_by("year", "sequence").iterator(chunk_size=CHUNK):
                yield _texts(row, zone)


def register(access: Access, since: datetime, until: datetime) -> Register:
    """Nothing for who sees only some sites: numbers are the whole organization's."""
    said = {"organization": access.organization, "issued_at__gte": since, "issued_at__lt": until}
    receipts = Receipt.objects.filter(**said).select_related("corrects")
    statements = Statement.objects.filter(**said).select_related("account")
    return Register(receipts, statements) if access.all_sites else Register(receipts.none(), statements.none())


def _texts(row: Receipt | Statement, zone: ZoneInfo) -> list[object]:
    said = row.document
    buyer = said.get("buyer") or {}
    corrects = row.corrects if isinstance(row, Receipt) else None
    kind = row.kind if isinstance(row, Receipt) else f"statement_{row.kind}"
    return [
        row.number, kind, row.issued_at.astimezone(zone).isoformat(timespec="seconds"),
        corrects.number if corrects else "", buyer.get("name", ""), buyer.get("vat_id", ""), said.get("paid_by", ""),
        (said.get("session") or {}).get("id", ""), row.currency,
        *(_major(minor, row.currency) for minor in (row.net_minor, row.tax_minor, row.total_minor)),
    ]  # fmt: skip


def _major(minor: int, currency: str) -> Decimal:
    return to_major(minor, currency).quantize(Decimal(1).scaleb(-exponent(currency)))


def statement_lines(row: Statement) -> Iterator[list[object]]:
    """STATEMENT_COLUMNS of each session and correction on a fleet's statement, as it was issued."""
    said = row.document
    for line in said.get("lines", []):
        yield [
            row.number, "session", line["at"], line["place"], line["who"], line["session"],
            Decimal(line["energy_mwh"]) / 1_000_000, row.currency,
            *(_major(line[name], row.currency) for name in ("net", "tax", "total")), "",
        ]  # fmt: skip
    for line in said.get("corrections", []):
        yield [
            row.number, "correction", line["at"], line["place"], "", line["session"],
            Decimal(line["energy_mwh"]) / 1_000_000, row.currency,
            *(_major(line[name], row.currency) for name in ("net", "tax", "total")),
            f"{line['corrects']}: {line['reason']}",
        ]  # fmt: skip


STATEMENT_COLUMNS: Final = (
    "statement", "kind", "started_at", "place", "who", "session", "energy_kwh", "currency", "net", "tax", "total",
    "corrects",
)  # fmt: skip
