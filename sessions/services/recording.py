"""Readings and progress of running sessions: the hot path. A batch costs one lookup, insert, update and rollup."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from evcms.core.events import publish
from sessions import store
from sessions.events import SessionCorrected
from sessions.models import ChargingSession
from sessions.vocabulary import DiscrepancyKind, MeterReport, Sample, SessionState, SessionUpdate, Updated

from . import _accounts, following
from ._notes import note

LONGEST_SESSION = timedelta(days=60)  # how far back we look for what runs at an EVSE
LARGEST_EVSE = 32_767  # what the column holds
AFTER_END = timedelta(minutes=10)  # readings of an EVSE that still belong to its last session
Key = tuple[int, str]


def record(
    *, station_id: int, transaction_id: str | None, evse: int, samples: Sequence[Sample], received_at: datetime
) -> None:
    """Readings of one station: stored once, judged, counted. Without a known transaction they stay with the station."""
    record_many(reports=[MeterReport(station_id, evse, tuple(samples), received_at, transaction_id)])


def record_many(*, reports: Sequence[MeterReport]) -> None:
    """Readings of many stations, in order; the rows are those of `record` one by one."""
    with transaction.atomic():
        sessions = find((r.station_id, r.transaction_id) for r in reports if r.transaction_id is not None)
        entries: dict[int, _accounts.Entry] = {}
        for report in reports:
            session = _of(report, sessions)
            if session is None:
                _keep_with_station(report)
                continue
            if session.pk in entries:  # two messages of one session in a batch: the first is written before the second
                _write([entries.pop(session.pk)], show=False)
            entries[session.pk] = _accounts.account(session, report.samples, report.received_at)
        _write(list(entries.values()), show=False)


def update(*, update: SessionUpdate) -> Updated:
    """TransactionEvent Updated: state, token, EVSE, numbering, readings."""
    return update_many(updates=[update])[0]


def update_many(*, updates: Sequence[SessionUpdate]) -> list[Updated]:
    """As `update`, for messages of different stations."""
    with transaction.atomic():
        sessions = find((u.station_id, u.transaction_id) for u in updates)
        results, entries = [], []
        for news in updates:
            session = sessions.get((news.station_id, news.transaction_id))
            if session is None:
                results.append(Updated(None))
                continue
            decision = following.follow(session, news)
            entries.append(_accounts.account(session, news.samples, news.received_at))
            results.append(Updated(session.pk, decision))
        _write(entries, show=True)
    return results


def find(keys: Iterable[Key]) -> dict[Key, ChargingSession]:
    """The sessions of (station, transaction id), locked in their order."""
    return {(row.station_id, row.transaction_id): row for row in store.in_progress(list(set(keys)))}


def _of(report: MeterReport, sessions: dict[Key, ChargingSession]) -> ChargingSession | None:
    if report.transaction_id is not None:
        return sessions.get((report.station_id, report.transaction_id))
    return _at_evse(report.station_id, report.evse, report.received_at) if report.evse else None


def _at_evse(station_id: int, evse: int, at: datetime) -> ChargingSession | None:
    """The session that charges there, or has just ended: its late readings are kept with it."""
    recent = Q(ended_at=None) | Q(end_received_at__gte=at - AFTER_END)
    rows = ChargingSession.objects.filter(
        recent, station_id=station_id, evse__number=evse, started_at__gte=at - LONGEST_SESSION
    )
    return rows.order_by("-started_at").select_for_update(of=("self",)).first()


def _keep_with_station(report: MeterReport) -> None:
    evse = min(report.evse, LARGEST_EVSE)
    rows = [
        store.sample_row(sample, sample.at, report.received_at, report.station_id, None, evse, True)
        for sample in _accounts.arranged(report.samples)
    ]
    store.insert_samples(rows)
    if report.transaction_id is not None:
        note(
            station_id=report.station_id,
            kind=DiscrepancyKind.UNKNOWN_TRANSACTION,
            transaction_id=report.transaction_id,
            evse=report.evse,
        )


def _write(entries: list[_accounts.Entry], *, show: bool) -> None:
    """`show`: the session explains its connector (2.x); 1.6 connectors speak for themselves."""
    awake = [entry.session for entry in entries if _accounts.wake_up(entry.session, entry.energy_before)]
    _accounts.write(entries)
    for session in awake if show else ():
        following.show_state(session)
    for entry in entries:
        session = entry.session
        if session.state == SessionState.ENDED and session.energy_mwh != entry.energy_before:
            publish(SessionCorrected(session_id=session.pk))
