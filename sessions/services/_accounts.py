"""A session's account: readings into rows, the meter judged, the hours kept. Readings in order cost no look back.

A reading that comes late (or again) makes the whole session be counted anew from its rows, and the hours get the
difference: by construction the same as counting everything at the end (`energy.recount`).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sessions import energy, store
from sessions.models import ChargingSession, MeterSample, UsageHour
from sessions.vocabulary import DiscrepancyKind, Sample, SessionState

from ._notes import note, tell_progress
from .watches import cross

RIGHT = timedelta(seconds=60)
LIVE = timedelta(minutes=5)  # older news come from a buffer


@dataclass(slots=True)
class Entry:
    """One session and what some readings did to it, not yet written."""

    session: ChargingSession
    rows: list[list[store.Value]] = field(default_factory=list)
    usage: dict[int, energy.Usage] = field(default_factory=dict)
    findings: list[energy.Finding] = field(default_factory=list)
    lowered: list[int] = field(default_factory=list)  # hours whose highest power may have been this session's
    energy_before: int = 0


def corrected(session: ChargingSession, said: datetime, received_at: datetime) -> datetime:
    """The station's time by our clock. A clock that was set right meanwhile is believed again."""
    if not session.clock_offset_ms or abs(said - received_at) <= RIGHT:
        return said
    return said - timedelta(milliseconds=session.clock_offset_ms)


def is_live(at: datetime, received_at: datetime, offline: bool = False) -> bool:
    return not offline and received_at - at <= LIVE


def account(session: ChargingSession, samples: Sequence[Sample], received_at: datetime) -> Entry:
    """Judges readings and changes the session object. Out of order: writes the rows and counts from them."""
    entry = Entry(session, energy_before=session.energy_mwh)
    if not samples:
        return entry
    timed = _by_our_clock(session, samples, received_at)
    if _in_order(session, timed[0]):
        _continue(entry, timed, received_at)
    else:
        _count_anew(entry, samples, received_at)
    return entry


def _by_our_clock(session: ChargingSession, samples: Sequence[Sample], received_at: datetime) -> list[Sample]:
    if session.clock_offset_ms:
        samples = [replace(sample, at=corrected(session, sample.at, received_at)) for sample in samples]
    return arranged(samples)


def arranged(samples: Sequence[Sample]) -> list[Sample]:
    """In the order in which they count. Stations that report one moment in pieces get it put together."""
    if len(samples) == 1:
        return list(samples)
    merged: dict[tuple[datetime, int], Sample] = {}
    for sample in samples:
        key = (sample.at, int(sample.kind))
        merged[key] = _together(merged[key], sample) if key in merged else sample
    return sorted(merged.values(), key=lambda sample: energy.sort_key(reading(sample, sample.at)))


def _together(first: Sample, second: Sample) -> Sample:
    measures = ("energy_mwh", "interval_mwh", "power_w", "offered_w", "current_ma", "voltage_mv", "soc_percent")
    news = {name: getattr(second, name) for name in measures if getattr(first, name) is None}
    lists = {name: getattr(first, name) + getattr(second, name) for name in ("other", "signed", "refused")}
    return replace(first, **news, **lists, phases={**second.phases, **first.phases})


def reading(sample: Sample, received_at: datetime) -> energy.Reading:
    return energy.Reading(
        sample.at, int(sample.kind), received_at, sample.energy_mwh, sample.interval_mwh, sample.power_w
    )


def _in_order(session: ChargingSession, first: Sample) -> bool:
    if session.ended_at is not None:
        return False
    last = session.last_sample_at
    return last is None or first.at > last or (first.at == last and int(first.kind) == energy.END)


def meter_of(session: ChargingSession) -> energy.Meter:
    """The meter as the row left it."""
    return energy.Meter(
        started_at=session.started_at,
        limit_w=session.power_limit_w,
        start_mwh=session.meter_start_mwh,
        last_mwh=session.meter_last_mwh,
        last_at=session.meter_last_at,
        energy_mwh=session.energy_mwh,
        charging_s=session.charging_seconds,
        seen_at=session.last_sample_at,
        read_at=session.last_sample_at,
    )


def _continue(entry: Entry, samples: list[Sample], received_at: datetime) -> None:
    session, meter = entry.session, meter_of(entry.session)
    for sample in samples:
        counted = meter.take(reading(sample, received_at))
        entry.rows.append(store.sample_row(sample, sample.at, received_at, session.station_id, session.pk, 0, counted))
        if counted:
            _show(session, sample.power_w, sample.soc_percent)
    _take_over(entry, meter)


def _show(session: ChargingSession, power_w: int | None, soc_percent: int | None) -> None:
    if power_w is not None:
        session.power_w = power_w
        session.max_power_w = max(session.max_power_w or 0, power_w)
    if soc_percent is not None:
        session.soc_percent = soc_percent


def _take_over(entry: Entry, meter: energy.Meter) -> None:
    session = entry.session
    session.meter_start_mwh, session.meter_last_mwh = meter.start_mwh, meter.last_mwh
    session.meter_last_at, session.energy_mwh = meter.last_at, meter.energy_mwh
    session.charging_seconds, session.last_sample_at = meter.charging_s, meter.read_at
    entry.findings += meter.findings
    if meter.usage:
        entry.usage = meter.usage


