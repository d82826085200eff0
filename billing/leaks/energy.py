"""The energy of sessions against what is independent of them: readings, registers between sessions, hourly sums."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db.models import F, Max, Min, Q, Window
from django.db.models.functions import Lag
from django.utils.translation import gettext as _

from billing.proof import Leak
from evcms.core.models import AuditEntry
from sessions import recount
from sessions.models import ChargingSession, Discrepancy
from sessions.services.corrections import CORRECTED
from sessions.vocabulary import DiscrepancyKind

from .common import MOST, Check, Look, differs, of_session

BEFORE = timedelta(days=45)  # how far back the session before may lie
LEAST_GAP_MWH = 1_000_000  # a meter in whole kWh lags behind by that much
ORPHANS = (DiscrepancyKind.UNKNOWN_STOP, DiscrepancyKind.UNKNOWN_TRANSACTION)


class Gap(NamedTuple):
    """A register that stood higher at a session's start than at the end of the one before."""

    session: ChargingSession
    since: datetime
    energy_mwh: int


def check(look: Look) -> Iterator[Leak]:
    """All of this file: what one check has explained is no leak of the next."""
    wrong: dict[int, int] = {}  # EVSE → mWh that sessions have too much
    yield from _readings(look, wrong)
    pairs = list(_neighbours(look))
    yield from _twice([pair for pair in pairs if pair.register < pair.last_before], wrong)
    yield from _unmetered(look, [gap for pair in pairs if (gap := _gap(pair))])
    yield from _hours(look, wrong)


def _readings(look: Look, wrong: dict[int, int]) -> Iterator[Leak]:
    """Sums of registers first; only what looks odd is counted again from its readings."""
    believed = Q(samples__quarantined=False, samples__energy_mwh__isnull=False)
    rows = look.sessions.values("pk", "energy_mwh").annotate(
        low=Min("samples__energy_mwh", filter=believed), high=Max("samples__energy_mwh", filter=believed)
    )
    odd = rows.exclude(low=None).exclude(energy_mwh=F("high") - F("low"))
    corrected = set(
        AuditEntry.objects.filter(organization=look.organization, action=CORRECTED).values_list("object_id", flat=True)
    )
    told = 0
    suspects = list(odd.values_list("pk", flat=True))
    for pk in suspects:
        session = ChargingSession.objects.get(pk=pk)
        if str(session.pk) in corrected or told == MOST:
            continue
        energy = recount.energy_of(session)
        if energy is not None and energy != session.energy_mwh:
            told += 1
            if session.evse_id:
                wrong[session.evse_id] = wrong.get(session.evse_id, 0) + session.energy_mwh - energy
            yield of_session(
                "energy", differs(_("energy in mWh and its readings"), session.energy_mwh, energy), session
            )


class Pair(NamedTuple):
    """A session, and the one before it at the same connector."""

    session: ChargingSession
    register: int
    last_before: int
    end_before: datetime | None
    id_before: str


def _neighbours(look: Look) -> Iterator[Pair]:
    """Sessions whose register does not begin where the one before at the same connector ended."""
    rows = ChargingSession.objects.filter(
        organization=look.organization, connector__isnull=False, started_at__gte=look.since - BEFORE,
        started_at__lt=look.until, meter_start_mwh__isnull=False,
    )  # fmt: skip
    rows = rows.annotate(
        start_before=_before("meter_start_mwh"),
        last_before=_before("meter_last_mwh"),
        end_before=_before("ended_at"),
        id_before=_before("public_id"),
    )
    went_on = Q(meter_start_mwh__gt=F("last_before") + LEAST_GAP_MWH)
    again = Q(meter_start_mwh__lt=F("last_before"), meter_start_mwh__gte=F("start_before"))
    odd = rows.filter(went_on | (again & Q(started_at__lt=F("end_before"))), started_at__gte=look.since)
    told = list(
        odd.order_by("pk").values_list("pk", "meter_start_mwh", "last_before", "end_before", "id_before")[:MOST]
    )
    sessions = ChargingSession.objects.in_bulk([pk for pk, *_said in told])
    for pk, register, *said in told:
        yield Pair(sessions[pk], register or 0, *said)


def _before(column: str) -> Window:
    """That column of the session before at the same connector."""
    order = [F("started_at").asc(), F("pk").asc()]
    return Window(Lag(column), partition_by=[F("connector")], order_by=order)


def _twice(pairs: list[Pair], wrong: dict[int, int]) -> Iterator[Leak]:
    for pair in pairs:
        session = pair.session
        if session.evse_id:
            wrong[session.evse_id] = wrong.get(session.evse_id, 0) + session.energy_mwh
        text = _("its time and meter readings lie within session %(other)s") % {"other": pair.id_before}
        yield of_session("twice", text, session)


def _gap(pair: Pair) -> Gap | None:
    """None: it is no gap, or more than the connector could have delivered (the meter was changed)."""
    session, energy = pair.session, pair.register - pair.last_before
    if energy <= 0 or pair.end_before is None:
        return None
    seconds = max(0, int((session.started_at - pair.end_before).total_seconds()))
    between = ChargingSession.objects.filter(evse=session.evse_id, started_at__gte=pair.end_before)
    between = between.filter(started_at__lt=session.started_at).exclude(connector=session.connector_id)
    most = session.power_limit_w * seconds * 1000 // 3600
    return None if energy > most or between.exists() else Gap(session, pair.end_before, energy)


def _unmetered(look: Look, gaps: list[Gap]) -> Iterator[Leak]:
    """Stops and readings of sessions that nobody knows, and energy that went out between two sessions."""
    rows = Discrepancy.objects.filter(station__organization=look.organization, kind__in=ORPHANS, resolved_at=None)
    rows = rows.filter(at__gte=look.since, at__lt=look.until).select_related("station").order_by("pk")
    explained: set[int] = set()
    for row in rows[:MOST]:
        mine = [gap for gap in gaps if gap.session.station_id == row.station_id and _within(gap, row)]
        fresh = [gap for gap in mine if gap.session.pk not in explained]
        explained |= {gap.session.pk for gap in mine}
        name = DiscrepancyKind(row.kind).label
        text = _("%(station)s: %(what)s %(id)s") % {
            "station": row.station, "what": name, "id": row.detail.get("transaction_id", "")
        }  # fmt: skip
        energy = sum(gap.energy_mwh for gap in fresh)
        yield Leak("orphan", text, f"gap:orphan-{row.pk}", energy_mwh=energy)
    for gap in gaps:
        if gap.session.pk not in explained:
            text = _("the meter of %(plug)s went on without a session before this one") % {
                "plug": gap.session.connector
            }
            yield Leak("register_gap", text, f"gap:{gap.session.pk}", energy_mwh=gap.energy_mwh)


def _within(gap: Gap, row: Discrepancy) -> bool:
    return gap.since <= row.at <= gap.session.started_at


def _hours(look: Look, wrong: dict[int, int]) -> Iterator[Leak]:
    """Per EVSE, over all time: the hours that the pages draw have exactly what the sessions have."""
    sessions, hours = look.energy_by_evse
    for evse in sorted(sessions.keys() | hours.keys()):
        one, other = sessions.get(evse, 0) - wrong.get(evse, 0), hours.get(evse, 0)
        if one != other:
            text = differs(_("energy in mWh of sessions and of hours at EVSE %(id)s") % {"id": evse}, one, other)
            yield Leak("hours", text, f"evse:{evse}", energy_mwh=one - other)


CHECKS: tuple[Check, ...] = (check,)
