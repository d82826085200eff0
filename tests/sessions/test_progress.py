"""What open pages hear of a session while it runs."""

from datetime import timedelta

import pytest
from django.db import transaction

from evcms.core import events
from sessions.models import ChargingSession
from sessions.services import _notes

from .helpers import KWH, ago, begin, finish, read


class Listener:
    def __init__(self):
        self.heard = []

    def nudge(self, task):
        pass

    def broadcast(self, group, message):
        self.heard.append((group, message["kind"], message["data"]))

    def of(self, kind):
        return [(group, data) for group, said, data in self.heard if said == kind]


@pytest.fixture
def listener(transactional_db, monkeypatch):
    listener = Listener()
    monkeypatch.setattr(events, "_transport", listener)
    monkeypatch.setattr(_notes, "_told", type(_notes._told)())
    return listener


def test_session_organization_and_connector_hear_and_no_money_is_said(station, listener):
    begin(station, ago(minutes=3))
    read(station, ago(minutes=2), KWH // 10, power_w=7000)
    session = ChargingSession.objects.get()
    told = listener.of("session.progress")
    assert [group for group, _ in told] == [
        f"session.{session.public_id}", f"org.{session.organization_id}", f"connector.{session.connector_id}"
    ]  # fmt: skip
    assert told[0][1]["energy_mwh"] == KWH // 10
    assert told[0][1]["power_w"] == 7000
    assert not [key for key in told[0][1] if "cost" in key or "price" in key]


def test_a_session_is_told_of_at_most_once_a_second(station, listener, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(_notes.time, "monotonic", lambda: now[0])
    begin(station, ago(minutes=3))
    now[0] += 5
    for second in range(10):
        read(station, ago(minutes=2) + timedelta(seconds=second), second * 1000)
        now[0] += 0.2
    assert len(listener.of("session.progress")) == 2 * 3


def test_what_is_rolled_back_is_told_to_nobody(station, listener):
    begin(station, ago(minutes=3))
    listener.heard.clear()
    with transaction.atomic():
        read(station, ago(minutes=2), KWH)
        transaction.set_rollback(True)
    assert listener.of("session.progress") == []
    read(station, ago(minutes=2), KWH)


def test_start_and_end_are_told_and_a_replay_is_silent(station, listener):
    begin(station, ago(minutes=30))
    finish(station, ago(minutes=1), KWH)
    assert len(listener.of("session.started")) == 3
    assert listener.of("session.ended")[0][1]["state"] == "ended"
    listener.heard.clear()
    from evcms.core import clock

    begin(station, ago(hours=30), transaction_id="old", received_at=clock.now(), offline=True)
    read(station, ago(hours=29), KWH, transaction_id="old", received_at=clock.now())
    assert listener.of("session.started") == listener.of("session.progress") == []
