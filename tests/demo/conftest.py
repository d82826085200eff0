"""A day of one site of Marenhaven, with its street built through the services, and the provider's double."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from evcms.demo import past, people, street
from evcms.simulator.city import build_city
from evcms.simulator.history import build_history
from tests.billing.conftest import double, provider, signals

SITE = "MER"  # AC and DC, 1.6 and 2.x, cards and guests
DAY = date(2026, 3, 14)  # a Saturday


@pytest.fixture(scope="session")
def history():
    """What happened at the one site in thirty hours, and is over."""
    whole = build_history(seed=1, last_day=DAY + timedelta(days=1), days=2)
    cut = past.until(whole, whole.first + timedelta(hours=30))
    return replace(
        cut,
        sessions=tuple(one for one in cut.sessions if one.site == SITE),
        outages=tuple(one for one in cut.outages if one.site == SITE),
        attempts=tuple(one for one in cut.attempts if one.site == SITE),
    )


@pytest.fixture
def built(transactional_db, provider, history):
    """(street, cards): configured before the history begins."""
    city, since = build_city(1), history.first - timedelta(days=30)
    access = people.found(city, since)
    return street.build(access, city, since), people.cards(access, city, since, history.last)


__all__ = ["double", "provider", "signals"]
