"""Many stations at once leave the rows, facts and answers of one after the other: starts, updates and stops."""

from dataclasses import replace
from datetime import timedelta

import pytest

from billing import services as billing
from billing.models import Bill
from evcms.core import clock
from evcms.core.models import Delivery, Event
from sessions import services
from sessions.models import (
    Attempt,
    ChargingSession,
    Discrepancy,
    IdToken,
    MeterSample,
    Reservation,
    SessionWatch,
    UsageHour,
)
from sessions.vocabulary import AttemptKind, ReadingKind, Sample, SessionEnd, SessionStart, SessionState, TokenStatus
from stations.models import Connector, StatusChange
from tests.stations.conftest import make_station

from .helpers import KWH, ago, begin, read

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
MINUTE = timedelta(minutes=1)
OLD, NEW = "ocpp1.6", "ocpp2.0.1"
CARD, BLOCKED, SHORT = "CARD-1", "CARD-2", "A" * 20


def start(station, t, **more):
    told = {"protocol": NEW, "transaction_id": "tx-1", "evse": 1, "connector": 1, "state": SessionState.CHARGING}
    told |= {"token_value": CARD, "seq_no": 0, "samples": (Sample(t, ReadingKind.BEGIN, energy_mwh=5 * KWH),)}
    return SessionStart(**{"station_id": station.pk, "at": t, "received_at": t} | told | more)


def old_start(station, t, **more):
    told = {"protocol": OLD, "evse": 1, "connector": 1, "token_value": CARD, "meter_start_mwh": 5 * KWH}
    return SessionStart(**{"station_id": station.pk, "at": t, "received_at": t} | told | more)


def reserved(station, t):
    connector = Connector.objects.get(station=station, evse__number=1)
    more = {"expires_at": clock.now() + 60 * MINUTE, "organization": station.organization, "state": "active"}
    Reservation.objects.create(station=station, connector=connector, token_value="SOMEBODY", **more)


def asked(station, t):
    connector = Connector.objects.get(station=station, evse__number=1)
    services.request_start(connector=connector, kind=AttemptKind.REMOTE, origin="operator", token_value=CARD)


STARTS = {  # what was before, and what the station says then
    "a card": (None, start),
    "1.6": (None, old_start),
    "a stranger's card": (None, lambda s, t: start(s, t, token_value="NOBODY")),
    "a blocked card": (None, lambda s, t: old_start(s, t, token_value=BLOCKED)),
    "a card cut to 20 characters": (None, lambda s, t: start(s, t, token_value=SHORT)),
    "no card": (None, lambda s, t: start(s, t, token_value="")),
    "nobody asked": (None, lambda s, t: start(s, t, token_value="", token_type="NoAuthorization")),
    "no place": (None, lambda s, t: start(s, t, evse=None)),
    "a place that is new": (None, lambda s, t: start(s, t, evse=7)),
    "a place that cannot be": (None, lambda s, t: start(s, t, evse=10**12)),
    "from a buffer": (None, lambda s, t: start(s, t - 600 * MINUTE, received_at=t, offline=True)),
    "a clock ahead": (None, lambda s, t: start(s, t + 30 * MINUTE, received_at=t)),
    "the start was lost": (None, lambda s, t: start(s, t, start_lost=True, seq_no=3)),
    "again": (lambda s, t: billing.begin(start=start(s, t)), start),
    "again in 1.6": (lambda s, t: billing.begin(start=old_start(s, t)), old_start),
    "late": (lambda s, t: billing.begin(start=start(s, t, start_lost=True, token_value="", seq_no=2)), start),
    "somebody still there": (lambda s, t: begin(s, t - 60 * MINUTE, transaction_id="before"), start),
    "reserved": (reserved, start),
    "asked for": (asked, start),
}


def finish(station, t, **more):
    told = {"transaction_id": "tx-1", "reason": "EVDisconnected", "seq_no": 1, "id_by_station": True}
    told |= {"samples": (Sample(t, ReadingKind.END, energy_mwh=9 * KWH, power_w=0),)}
    return SessionEnd(**{"station_id": station.pk, "at": t, "received_at": t} | told | more)


def old_finish(station, t, **more):
    told = {"transaction_id": "tx-1", "reason": "Local", "meter_stop_mwh": 9 * KWH}
    return SessionEnd(**{"station_id": station.pk, "at": t, "received_at": t} | told | more)


def ended(say):
    return lambda station, t: services.end(end=say(station, t))


def watched(station, t):
    session = ChargingSession.objects.get(station=station)
    services.watch(session=session, reason="reached", at_mwh=3 * KWH)
    services.watch(session=session, reason="not reached", at_mwh=50 * KWH)


def closed(station, t):
    services.close(session=ChargingSession.objects.get(station=station), why="silence")


def later(station, t):
    read(station, t + MINUTE, 9 * KWH, received_at=t + MINUTE, power_w=7000)


STOPS = {  # after a start half an hour before: what was then, and what the station says now
    "2.x": (None, finish),
    "1.6": (None, old_finish),
    "with a card": (None, lambda s, t: finish(s, t, token_value=CARD)),
    "with a stranger's card": (None, lambda s, t: old_finish(s, t, token_value="NOBODY")),
    "nothing charged": (None, lambda s, t: old_finish(s, t, meter_stop_mwh=5 * KWH)),
    "unknown": (None, lambda s, t: old_finish(s, t, transaction_id="17")),
    "unknown, its own id": (None, lambda s, t: finish(s, t, transaction_id="other")),
    "without an id": (None, lambda s, t: old_finish(s, t, transaction_id="0")),
    "events are missing": (None, lambda s, t: finish(s, t, seq_no=4)),
    "again": (ended(finish), finish),
    "again, otherwise": (ended(old_finish), lambda s, t: old_finish(s, t, meter_stop_mwh=8 * KWH)),
    "after we had closed it": (closed, finish),
    "before its last reading": (later, finish),
    "a watch is crossed": (watched, finish),
}

