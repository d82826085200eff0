"""What a session costs, from its rows: the same way while it runs, when it ends, on the receipt."""

from datetime import datetime

from django.db.models import Q

from evcms.core import clock
from sessions.models import ChargingSession, MeterSample
from stations.models import Connection, StatusChange
from stations.vocabulary import ConnectorStatus

from . import lookup
from .models import PriceSnapshot
from .periods import Link, Reading, Status, periods
from .pricing import Activity, Period, Priced, Terms, price


def priced(session: ChargingSession, snapshot: PriceSnapshot, *, until: datetime | None = None) -> Priced:
    """The price of the session up to its end, or up to `until` (default: now) while it runs. Of an ended session its
    `periods` are those that the bill keeps (`periods.pack`).
    """
    terms = lookup.frozen_terms(snapshot)
    return price(terms, periods_of(session, terms, until=until))


def periods_of(session: ChargingSession, terms: Terms, *, until: datetime | None = None) -> list[Period]:
    """While it runs, only what the terms need is read: an energy tariff costs no query."""
    if session.ended_at is None and not terms.needs_time:
        end = max(until or clock.now(), session.started_at)
        return [Period(session.started_at, end, Activity.CHARGING, max(0, session.energy_mwh))]
    return all_periods(session, until=until)


def all_periods(session: ChargingSession, *, until: datetime | None = None) -> list[Period]:
    """Everything that any tariff needs to price the session. About 5 queries."""
    end = session.ended_at or max(until or clock.now(), session.started_at)
    return periods(
        starts_at=session.started_at,
        ends_at=end,
        energy_mwh=max(0, session.energy_mwh),
        readings=_readings(session),
        statuses=_statuses(session, end),
        links=_links(session, end),
        running=session.ended_at is None,
    )


def _readings(session: ChargingSession) -> list[Reading]:
    """Energy since the start: the rises of the register summed, so that a register that was reset does no harm."""
    rows = MeterSample.objects.filter(session=session, quarantined=False, energy_mwh__isnull=False)
    readings, drawn, last = [], 0, session.meter_start_mwh
    for at, register in rows.order_by("at", "id").values_list("at", "energy_mwh"):
        if register is None:
            continue
        drawn += max(0, register - last) if last is not None else 0
        last = register
        readings.append(Reading(at, drawn))
    return readings


def _statuses(session: ChargingSession, end: datetime) -> list[Status]:
    """What the plug said; while the whole station reports a fault, that holds for the plug."""
    if session.connector_id is None:
        return []
    rows = StatusChange.objects.filter(
        Q(connector_id=session.connector_id) | Q(connector=None), station_id=session.station_id, at__lt=end
    )
    fields = ("at", "status", "connector_id")
    earlier = rows.filter(at__lte=session.started_at).order_by("-at", "-id")
    station = earlier.filter(connector=None).values_list(*fields)[:1]
    plug = earlier.filter(connector_id=session.connector_id).values_list(*fields)[:1]
    during = rows.filter(at__gt=session.started_at).order_by("at", "id").values_list(*fields)
    return _folded([*station, *plug, *during])


def _folded(changes: list[tuple[datetime, str, int | None]]) -> list[Status]:
    said, plug, broken = [], "", False
    for at, status, connector_id in changes:
        if connector_id is None:
            broken = status == ConnectorStatus.FAULTED
        else:
            plug = status
        said.append(Status(at, ConnectorStatus.FAULTED if broken else plug))
    return said


def _links(session: ChargingSession, end: datetime) -> list[Link]:
    rows = Connection.objects.filter(station_id=session.station_id, opened_at__lt=end).filter(
        Q(closed_at=None) | Q(closed_at__gt=session.started_at)
    )
    return [Link(since, until) for since, until in rows.order_by("opened_at").values_list("opened_at", "closed_at")]


def terms_of_snapshot(snapshot: PriceSnapshot | None) -> Terms:
    """Raises ValueError without a snapshot: who has no terms has no price."""
    if snapshot is None:
        raise ValueError("no terms were frozen")
    return lookup.frozen_terms(snapshot)
