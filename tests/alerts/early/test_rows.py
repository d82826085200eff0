"""Real sessions and attempts move the row of their connector, once each."""

from datetime import timedelta

import pytest

from alerts import services
from alerts.early import judge
from alerts.models import ConnectorHealth, Incident
from alerts.services import early
from evcms.core import clock
from sessions import services as sessions
from sessions.models import Attempt, ChargingSession, IdToken
from sessions.vocabulary import Sample, SessionEnd, SessionStart, SessionState

pytestmark = pytest.mark.django_db
KWH = 1_000_000


def charge(station, number, *, power=11_000, token="CARD-1", minutes=12, reason="EVDisconnected"):
    """A whole session that a station reports live, one reading a minute."""
    begin = clock.now() - timedelta(minutes=minutes)
    sessions.start(
        start=SessionStart(
            station_id=station.pk,
            protocol="ocpp2.0.1",
            at=begin,
            received_at=begin,
            transaction_id=f"tx-{number}",
            evse=1,
            connector=1,
            token_value=token,
            meter_start_mwh=number * 10 * KWH,
            state=SessionState.CHARGING,
            seq_no=0,
        )
    )
    for n in range(1, minutes):
        at = begin + timedelta(minutes=n)
        register = number * 10 * KWH + power * n * 1000 // 60
        sample = Sample(at, energy_mwh=register, power_w=power, offered_w=22_000)
        sessions.record(station_id=station.pk, transaction_id=f"tx-{number}", evse=1, samples=[sample], received_at=at)
    sessions.end(
        end=SessionEnd(
            station_id=station.pk,
            transaction_id=f"tx-{number}",
            at=clock.now(),
            received_at=clock.now(),
            meter_stop_mwh=number * 10 * KWH + power * minutes * 1000 // 60,
            reason=reason,
            evse=1,
            connector=1,
        )
    )
    return ChargingSession.objects.get(transaction_id=f"tx-{number}")


def health(connector):
    return judge.unpack(ConnectorHealth.objects.get(connector=connector).state)


def test_a_session_is_one_observation_however_often_the_event_comes(linked, connector, deliver):
    charge(linked, 1)
    deliver()
    deliver()
    seen = health(connector)
    assert seen.any_car.seen == 1
    assert seen.any_car.mean == pytest.approx(-0.69, abs=0.01)  # 11 of 22 kW
    assert (seen.starts.seen, seen.messages.seen) == (1, 0)  # its usual gap is known from the next one on
    assert seen.gap_s == 60


def test_breakdowns_in_a_row_raise_the_alarm_and_looking_after_it_ends_it(linked, connector, deliver):
    for number in range(25):
        charge(linked, number)
    for number in range(25, 33):
        charge(linked, number, reason="PowerLoss")
    deliver()
    row = ConnectorHealth.objects.get(connector=connector)
    assert row.alarmed_at
    assert health(connector).since
    early.looked_after(connector_id=connector.pk)
    row.refresh_from_db()
    assert row.alarmed_at is None
    assert not health(connector).alarmed


def attempt(connector, cause, token="CARD-1", ago=0):
    now = clock.now() - timedelta(minutes=ago)
    return Attempt.objects.create(
        organization_id=connector.station.organization_id,
        station=connector.station,
        connector=connector,
        kind="remote",
        state="failed",
        cause=cause,
        token_value=token,
        at=now,
        ended_at=now,
    )


@pytest.mark.parametrize(("cause", "counts"), [("refused", 1), ("timeout", 1), ("payment", 0), ("not_plugged", 0)])
def test_only_failures_of_the_station_count(connector, cause, counts):
    early.start_failed(attempt_id=attempt(connector, cause).pk)
    assert ConnectorHealth.objects.count() == counts


def test_one_persons_tries_within_minutes_are_one(connector):
    for ago in (8, 6, 4):
        early.start_failed(attempt_id=attempt(connector, "refused", ago=ago).pk)
    early.start_failed(attempt_id=attempt(connector, "refused", token="CARD-2", ago=3).pk)
    assert health(connector).starts.seen == 2


def test_a_card_that_drew_more_elsewhere_is_measured_against_itself(linked, connector, organization, deliver):
    other = connector.station.connectors.exclude(pk=connector.pk).first()
    card = IdToken.objects.create(organization=organization, value="CARD-9", folded="CARD-9")
    for number in (50, 51):
        ended = charge(linked, number, power=22_000, token="CARD-9")
        ChargingSession.objects.filter(pk=ended.pk).update(connector=other, id_token=card)
    ended = charge(linked, 52, power=11_000, token="CARD-9")
    early.session_ended(session_id=ended.pk)
    assert health(connector).known_car.mean == pytest.approx(-0.69, abs=0.01)


def test_the_alarm_is_one_incident_with_words_and_a_plot_and_ends_when_a_person_resolves_it(
    client, owner, linked, connector, deliver
):
    for number in range(33):
        charge(linked, number, reason="EVDisconnected" if number < 25 else "PowerLoss")
    deliver()
    services.sweep()
    services.sweep()
    incident = Incident.objects.get(kind="early_fault")
    assert "breaks sessions off" in incident.title
    client.force_login(owner.user)
    page = client.get(f"/incidents/{incident.pk}/").content.decode()
    assert "% is usual here" in page
    assert 'data-source="early"' in page
    services.resolve(access=owner, incident=incident)
    deliver()
    services.sweep()
    assert not Incident.objects.filter(kind="early_fault").exclude(state="resolved").exists()
    assert not health(connector).alarmed
