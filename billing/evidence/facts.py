"""The facts of a disputed session from our rows; nothing is computed anew, nothing is left out.

Texts are English: banks and card networks read them, not the driver.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from django.utils import translation

from billing.gateways.base import Evidence
from billing.models import Bill, Dispute, Payment, PaymentEvent, Receipt
from billing.vocabulary import PaymentKind
from billing.wording import kwh
from evcms.core.money import format_money
from sessions.models import ChargingSession, MeterSample
from stations.models import OcppMessage
from stations.queries import messages

AROUND: Final = timedelta(minutes=5)  # messages of a session may come a little before and after it
MOST: Final = 50_000  # rows of one kind in the ZIP


@dataclass(frozen=True)
class Case:
    """Everything about one dispute. `zone`: the site's."""

    dispute: Dispute
    payment: Payment
    session: ChargingSession | None
    bill: Bill | None
    receipt: Receipt | None
    events: list[PaymentEvent]
    zone: ZoneInfo


def case_of(dispute: Dispute) -> Case:
    rows = Payment.objects.select_related(
        "connector__station__site", "connector__evse", "session", "organization", "snapshot", "method"
    )
    payment = rows.get(pk=dispute.payment_id)
    site = payment.connector.station.site
    session = payment.session
    return Case(
        dispute=dispute,
        payment=payment,
        session=session,
        bill=Bill.objects.select_related("snapshot").filter(session=session).first() if session else None,
        receipt=payment.receipt,
        events=list(payment.events.order_by("at", "id")),
        zone=ZoneInfo(site.time_zone if site else payment.organization.time_zone),
    )


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
    """How the cardholder agreed to the price and to the amount held: nothing that we do not know is claimed."""
    payment = case.payment
    prices = ", ".join(price_lines(case)) or "none"
    held = format_money(payment.hold_minor, payment.currency)
    said = [AGREED[PaymentKind(payment.kind)].format(prices=prices, held=held)]
    if payment.kind == PaymentKind.CARD and payment.method is not None:
        said.append(
            f"The card {payment.card} was saved by the cardholder on the payment provider's own page on "
            f"{local(case, payment.method.created_at)}, with the consent that charging is paid from it."
        )
    if payment.authorized_at:
        said.append(f"The bank granted the hold on {payment.card or 'the card'} {local(case, payment.authorized_at)}.")
    return " ".join(said)


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
    """The payment's time-line, a line each."""
    lines = []
    for event in case.events:
        amount = "" if event.amount_minor is None else f" {format_money(event.amount_minor, case.payment.currency)}"
        text = f" - {event.text}" if event.text else ""
        lines.append(f"{local(case, event.at)} {event.label}{amount}{text}")
    return "\n".join(lines)


def summary(case: Case) -> str:
    session, payment = case.session, case.payment
    if session is None:
        return "No charging session came of this payment."
    ended_at = session.ended_at or session.started_at
    told, read = len(messages_of(case)), len(samples_of(case))
    taken, held = (format_money(minor, payment.currency) for minor in (payment.captured_minor, payment.hold_minor))
    return (
        f"Electric vehicle charged at {payment.connector} ({_where(case)}): {kwh(session.energy_mwh)} from "
        f"{local(case, session.started_at)} to {local(case, ended_at)}. Charged {taken} of {held} held. The station "
        f"was started by this payment; {read} meter readings and {told} messages of this session are on record; "
        "the meter's own readings are in the attached document."
    )


def _where(case: Case) -> str:
    site = case.payment.connector.station.site
    if site is None:
        return str(case.payment.connector.station)
    return ", ".join(part for part in (site.name, site.address, site.postal_code, site.city, site.country) if part)


def statement(dispute: Dispute, *, pack_file: str, receipt_file: str) -> Evidence:
    """The texts of the submission beside its files."""
    with translation.override("en"):
        return _statement(case_of(dispute), pack_file, receipt_file)


def _statement(case: Case, pack_file: str, receipt_file: str) -> Evidence:
    service = case.session.started_at if case.session else case.payment.created_at
    return Evidence(
        product=f"Charging of an electric vehicle at {case.payment.connector}",
        agreement=agreement(case),
        activity=activity(case),
        summary=summary(case),
        service_date=service.astimezone(case.zone).date().isoformat(),
        email=case.payment.email,
        receipt_file=receipt_file,
        pack_file=pack_file,
    )
