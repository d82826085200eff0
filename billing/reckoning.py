"""What a session costs, from its rows: the same way while it runs, when it ends, on the receipt."""

from collections.abc import Mapping
from datetime import datetime

from evcms.core import clock
from sessions.models import ChargingSession

from . import heard, lookup
from .models import PriceSnapshot
from .periods import periods
from .pricing import Activity, Period, Priced, Terms, price


def priced(session: ChargingSession, snapshot: PriceSnapshot, *, until: datetime | None = None) -> Priced:
    """The price of the session up to its end, or up to `until` (default: now) while it runs. Of an ended session its
    `periods` are those that the bill keeps (`periods.pack`).
    """
    terms = lookup.frozen_terms(snapshot)
    return price(terms, periods_of(session, terms, until=until))


def priced_many(snapshots: Mapping[ChargingSession, PriceSnapshot]) -> dict[int, Priced]:
    """As `priced`, now, by session: as many queries for 500 sessions as for one."""
    terms = {session.pk: lookup.frozen_terms(snapshot) for session, snapshot in snapshots.items()}
    said = heard.heard([row for row in snapshots if not _by_energy(row, terms[row.pk])])
    return {row.pk: price(terms[row.pk], _known(row, terms[row.pk], said)) for row in snapshots}


def _known(session: ChargingSession, terms: Terms, said: heard.Heard) -> list[Period]:
    return _whole(session, None) if _by_energy(session, terms) else _periods(session, said, None)


def _by_energy(session: ChargingSession, terms: Terms) -> bool:
    """While it runs, only what the terms need is read: an energy tariff costs no query."""
    return session.ended_at is None and not terms.needs_time


def periods_of(session: ChargingSession, terms: Terms, *, until: datetime | None = None) -> list[Period]:
    """What the terms need of it."""
    return _whole(session, until) if _by_energy(session, terms) else all_periods(session, until=until)


def _whole(session: ChargingSession, until: datetime | None) -> list[Period]:
    end = max(until or clock.now(), session.started_at)
    return [Period(session.started_at, end, Activity.CHARGING, max(0, session.energy_mwh))]


def all_periods(session: ChargingSession, *, until: datetime | None = None) -> list[Period]:
    """Everything that any tariff needs to price the session. Four queries."""
    return _periods(session, heard.heard([session], until=until), until)


def _periods(session: ChargingSession, said: heard.Heard, until: datetime | None) -> list[Period]:
    return periods(
        starts_at=session.started_at,
        ends_at=session.ended_at or max(until or clock.now(), session.started_at),
        energy_mwh=max(0, session.energy_mwh),
        readings=said.readings[session.pk],
        statuses=said.statuses[session.pk],
        links=said.links[session.pk],
        running=session.ended_at is None,
    )


def terms_of_snapshot(snapshot: PriceSnapshot | None) -> Terms:
    """Raises ValueError without a snapshot: who has no terms has no price."""
    if snapshot is None:
        raise ValueError("no terms were frozen")
    return lookup.frozen_terms(snapshot)
