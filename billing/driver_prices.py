"""What those above may know of prices to tell drivers: packed terms that compare, and their words in any language."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import translation

from evcms.core import clock
from sessions.models import ChargingSession
from stations.models import Connector

from . import lookup, queries
from .models import Bill
from .terms import Kind, Terms, minutes_of
from .wording import PriceLine, remarks
from .wording import price_lines as words_of

PASSING = ("holidays", "time_zone")  # what changes with the calendar, not with the price


def prices_at(connector_ids: Iterable[int]) -> dict[int, dict[str, Any]]:
    """Connector id → its price for anybody as JSON that compares; {} without a tariff. Two queries. Any: JSON."""
    rows = list(Connector.objects.filter(pk__in=list(connector_ids)).select_related("station__site"))
    tariffs = lookup.tariffs_in_force(rows, clock.now())
    return {row.pk: _packed(lookup.terms_of(tariffs[row.pk])) if row.pk in tariffs else {} for row in rows}


def _packed(terms: Terms) -> dict[str, Any]:
    """Any: JSON."""
    return {name: value for name, value in terms.to_json().items() if name not in PASSING}


def price_sentences(packed: dict[str, Any], language: str) -> list[str]:
    """The components in the legal order: "Energy: 0.49 € per kWh", then tax and caps; empty without a tariff."""
    if not packed:
        return []
    with translation.override(language or "en"):
        terms = Terms.from_json(packed)
        lines: list[PriceLine] = words_of(terms)
        return [*(line.sentence for line in lines), *remarks(terms)]


def currency_of(session_id: int) -> str:
    """Of the session's price; empty without one."""
    bill = Bill.objects.select_related("snapshot").filter(session=session_id).first()
    return lookup.frozen_terms(bill.snapshot).currency if bill and bill.snapshot else ""


def cost_of_session(session_id: int, *, language: str = "en") -> tuple[int, str]:
    """(minor units, in words) so far, or as it was billed; (0, "") without a price."""
    session = ChargingSession.objects.filter(pk=session_id).first()
    with translation.override(language or "en"):
        cost = queries.cost_so_far(session=session) if session else None
    return (cost.total_minor, cost.total) if cost else (0, "")


def blocking_fee(session_id: int, *, idle_since: datetime, language: str) -> tuple[datetime, str] | None:
    """(from when on, the price in words) of the fee for a car that charges no more; None where there is none.

    The grace runs from `idle_since`; a fee that would begin in the night's pause begins after it.
    """
    bill = Bill.objects.select_related("snapshot", "session__site").filter(session=session_id).first()
    if bill is None or bill.snapshot is None:
        return None
    terms = lookup.frozen_terms(bill.snapshot)
    parts = [part for element in terms.elements for part in element.components]
    if not any(part.kind == Kind.PARKING_TIME and part.price for part in parts):
        return None
    site = bill.session.site
    due = idle_since + timedelta(minutes=terms.idle.grace_minutes)
    due = _after_pause(due, terms, ZoneInfo(site.time_zone if site else "UTC"))
    with translation.override(language or "en"):
        said = [line for line in words_of(terms) if line.part == "idle"]
        return due, (f"{said[0].price} {said[0].unit}" if said else "")


def _after_pause(moment: datetime, terms: Terms, zone: ZoneInfo) -> datetime:
    pause = terms.idle
    if not pause.pause_from:
        return moment
    local = moment.astimezone(zone)
    now, begin, end = local.hour * 60 + local.minute, minutes_of(pause.pause_from), minutes_of(pause.pause_until)
    quiet = begin <= now < end if begin <= end else now >= begin or now < end
    return moment + timedelta(minutes=(end - now) % (24 * 60)) if quiet else moment
