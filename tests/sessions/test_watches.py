"""A room above leaves a threshold; it hears of the crossing once."""

from datetime import timedelta

import pytest

from evcms.core import clock
from sessions import services
from sessions.models import ChargingSession, SessionWatch

from .helpers import KWH, ago, begin, finish, read

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


@pytest.fixture
def session(station):
    begin(station, ago(minutes=50))
    return ChargingSession.objects.get()


def test_energy_is_reported_once_when_it_is_reached(station, session, facts):
    services.watch(session=session, reason="budget", at_mwh=2 * KWH)
    read(station, ago(minutes=40), KWH)
    assert facts("SessionReached") == []
    read(station, ago(minutes=30), 2 * KWH)
    read(station, ago(minutes=20), 3 * KWH)
    read(station, ago(minutes=30), 2 * KWH)
    finish(station, ago(minutes=10), 4 * KWH)
    assert facts("SessionReached") == [{"session_id": session.pk, "reason": "budget"}]


def test_several_thresholds_are_reported_in_their_order(station, session, facts):
    services.watch(session=session, reason="far", at_mwh=3 * KWH)
    services.watch(session=session, reason="near", at_mwh=KWH)
    read(station, ago(minutes=40), KWH)
    assert [fact["reason"] for fact in facts("SessionReached")] == ["near"]
    assert ChargingSession.objects.get().watch_mwh == 3 * KWH
    read(station, ago(minutes=20), 4 * KWH)
    assert [fact["reason"] for fact in facts("SessionReached")] == ["near", "far"]
    assert ChargingSession.objects.get().watch_mwh is None


def test_the_stop_itself_can_cross_a_threshold(station, session, facts):
    services.watch(session=session, reason="budget", at_mwh=2 * KWH)
    finish(station, ago(minutes=10), 4 * KWH)
    assert len(facts("SessionReached")) == 1


def test_what_is_passed_already_is_reached_at_once(station, session, facts):
    read(station, ago(minutes=40), KWH)
    assert services.watch(session=session, reason="late", at_mwh=KWH).reached_at is not None
    assert len(facts("SessionReached")) == 1


def test_a_second_call_moves_the_threshold_of_a_reason(station, session, facts):
    services.watch(session=session, reason="budget", at_mwh=KWH)
    services.watch(session=session, reason="budget", at_mwh=5 * KWH)
    read(station, ago(minutes=30), 2 * KWH)
    assert facts("SessionReached") == []
    assert SessionWatch.objects.count() == 1


def test_a_time_is_swept_once_while_the_session_runs(station, session, facts):
    services.watch(session=session, reason="hour", at=clock.now() + timedelta(minutes=5))
    assert services.reach_times() == 0
    clock.advance(timedelta(minutes=6))
    assert services.reach_times() == 1
    assert services.reach_times() == 0
    assert facts("SessionReached") == [{"session_id": session.pk, "reason": "hour"}]


def test_a_time_after_the_end_is_nobodys_news(station, session, facts):
    services.watch(session=session, reason="hour", at=clock.now() + timedelta(minutes=5))
    finish(station, clock.now(), KWH)
    clock.advance(timedelta(minutes=6))
    assert services.reach_times() == 0
    assert facts("SessionReached") == []
