"""Moments as parameters: what Django would store, whatever zone they are in and however often they come."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection

from evcms.core.sqltime import stored
from stations.models import StatusChange

BERLIN = ZoneInfo("Europe/Berlin")
MOMENT = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def by_django(moment):
    return StatusChange._meta.get_field("at").get_db_prep_save(moment, connection)


@pytest.mark.parametrize(
    "moment",
    [
        MOMENT, MOMENT.replace(microsecond=7), datetime(1970, 1, 1, tzinfo=UTC),
        datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN), datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN, fold=1),
    ],
)  # fmt: skip
def test_a_moment_is_stored_as_django_stores_it_the_first_time_and_again(db, moment):
    for _time in range(2):
        assert str(stored(moment)) == str(by_django(moment))


def test_both_half_past_twos_of_the_night_when_clocks_go_back_are_kept_apart(db):
    first, second = (datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN, fold=fold) for fold in (0, 1))
    assert first == second  # to Python, within a zone
    if connection.vendor == "sqlite":
        assert datetime.fromisoformat(stored(second)) - datetime.fromisoformat(stored(first)) == timedelta(hours=1)


def test_nothing_is_nothing_and_a_moment_without_a_zone_is_a_mistake(db):
    assert stored(None) is None
    with pytest.raises(ValueError, match="has no zone"):
        stored(datetime(2026, 1, 1))
