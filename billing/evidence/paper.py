"""The evidence on paper: A4, as the bank reads it. Long lists are thinned (the ZIP has all of them), signed readings
never: a court may want each.

Card networks take at most 4.5 MB and 50 pages in all (docs.stripe.com/disputes/best-practices).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

from django.utils import translation

from billing import receipts
from billing.models import Dispute
from billing.receipts.statement import pdf as statement_pdf
from billing.wording import kwh
from evcms.core.money import format_money
from sessions.models import MeterSample

from . import bought, facts
from .facts import Case

if TYPE_CHECKING:
    from .sheet import Sheet

MOST_SAMPLES, MOST_MESSAGES, LONGEST = 120, 40, 1200  # lines, messages, characters of one message
T = TypeVar("T")


def pdf(dispute: Dispute) -> bytes:
    """The same bytes for the same rows: its date is the dispute's, not today's."""
    from .sheet import Sheet  # the printing library is a third of a second: only who prints loads it

    with translation.override("en"):
        case = facts.case_of(dispute)
        page = Sheet(f"Evidence {dispute.provider_id}")
        page.set_creation_date(dispute.opened_at)
        _head(page, case)
        _claims(page, case)
        _price(page, case)
        _spent(page, case)
        _timeline(page, case)
        _samples(page, case)
        _messages(page, case)
        return bytes(page.output())


def receipt_pdf(dispute: Dispute) -> bytes | None:
    case = facts.case_of(dispute)
    if case.receipt:
        return receipts.pdf(case.receipt)
    statement = case.collection.statement if case.collection else None
    return statement_pdf(statement) if statement else None


def _head(page: Sheet, case: Case) -> None:
    dispute, charge = case.dispute, case.charge
    seller = charge.organization
    page.say(seller.legal_name or seller.name, 14, bold=True)
    page.say(f"Evidence about dispute {dispute.provider_id} ({dispute.reason})", 11)
    page.ln(2)
    page.pair("Disputed", format_money(dispute.amount_minor, dispute.currency))
    page.pair("Card", charge.card or "-")
    page.pair("Payment", f"{charge.public_id} · {charge.intent_id}")
    page.pair("Receipt", case.receipt.number if case.receipt else "-")
    session = case.session
    if session is None:
        return
    ended_at = session.ended_at or session.started_at
    page.pair("Charging point", f"{facts.place(case)} · {session.station.identity}")
    page.pair("Session", f"{session.public_id} · transaction {session.transaction_id} · {session.protocol}")
    page.pair("From, to", f"{facts.local(case, session.started_at)} – {facts.local(case, ended_at)}")
    page.pair("Energy", f"{kwh(session.energy_mwh)} (meter {session.meter_start_mwh} → {session.meter_last_mwh} mWh)")


def _claims(page: Sheet, case: Case) -> None:
    page.part("What happened")
    page.say(facts.summary(case))
    page.part("How the cardholder agreed")
    page.say(facts.agreement(case))


def _price(page: Sheet, case: Case) -> None:
    lines = (case.receipt.document if case.receipt else {}).get("lines", [])
    if not lines or case.bill is None:
        return
    page.part("Price")
    for line in lines:
        text = line["text"]
        middle = " × ".join(part for part in (text["quantity"], text["unit_price"]) if part)
        page.row((text["label"], middle, text["amount"]), (80, 60, 34))
    page.row(("Total", "", format_money(case.bill.total_minor, case.bill.currency)), (80, 60, 34), bold=True)


def _spent(page: Sheet, case: Case) -> None:
    if not case.spent:
        return
    page.part(f"Charging sessions that it paid ({len(case.spent)})")
    page.row(("Begin", "Place", "Energy", "Price"), (34, 84, 28, 28), bold=True)
    for bill in case.spent:
        page.row(bought.line(bill, case.zone), (34, 84, 28, 28))


def _timeline(page: Sheet, case: Case) -> None:
    page.part("The payment's time-line")
    page.say(facts.activity(case), 7.5)


def _samples(page: Sheet, case: Case) -> None:
    rows = facts.samples_of(case)
    signed = [row for row in rows if (row.extra or {}).get("signed")]
    chosen = _thinned([row for row in rows if row.energy_mwh is not None], MOST_SAMPLES)
    page.part(f"Meter readings ({len(chosen)} of {len(rows)})")
    page.row(("Time", "Register (Wh)", "Power (W)"), (70, 52, 52), bold=True)
    for row in chosen:
        page.row((facts.local(case, row.at), _wh(row), "" if row.power_w is None else str(row.power_w)), (70, 52, 52))
    if signed:
        page.part("Signed readings, verbatim")
        for row in signed:
            page.say(facts.local(case, row.at), 7.5)
            page.say(json.dumps((row.extra or {})["signed"], ensure_ascii=False), 6.5, grey=True)


def _wh(row: MeterSample) -> str:
    whole, rest = divmod(row.energy_mwh or 0, 1000)
    return f"{whole}.{rest:03d}"


def _messages(page: Sheet, case: Case) -> None:
    rows = facts.messages_of(case)
    edges = [row for row in rows if "MeterValues" not in row.action]
    chosen = _thinned(edges or rows, MOST_MESSAGES)
    page.part(f"Messages between charging station and system ({len(chosen)} of {len(rows)})")
    for row in chosen:
        page.say(f"{facts.local(case, row.at)}  {row.direction}  {row.action}", 7.5, bold=True)
        page.say(f"{_cut(row.request)} → {_cut(row.answer)}", 6.5, grey=True)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} … ({len(text)} characters)"


def _thinned(rows: Sequence[T], most: int) -> list[T]:
    """At most `most`, spread evenly, the first and the last among them."""
    if len(rows) <= most:
        return list(rows)
    return [rows[index * (len(rows) - 1) // (most - 1)] for index in range(most)]
