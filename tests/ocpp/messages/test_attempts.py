"""One try is one attempt in every version: card, cable and remote start in whatever order the station tells of them."""

from datetime import timedelta
from itertools import permutations

import pytest

from evcms.core import clock, delivery
from sessions import services
from sessions.models import Attempt
from sessions.vocabulary import AttemptKind, AttemptStage
from stations import services as stations
from stations.models import Connector
from stations.vocabulary import Answer

from .talk import MINUTE, ago

pytestmark = pytest.mark.postgres
SECOND = timedelta(seconds=1)


def judged():
    clock.advance(10 * MINUTE)
    delivery.deliver_due()
    services.expire_attempts()
    services.judge_attempts()
    return list(Attempt.objects.filter(part_of=None))


def charge(teller, t, token="GOOD"):
    teller.start(token, t)
    teller.reading(t + MINUTE, 500, Power_Active_Import=7400)
    teller.stop(t + 30 * MINUTE, 5_000, reason="Local")


def asked(station):
    connector = Connector.objects.select_related("station", "evse").filter(station=station).first()
    return services.request_start(connector=connector, kind=AttemptKind.SCAN, origin="payment")


@pytest.mark.parametrize("order", [*permutations(("card", "cable")), ("cable",), ("card",), ()])
def test_card_and_cable_and_start_are_one_attempt_that_ended_well(teller, tokens, order):
    t = ago(hours=2)
    teller.status("Available", t - MINUTE)
    for number, sign in enumerate(order):
        at = t + number * 20 * SECOND
        teller.say("Authorize", authorize(teller, "GOOD"), at) if sign == "card" else teller.status("Preparing", at)
    charge(teller, t + MINUTE)
    (attempt,) = judged()
    assert (attempt.state, attempt.party, attempt.stage) == ("ended", "", AttemptStage.ENDED_WELL)
    assert attempt.first_at == (t if order else t + MINUTE)
    assert attempt.started_at == t + MINUTE
    if "cable" in order:
        assert attempt.plugged_at == t + order.index("cable") * 20 * SECOND
    if "card" in order:
        assert attempt.authorized_at == t + order.index("card") * 20 * SECOND


def authorize(teller, token):
    return {"idTag": token} if teller.is_16 else {"idToken": {"idToken": token, "type": "ISO14443"}}


def test_a_cable_that_nobody_pays_for(teller, tokens):
    t = ago(hours=1)
    teller.status("Available", t - MINUTE)
    teller.status("Preparing", t)
    (attempt,) = judged()
    assert (attempt.kind, attempt.rule, attempt.counted) == ("plug", "not_identified", False)


@pytest.mark.parametrize("token", ["BLOCKED", "STRANGER"])
def test_a_card_that_is_refused(teller, tokens, token):
    teller.authorize(token)
    (attempt,) = judged()
    assert (attempt.party, attempt.rule, attempt.stage) == ("driver", "token_refused", AttemptStage.SIGN)


@pytest.mark.parametrize("plugged", [False, True])
def test_a_remote_start_joins_its_session(teller, tokens, station, plugged):
    t = ago(minutes=40)
    if plugged:
        teller.status("Available", t - MINUTE)
        teller.status("Preparing", t)
    attempt = asked(station)
    stations.command_sent(command_id=attempt.command_id)
    stations.command_answered(command_id=attempt.command_id, answer=Answer(True, "Accepted"))
    charge(teller, clock.now() - 31 * MINUTE, token=attempt.token_value)
    (found,) = judged()
    assert (found.pk, found.stage) == (attempt.pk, AttemptStage.ENDED_WELL)


def test_a_remote_start_while_the_station_is_offline_is_the_networks(teller, station):
    asked(station)
    delivery.deliver_due()
    (found,) = judged()
    assert (found.state, found.party, found.rule) == ("failed", "network", "offline")


def test_a_station_that_breaks_while_the_car_waits(teller, tokens):
    t = ago(hours=1)
    teller.status("Available", t - MINUTE)
    teller.status("Preparing", t)
    teller.status("Faulted", t + 30 * SECOND)
    (attempt,) = judged()
    assert (attempt.party, attempt.rule) == ("station", "fault")


def test_power_that_goes_away_interrupts(teller, tokens):
    t = ago(hours=1)
    teller.start("GOOD", t)
    teller.reading(t + MINUTE, 500, Power_Active_Import=7400)
    teller.stop(t + 10 * MINUTE, 2_000, reason="PowerLoss")
    (attempt,) = judged()
    assert (attempt.state, attempt.cause, attempt.party) == ("failed", "interrupted", "station")
