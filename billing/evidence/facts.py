"""The facts of a disputed charge from our rows: a session's payment, or a top-up, a paid debt, a paid statement.
Nothing is computed anew, nothing is left out.

Texts are English: banks and card networks read them, not the driver.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from django.utils import translation

from billing.gateways.base import Evidence
from billing.models import Bill, Collection, Dispute, Payment, Receipt
from billing.vocabulary import PaymentKind, Purpose, ReceiptKind
from billing.wording import kwh
from evcms.core.money import format_money
from sessions.models import ChargingSession, MeterSample
from stations.models import OcppMessage
from stations.queries import messages

from . import bought
from .bought import Happening

AROUND: Final = timedelta(minutes=5)  # messages of a session may come a little before and after it
MOST: Final = 50_000  # rows of one kind in the ZIP


@dataclass(frozen=True)
class Case:
    """Everything about one dispute. `zone`: the site's; `spent`: of a top-up or statement, the bills that it paid."""

    dispute: Dispute
    charge: Payment | Collection
    session: ChargingSession | None
    bill: Bill | None
    receipt: Receipt | None
    events: list[Happening]
    zone: ZoneInfo
    spent: list[Bill] = field(default_factory=list)

    @property
    def payment(self) -> Payment | None:
        return self.charge if isinstance(self.charge, Payment) else None

    @property
    def collection(self) -> Collection | None:
        return self.charge if isinstance(self.charge, Collection) else None


def case_of(dispute: Dispute) -> Case:
    return _of_payment(dispute) if dispute.payment_id else _of_collection(dispute)


def _of_payment(dispute: Dispute) -> Case:
    rows = Payment.objects.select_related(
        "connector__station__site", "connector__evse", "session", "organization", "snapshot", "method"
    )
    payment = rows.get(pk=dispute.payment_id or 0)
    session = payment.session
    return Case(
        dispute=dispute,
        charge=payment,
        session=session,
        bill=Bill.objects.select_related("snapshot").filter(session=session).first() if session else None,
        receipt=payment.receipt,
        events=[bought.happening(event) for event in payment.events.order_by("at", "id")],
        zone=_zone(payment.connector.station.site, payment.organization.time_zone),
    )


def _of_collection(dispute: Dispute) -> Case:
    rows = Collection.objects.select_related(
        "organization", "method", "account", "statement__account", "debt__bill__session__station__site",
        "debt__bill__snapshot",
    )  # fmt: skip
    row = rows.get(pk=dispute.collection_id or 0)
    bill = row.debt.bill if row.debt else None
    session = bill.session if bill else None
    return Case(
        dispute=dispute,
        charge=row,
        session=session,
        bill=bill,
        receipt=_standing(bill) if bill else None,
        events=bought.time_line(row),
        zone=_zone(session.station.site if session else None, row.organization.time_zone),
        spent=bought.spent(row),
    )


def _zone(site: object, otherwise: str) -> ZoneInfo:
    return ZoneInfo(getattr(site, "time_zone", "") or otherwise)


def _standing(bill: Bill) -> Receipt | None:
    whole = Receipt.objects.filter(bill=bill, refund=None)
    taken_back = whole.filter(kind=ReceiptKind.CREDIT).values("corrects")
    rows = whole.filter(kind=ReceiptKind.RECEIPT).exclude(pk__in=taken_back)
    return rows.order_by("-pk").first()


def samples_of(case: Case) -> list[MeterSample]:
    if case.session is None:
        return []
    return list(MeterSample.objects.filter(session=case.session).order_by("at", "pk")[:MOST])


def messages_of(case: Case) -> list[OcppMessage]:
    """The exchanges that name the session's transaction or token, oldest first, as they went over the wire."""
    session = case.session
    if session is None:
        return []
    end = session.end_received_at or session.ended_at or session.started_at
    begin = min(session.started_at, session.start_received_at) - AROUND
    rows = messages(session.station).filter(at__gte=begin, at__lte=end + AROUND).order_by("at", "pk")
    names = {re.escape(name) for name in (session.transaction_id, session.token_value) if name}
    exact = re.compile(rf"(?<![\w-])({'|'.join(names)})(?![\w-])") if names else None
    return [row for row in rows[:MOST] if exact and (exact.search(row.request) or exact.search(row.answer))]


def local(case: Case, at: datetime) -> str:
    return f"{at.astimezone(case.zone):%Y-%m-%d %H:%M:%S %Z}"


def agreement(case: Case) -> str:
    """How the cardholder agreed to the price and to the amount: nothing that we do not know is claimed."""
    charge = case.charge
    if isinstance(charge, Payment):
        return _agreed_to_hold(case, charge)
    return _agreed_to_amount(case, charge)


