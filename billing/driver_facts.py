"""What those above may know of a driver's money to tell him: plain values, no rows."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.utils import translation
from django.utils.formats import date_format

from evcms.core.figures import amount

from .models import Debt, Enrolment, Payment, Statement
from .services.holds import CONFIRM
from .services.links import ends_at
from .vocabulary import DebtState, EnrolmentState


@dataclass(frozen=True)
class RefusedCard:
    organization_id: int
    email: str
    language: str
    card: str
    place: str
    confirm: bool  # the bank wants the driver's confirmation; else it declined
    session: bool  # a charge was stopped for it


@dataclass(frozen=True)
class OpenDebt:
    organization_id: int
    public_id: str
    email: str
    language: str
    amount: str  # formatted in the driver's language, with currency
    energy_mwh: int
    place: str
    open: bool
    until: str  # the last day of its link, in the driver's language; empty: no end


@dataclass(frozen=True)
class SeenCar:
    organization_id: int
    email: str
    language: str
    label: str
    place: str
    offered: bool


@dataclass(frozen=True)
class IssuedStatement:
    organization_id: int
    public_id: str
    number: str
    email: str
    language: str
    seller: str
    month: str  # in the account's language
    amount: str
    due_on: str
    until: str  # the last day of its link, in the account's language; empty: no end


def refused_card(payment_id: int) -> RefusedCard:
    payment = Payment.objects.select_related("connector__station__site", "connector__evse").get(pk=payment_id)
    return RefusedCard(
        organization_id=payment.organization_id,
        email=payment.email,
        language=payment.language,
        card=payment.card,
        place=str(payment.connector),
        confirm=payment.error_code in CONFIRM,
        session=payment.session_id is not None,
    )


def open_debt(debt_id: int) -> OpenDebt:
    debt = Debt.objects.select_related("bill__session__station").get(pk=debt_id)
    with translation.override(debt.language):
        left = amount(debt.amount_minor - debt.collected_minor, debt.currency)
    return OpenDebt(
        organization_id=debt.organization_id,
        public_id=debt.public_id,
        email=debt.email or (debt.driver.email if debt.driver else ""),
        language=debt.language,
        amount=left,
        energy_mwh=debt.bill.session.energy_mwh,
        place=str(debt.bill.session.station),
        open=debt.state == DebtState.OPEN,
        until=_last_day(debt, debt.language),
    )


def seen_car(enrolment_id: int) -> SeenCar:
    row = Enrolment.objects.select_related("driver", "session__station").get(pk=enrolment_id)
    return SeenCar(
        organization_id=row.organization_id,
        email=row.driver.email,
        language=row.driver.language or "en",
        label=row.label,
        place=str(row.session.station) if row.session else "",
        offered=row.state == EnrolmentState.OFFERED,
    )


def issued_statement(statement_id: int) -> IssuedStatement:
    row = Statement.objects.select_related("account").get(pk=statement_id)
    said = row.document
    return IssuedStatement(
        organization_id=row.organization_id,
        public_id=row.public_id,
        number=row.number,
        email=row.account.email,
        language=row.account.language,
        seller=said["seller"]["name"],
        month=said["month"],
        amount=said["total_text"],
        due_on=said["due_on"] if said["total"] > 0 else "",
        until=_last_day(row, row.account.language),
    )


def _last_day(row: Debt | Statement, language: str) -> str:
    end = ends_at(row)
    with translation.override(language):
        zone = ZoneInfo(row.organization.time_zone)
        return date_format(end.astimezone(zone), "DATE_FORMAT") if end else ""
