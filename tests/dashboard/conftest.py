"""A person's browser, and signals that go nowhere: tests of pages need no signal server."""

from datetime import timedelta

import pytest
from django.test import Client

from evcms.core import clock, events
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


@pytest.fixture
def network(db, silent, settings):
    """See factory.py; a day of it, and it is three in the afternoon: just after midnight "today" is empty."""
    from tests.dashboard.factory import Network

    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # nobody logs in by password

    clock.advance(timedelta(hours=(AFTERNOON - clock.now().hour) % 24))
    return Network().live()


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
    "browser", "network", "organization", "owner", "rival", "silent", "site", "station", "streamed", "words",
]  # fmt: skip
