"""A person's browser, and signals that go nowhere: tests of pages need no signal server."""

from copy import deepcopy
from datetime import timedelta

import pytest
from django.test import Client

from evcms.core import clock, events
from tests.environment import SCRATCH
from tests.fixtures.database import kept
from tests.stations.conftest import organization, owner, rival, site, station

AFTERNOON = 14  # UTC


class Silent:
    def nudge(self, task):
        pass

    def broadcast(self, group, message):
        pass


@pytest.fixture
def silent(monkeypatch):
    monkeypatch.setattr(events, "_transport", Silent())


@pytest.fixture(scope="module")
def days_network(django_db_setup, django_db_blocker):
    """See factory.py; a day of it, and it is three in the afternoon: just after midnight "today" is empty.

    (ahead, network): how far the clock went ahead, and the rows.
    """
    from tests.dashboard.factory import Network

    ahead = timedelta(hours=(AFTERNOON - clock.now().hour) % 24)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(events, "_transport", Silent())
        clock.advance(ahead)
        with kept(django_db_blocker, lambda: Network().live()) as made:
            (SCRATCH / "clock").unlink()
            yield ahead, made


@pytest.fixture
def network(days_network, db, silent):
    ahead, made = days_network
    clock.advance(ahead)
    return deepcopy(made)


def browser(access):
    client = Client()
    client.force_login(access.user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def words(answer):
    assert answer.status_code == 200, answer.status_code
    return answer.content.decode()


def streamed(answer):
    assert answer.status_code == 200, answer.status_code
    assert answer.streaming
    return b"".join(answer.streaming_content).decode()


__all__ = [
    "browser",
    "days_network",
    "network",
    "organization",
    "owner",
    "rival",
    "silent",
    "site",
    "station",
    "streamed",
    "words",
]
