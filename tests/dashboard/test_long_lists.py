"""A list that is longer than anybody counts says so, above and below."""

from datetime import timedelta

import pytest

from evcms.core import clock, paging
from sessions.models import Attempt
from tests.dashboard.conftest import browser, words
from tests.stations.conftest import make_station

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("most", "told"), [(3, "more than 3 attempts"), (4, "4 attempts"), (10_000, "4 attempts")])
def test_what_is_not_counted_is_not_said_to_be_all(site, owner, monkeypatch, most, told):
    monkeypatch.setattr(paging, "MOST", most)
    station = make_station("A-1", site)
    for number in range(4):
        Attempt.objects.create(
            organization=site.organization, station=station, kind="tap", at=clock.now() - timedelta(hours=number)
        )
    page = words(browser(owner).get("/attempts/"))
    assert told in page
    assert ("more than" in page) == told.startswith("more than")