def _count_anew(entry: Entry, samples: Sequence[Sample], received_at: datetime) -> None:
    before = counted(entry.session, entry.session.ended_at)[0]
    keep(entry.session, samples, received_at)
    recount(entry, before)


def keep(session: ChargingSession, samples: Sequence[Sample], received_at: datetime) -> None:
    """Only the rows; the caller counts."""
    rows = [
        store.sample_row(sample, sample.at, received_at, session.station_id, session.pk, 0, True)
        for sample in _by_our_clock(session, samples, received_at)
    ]
    store.insert_samples(rows)


def recount(entry: Entry, before: energy.Meter) -> None:
    """Everything from the rows; `before` is what the hours hold of this session now."""
    session = entry.session
    after, rows, believed = counted(session, session.ended_at)
    _mark(rows, believed)
    session.max_power_w = None
    for row, counts in zip(rows, believed, strict=True):
        if counts:
            _show(session, row.power_w, row.soc_percent)
    if session.ended_at is not None:
        session.power_w = 0
        if session.evse_id is not None:
            store.note_late(session.evse_id, session.ended_at)
    _take_over(entry, after)
    entry.usage = energy.difference(after.usage, before.usage)
    entry.lowered = [
        hour
        for hour, usage in before.usage.items()
        if usage.max_power_w > after.usage.get(hour, energy.Usage()).max_power_w
    ]


def counted(session: ChargingSession, ended_at: datetime | None) -> tuple[energy.Meter, list[MeterSample], list[bool]]:
    """The meter after all rows of the session, the rows in their order, and which of them count."""
    rows = sorted(MeterSample.objects.filter(session=session), key=lambda row: energy.sort_key(reading_of(row)))
    meter = energy.Meter(started_at=session.started_at, limit_w=session.power_limit_w)
    believed = energy.recount(meter, [reading_of(row) for row in rows], ended_at)
    return meter, rows, believed


def reading_of(row: MeterSample) -> energy.Reading:
    interval = (row.extra or {}).get("interval_mwh")
    return energy.Reading(row.at, row.kind, row.received_at, row.energy_mwh, interval, row.power_w)


def _mark(rows: list[MeterSample], believed: list[bool]) -> None:
    for quarantined in (False, True):
        wrong = [
            row.pk
            for row, counts in zip(rows, believed, strict=True)
            if counts is not quarantined and row.quarantined is not quarantined
        ]
        if wrong:
            MeterSample.objects.filter(pk__in=wrong).update(quarantined=quarantined)


Save = Callable[[Iterable[ChargingSession]], None]


def write(entries: Sequence[Entry], *, quietly: bool = False, save: Save = store.save_progress) -> None:
    """One statement of each kind for all entries, then what is rare. `quietly`: the caller tells pages itself."""
    store.insert_samples([row for entry in entries for row in entry.rows])
    save([entry.session for entry in entries])
    store.add_usage([(e.session.evse_id, e.usage) for e in entries if e.session.evse_id is not None and e.usage])
    for entry in entries:
        after_writing(entry)
    if not quietly:
        tell_progress([entry.session for entry in entries if not entry.session.replayed])


def write_first(entries: Sequence[Entry]) -> None:
    """Of sessions that have just been stored, after these readings were counted: only now they have keys."""
    for entry in entries:
        for row in entry.rows:
            row[0] = entry.session.pk
    write(entries, quietly=True, save=lambda _: None)


def after_writing(entry: Entry) -> None:
    session = entry.session
    if entry.lowered and session.evse_id is not None:
        _find_peaks(session, session.evse_id, entry.lowered)
    for finding in entry.findings:
        note(
            station_id=session.station_id,
            kind=DiscrepancyKind(finding.kind),
            session=session,
            at=finding.at.isoformat(),
            register_mwh=finding.register_mwh,
        )
    if session.watch_mwh is not None and session.energy_mwh >= session.watch_mwh:
        cross(session)


def _find_peaks(session: ChargingSession, evse_id: int, hours: list[int]) -> None:
    """A highest power that turned out not to count: the next highest of the hour, from all sessions in it."""
    for hour in hours:
        begin, end = energy.hour_of(hour), energy.hour_of(hour + 3600)
        others = ChargingSession.objects.filter(evse_id=evse_id, started_at__lt=end).exclude(pk=session.pk)
        there = [session, *others.exclude(ended_at__lt=begin)]
        usages = [counted(one, one.ended_at)[0].usage.get(hour, energy.Usage()) for one in there]
        peak = max((usage.max_power_w for usage in usages), default=0)
        UsageHour.objects.filter(evse_id=evse_id, hour=begin).update(max_power_w=peak)


def wake_up(session: ChargingSession, energy_before: int) -> bool:
    """Energy flows, so it charges, whether or not the station says so. True when that is news."""
    if session.state == SessionState.PREPARING and session.energy_mwh > energy_before:
        session.state = SessionState.CHARGING
        return True
    return False