UNLIKE = {"id", "public_id", "start_received_at", "created_at", "command_id", "due_at", "code", "judge_at"}
ROWS = (ChargingSession, Attempt, MeterSample, Discrepancy, Reservation, SessionWatch, StatusChange)


@pytest.fixture(autouse=True)
def cards(organization, monkeypatch):
    """And a clock that stands, so that moments may be compared."""
    now = clock.now().replace(microsecond=0)
    monkeypatch.setattr(clock, "now", lambda: now)
    for value, status in ((CARD, "accepted"), (BLOCKED, "blocked"), (SHORT + "LONGER", "accepted")):
        more = {"organization": organization, "status": TokenStatus(status)}
        IdToken.objects.create(value=value, folded=value, **more)


def content(row, *, own):
    """What a row says but for its number, its station's and its neighbours' (only: is there one?)."""
    told = {}
    for field in row._meta.concrete_fields:
        value = getattr(row, field.attname)
        if field.name in UNLIKE or (field.name == "at" and isinstance(row, Discrepancy)):
            continue
        if field.name == "transaction_id" and value == str(row.pk):
            value = "our number"
        if field.is_relation:
            value = own.get((field.related_model, value), value is not None)
        told[field.name] = value
    return told


def rows_of(station):
    own = {(IdToken, row.pk): row.value for row in IdToken.objects.all()}
    found = {model.__name__: [content(row, own=own) for row in of(model, station)] for model in ROWS}
    found["Bill"] = [content(row, own=own) for row in Bill.objects.filter(session__station=station).order_by("pk")]
    hours = UsageHour.objects.filter(evse__station=station).order_by("evse__number", "hour")
    found["UsageHour"] = [content(row, own={}) for row in hours]
    found["connectors"] = list(
        Connector.objects.filter(station=station).values_list("evse__number", "number", "status", "status_at")
    )
    found["facts"] = facts_of(station)
    return found


def of(model, station):
    place = "session__station" if model is SessionWatch else "station"
    return model.objects.filter(**{place: station}).order_by("pk")


def facts_of(station):
    sessions = set(ChargingSession.objects.filter(station=station).values_list("pk", flat=True))
    ours = [
        event
        for event in Event.objects.order_by("pk")
        if event.payload.get("station_id") == station.pk or event.payload.get("session_id") in sessions
    ]
    return sorted((event.name, event.payload.get("live"), told(event)) for event in ours)


def told(event):
    return sorted(Delivery.objects.filter(event=event).values_list("subscriber", flat=True))


def answer(result, station):
    session = getattr(result, "session_id", None)
    number = getattr(result, "transaction_id", None)
    changes = {"session_id": session is not None}
    return replace(result, **changes | ({"transaction_id": "our number"} if number == str(session) else {}))


def compare(site, cases, single, many):
    """Each case at a station of its own, once alone, once together with all others."""
    t = clock.now().replace(microsecond=0)
    alone = [make_station(f"ALONE-{n}", site) for n in range(len(cases))]
    together = [make_station(f"TOGETHER-{n}", site) for n in range(len(cases))]
    for fleet in (alone, together):
        for station, (before, _) in zip(fleet, cases.values(), strict=True):
            if before:
                before(station, t)
    says = [say for _, say in cases.values()]
    first = [single(say(station, t)) for say, station in zip(says, alone, strict=True)]
    second = many([say(station, t) for say, station in zip(says, together, strict=True)])
    for name, one, other, left, right in zip(cases, first, second, alone, together, strict=True):
        assert answer(one, left) == answer(other, right), name
        assert rows_of(left) == rows_of(right), name


def test_starts_together_leave_the_rows_of_starts_alone(site):
    compare(site, STARTS, lambda one: billing.begin(start=one), lambda all_: billing.begin_many(starts=all_))


def test_stops_together_leave_the_rows_of_stops_alone(site):
    def after_a_start(before):
        def prepare(station, t):
            begun = ago(minutes=30)
            billing.begin(start=start(station, begun))
            read(station, begun + MINUTE, 5 * KWH + 200_000, power_w=11_000)
            if before:
                before(station, t)

        return prepare

    cases = {name: (after_a_start(before), say) for name, (before, say) in STOPS.items()}
    compare(site, cases, lambda one: billing.finish(end=one), lambda all_: billing.finish_many(ends=all_))


def test_one_start_that_cannot_be_leaves_none_of_its_batch(site, station):
    t, stray = clock.now(), make_station("STRAY", site)
    stray.organization = None
    stray.save()
    with pytest.raises(ValueError, match="without organization"):
        billing.begin_many(starts=[start(station, t), start(stray, t)])
    assert not ChargingSession.objects.exists()
    assert not Event.objects.exists()


def test_a_batch_of_twenty_starts_and_stops_costs_little_more_than_one(site, django_assert_max_num_queries):
    t, fleet = ago(minutes=10), [make_station(f"CP-{n}", site) for n in range(20)]
    billing.begin(start=start(make_station("WARM", site), t))
    with django_assert_max_num_queries(36):
        billing.begin_many(starts=[start(station, t) for station in fleet])
    last = (Sample(t + 5 * MINUTE, ReadingKind.END, energy_mwh=6 * KWH),)
    with django_assert_max_num_queries(20):
        billing.finish_many(ends=[finish(station, t + 5 * MINUTE, samples=last) for station in fleet])
    assert ChargingSession.objects.filter(ended_at=t + 5 * MINUTE).count() == 20