def _agreed_to_hold(case: Case, payment: Payment) -> str:
    prices = ", ".join(price_lines(case)) or "none"
    held = format_money(payment.hold_minor, payment.currency)
    said = [AGREED[PaymentKind(payment.kind)].format(prices=prices, held=held)]
    if payment.kind == PaymentKind.CARD and payment.method is not None:
        said.append(_saved(case, payment.card, payment.method.created_at))
    if payment.authorized_at:
        said.append(f"The bank granted the hold on {payment.card or 'the card'} {local(case, payment.authorized_at)}.")
    return " ".join(said)


def _agreed_to_amount(case: Case, row: Collection) -> str:
    amount, what = format_money(row.amount_minor, row.currency), bought.name(row)
    if row.method is None:
        said = (
            f"The cardholder was shown the amount ({amount}) and what it is for ({what}), then entered and confirmed "
            "the card on the payment provider's own page."
        )
    else:
        said = f"{amount} ({what}) was charged to a card on file. " + _saved(case, row.card, row.method.created_at)
    return f"{said} Price: {', '.join(price_lines(case))}." if price_lines(case) else said


def _saved(case: Case, card: str, at: datetime) -> str:
    return (
        f"The card {card} was saved by the cardholder on the payment provider's own page on {local(case, at)}, with "
        "the consent that charging is paid from it."
    )


_ONCE: Final = "only what is charged is taken and the rest is freed"
AGREED: Final = {
    PaymentKind.SCAN: (
        "Before paying, the cardholder was shown the price of this charging point ({prices}) and that up to {held} is "
        f"held on the card, that {_ONCE}. He entered and confirmed the card on the payment provider's own page."
    ),
    PaymentKind.READER: (
        "The card was presented at the reader of the charging point. Price: {prices}; up to {held} was held, "
        f"{_ONCE}."
    ),
    PaymentKind.CARD: "Charged by the price of this charging point: {prices}; up to {held} was held, " + f"{_ONCE}.",
    PaymentKind.STATION: "The card was presented at the charging station's own terminal. Price: {prices}.",
    PaymentKind.PREPAID: "Paid from a balance. Price: {prices}.",
    PaymentKind.VOUCHER: "Paid with a voucher. Price: {prices}.",
}


def price_lines(case: Case) -> list[str]:
    """The prices of the frozen tariff that were applied, as the receipt has them."""
    lines = (case.receipt.document if case.receipt else {}).get("lines", [])
    texts = [line.get("text", {}) for line in lines]
    return [f"{text.get('label')} {text.get('unit_price')}".strip() for text in texts if text.get("unit_price")]


def activity(case: Case) -> str:
    """The time-line of what was charged, a line each."""
    lines = []
    for event in case.events:
        amount = "" if event.amount_minor is None else f" {format_money(event.amount_minor, case.charge.currency)}"
        text = f" - {event.text}" if event.text else ""
        lines.append(f"{local(case, event.at)} {event.label}{amount}{text}")
    return "\n".join(lines)


def place(case: Case) -> str:
    """The charging point, or in words what was bought without one."""
    if case.payment:
        return str(case.payment.connector)
    if case.session:
        return str(case.session.connector or case.session.station)
    return bought.name(case.charge) if isinstance(case.charge, Collection) else ""


def summary(case: Case) -> str:
    if case.session is None:
        return bought.summary(case.charge, case.spent, case.zone) if isinstance(case.charge, Collection) else NOTHING
    session, charge = case.session, case.charge
    ended_at = session.ended_at or session.started_at
    told, read = len(messages_of(case)), len(samples_of(case))
    taken = format_money(charge.captured_minor, charge.currency)
    paid = f"Charged {taken}, the open part of this session's price."
    if isinstance(charge, Payment):
        held = format_money(charge.hold_minor, charge.currency)
        paid = f"Charged {taken} of {held} held. The station was started by this payment;"
    return (
        f"Electric vehicle charged at {place(case)} ({_where(session)}): {kwh(session.energy_mwh)} from "
        f"{local(case, session.started_at)} to {local(case, ended_at)}. {paid} {read} meter readings and {told} "
        "messages of this session are on record; the meter's own readings are in the attached document."
    )


NOTHING: Final = "No charging session came of this payment."


def _where(session: ChargingSession) -> str:
    site = session.station.site
    if site is None:
        return str(session.station)
    return ", ".join(part for part in (site.name, site.address, site.postal_code, site.city, site.country) if part)


def statement(dispute: Dispute, *, pack_file: str, receipt_file: str) -> Evidence:
    """The texts of the submission beside its files."""
    with translation.override("en"):
        return _statement(case_of(dispute), pack_file, receipt_file)


def _statement(case: Case, pack_file: str, receipt_file: str) -> Evidence:
    service = case.session.started_at if case.session else case.charge.created_at
    product = f"Charging of an electric vehicle at {place(case)}"
    if case.collection and case.collection.purpose != Purpose.DEBT:
        product = f"Charging of electric vehicles: {place(case)}"
    return Evidence(
        product=product,
        agreement=agreement(case),
        activity=activity(case),
        summary=summary(case),
        service_date=service.astimezone(case.zone).date().isoformat(),
        email=case.charge.email,
        receipt_file=receipt_file,
        pack_file=pack_file,
    )
