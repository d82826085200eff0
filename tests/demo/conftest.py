"""A day of one site of Marenhaven, with its street built through the services, and the provider's double."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from evcms.demo import past, people, street, wallet
from evcms.demo.till import Till
from evcms.simulator.city import build_city
from evcms.simulator.history import build_history
from tests.billing.conftest import double, provider, signals

DAYS = {
    "a busy Sunday at the motorway: starts that fail in each way": ("VZO", date(2026, 4, 5)),
    "links lost, sessions told later": ("VZZ", date(2026, 3, 17)),
    "AC and DC, 1.6 and 2.x, maintenance": ("MER", date(2026, 4, 8)),
}


# The mixed site also on PostgreSQL: keys, JSON and moments are other parameters there. The longest day in test-long.
MARKS = {
    "AC and DC, 1.6 and 2.x, maintenance": [pytest.mark.postgres],
    "a busy Sunday at the motorway: starts that fail in each way": [pytest.mark.long],
}


@pytest.fixture(
    scope="session", params=[pytest.param(day, id=name, marks=MARKS.get(name, [])) for name, day in DAYS.items()]
)
def history(request):
    """What happened at one site in thirty hours, and is over. One of its regulars is the driver who can log in: at the
    motorway with his car, elsewhere with his card.
    """
    site, day = request.param
    whole = build_history(seed=1, last_day=day + timedelta(days=1), days=2)
    cut = past.until(whole, whole.first + timedelta(hours=30))
    here = replace(
        cut,
        sessions=tuple(one for one in cut.sessions if one.site == site),
        outages=tuple(one for one in cut.outages if one.site == site),
        attempts=tuple(one for one in cut.attempts if one.site == site),
    )
    home = "" if site == wallet.AWAY else site
    return wallet.his(here, past.ears_of(here, here.outages), home=home, sometimes=1)


def keep_cards(cash, on_file, history):
    """Another file of the provider's knows the cards on file, too."""
    for method in set(on_file.values()):
        cash.card(f"driver-{method.driver.email}", email="", name="", at=history.first)


@pytest.fixture
def built(transactional_db, provider, history):
    """(street, cards, the cards on file by what they pay for): configured before the history begins."""
    city, since = build_city(1), history.first - timedelta(days=30)
    access = people.found(city, since)
    built, cards = street.build(access, city, since), people.cards(access, city, since, history.last)
    till = Till(provider.double)
    own, on_file = wallet.enrol(access, till, since)
    till.close()
    return built, cards | own, on_file


__all__ = ["double", "provider", "signals"]
