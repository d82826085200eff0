"""The journal: double entry, append-only. Every entry is balanced, and posted once per key."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Sum

from billing.models import JournalEntry, JournalLine
from billing.vocabulary import LedgerAccount


class Unbalanced(ValueError):
    """Lines whose sum is not 0: a mistake of ours that must never be stored."""


@dataclass(frozen=True)
class Line:
    """Minor units: a debit is positive, a credit negative. `sub`: whose (account, voucher) or which tax rate."""

    account: LedgerAccount
    amount_minor: int
    sub: str = ""


def post(
    *, organization_id: int, key: str, kind: str, currency: str, lines: Iterable[Line], text: str = "", **about: Any
) -> JournalEntry | None:
    """Stores one fact in the caller's transaction; None when `key` was posted before or nothing is to be said.

    `about`: rows that it concerns, by the names of JournalEntry (bill, payment, refund …). Raises Unbalanced.
    """
    rows = [line for line in lines if line.amount_minor]
    if sum(line.amount_minor for line in rows):
        raise Unbalanced(f"{kind} {key}: {rows}")
    if not rows:
        return None
    fields = {"kind": kind, "currency": currency, "text": text[:200], **about}
    entry, created = JournalEntry.objects.get_or_create(organization_id=organization_id, key=key, defaults=fields)
    if not created:
        return None
    JournalLine.objects.bulk_create(
        JournalLine(entry=entry, account=line.account, sub=line.sub, amount_minor=line.amount_minor) for line in rows
    )
    return entry


def balance(account: LedgerAccount, *, sub: str | None = None, **about: Any) -> int:
    """The sum of an account's lines, minor units. `about` filters entries: organization_id, currency, bill …"""
    rows = JournalLine.objects.filter(account=account, **{f"entry__{name}": value for name, value in about.items()})
    if sub is not None:
        rows = rows.filter(sub=sub)
    return int(rows.aggregate(total=Sum("amount_minor"))["total"] or 0)


def posted(kind: str, **about: Any) -> dict[tuple[str, str], int]:
    """(account, sub) → what entries of this kind about these rows have said so far."""
    rows = JournalLine.objects.filter(entry__kind=kind, **{f"entry__{name}": value for name, value in about.items()})
    sums = rows.order_by().values_list("account", "sub").annotate(total=Sum("amount_minor"))
    return {(account, sub): total for account, sub, total in sums}


def difference(wanted: Sequence[Line], known: dict[tuple[str, str], int]) -> list[Line]:
    """The lines that turn what is posted into what is wanted."""
    left = dict(known)
    lines = []
    for line in wanted:
        before = left.pop((line.account, line.sub), 0)
        lines.append(Line(line.account, line.amount_minor - before, line.sub))
    lines += [Line(LedgerAccount(account), -amount, sub) for (account, sub), amount in left.items()]
    return [line for line in lines if line.amount_minor]
