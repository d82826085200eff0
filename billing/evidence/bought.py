"""What a collection bought, for a bank: a balance and the sessions that drew on it, a debt, a month of a fleet."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from billing.models import Bill, Collection, PaymentEvent
from billing.vocabulary import BillState, Purpose, RefundState
from billing.wording import kwh
from evcms.core.money import format_money

MOST: Final = 500  # sessions that a paper lists


@dataclass(frozen=True)
class Happening:
    """A line of a time-line."""

    at: datetime
    kind: str
    label: str
    text: str = ""
    amount_minor: int | None = None


def happening(event: PaymentEvent) -> Happening:
    return Happening(event.at, event.kind, event.label, event.text, event.amount_minor)


def name(row: Collection) -> str:
    if row.purpose == Purpose.STATEMENT and row.statement:
        return f"statement {row.statement.number}"
    if row.purpose == Purpose.TOP_UP:
        return "top-up of a prepaid charging balance"
    return "open amount of a charging session"


def time_line(row: Collection) -> list[Happening]:
    """A collection keeps its moments in columns; its refunds and its receipts are rows of their own."""
    lines = [Happening(row.created_at, "asked", "asked for", name(row), row.amount_minor)]
    if row.debt:
        lines.append(Happening(row.debt.created_at, "owed", "owed", row.debt.reason, row.debt.amount_minor))
    if row.statement:
        said = row.statement
        lines.append(Happening(said.issued_at, "issued", "statement issued", said.number, said.total_minor))
    if row.paid_at:
        lines.append(Happening(row.paid_at, "paid", "paid", row.card, row.amount_minor))
    for refund in row.refunds.filter(state=RefundState.DONE):
        at = refund.done_at or refund.created_at
        lines.append(Happening(at, "refunded", "given back", refund.reason, refund.amount_minor))
    return sorted(lines, key=lambda line: line.at)


def spent(row: Collection) -> list[Bill]:
    """The bills that its money paid: of a balance those after it, of a statement all that are on it."""
    bills = Bill.objects.select_related("session__station__site", "session__connector").order_by("session__started_at")
    if row.purpose == Purpose.STATEMENT and row.statement_id:
        return list(bills.filter(statement_id=row.statement_id)[:MOST])
    if row.purpose == Purpose.TOP_UP and row.account_id and row.paid_at:
        paid = bills.filter(account_id=row.account_id, state=BillState.PAID, final_at__gte=row.paid_at)
        return list(paid[:MOST])
    return []


def summary(row: Collection, bills: Sequence[Bill], zone: ZoneInfo) -> str:
    paid = format_money(row.amount_minor, row.currency)
    if row.purpose == Purpose.STATEMENT and row.statement:
        said = row.statement
        total = format_money(said.total_minor, said.currency)
        return (
            f"Statement {said.number} of {said.account} over {total}, for {len(bills)} charging sessions of that "
            f"month; {paid} of it was paid with this card. The sessions are listed in the attached document."
        )
    energy = sum(bill.session.energy_mwh for bill in bills)
    at = f"{row.paid_at.astimezone(zone):%Y-%m-%d %H:%M %Z}" if row.paid_at else "-"
    return (
        f"{paid} was put on a prepaid charging balance on {at}. Since then {len(bills)} charging sessions "
        f"({kwh(energy)}) were paid from this balance; they are listed in the attached document. What is not spent "
        "stays on the balance and can be given back."
    )


def line(bill: Bill, zone: ZoneInfo) -> tuple[str, str, str, str]:
    """(when, where, how much energy, what it cost)."""
    session = bill.session
    return (
        f"{session.started_at.astimezone(zone):%Y-%m-%d %H:%M}",
        str(session.connector or session.station),
        kwh(session.energy_mwh),
        format_money(bill.total_minor, bill.currency),
    )
