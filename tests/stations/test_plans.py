"""Maintenance that comes again: windows ahead of time, each once, ended with its plan."""

from datetime import date, time, timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from evcms.core import clock
from evcms.core.access import Role
from stations import queries, services
from stations.models import MaintenanceWindow, WindowState

from .conftest import make_access

pytestmark = pytest.mark.django_db


def plan(access, **more):
    tomorrow = (clock.now() + timedelta(days=1)).date()
    fields = {
        "title": "Weekly look",
        "rhythm": "weekly",
        "every": 1,
        "starts_on": tomorrow,
        "at": time(3),
        "minutes": 60,
        "time_zone": "Europe/Amsterdam",
    }
    return services.plan_recurring(access=access, **fields | more)


def test_windows_are_made_some_weeks_ahead_and_go_on_by_themselves(owner, station, facts):
    made = plan(owner, station=station)
    count = made.windows.count()
    assert 6 <= count <= 7
    assert len(facts("MaintenancePlanned")) == count
    assert services.extend_plans() == 0
    clock.advance(timedelta(days=14))
    assert services.extend_plans() == 2
    assert {window.state for window in made.windows.all()} == {WindowState.PLANNED}


def test_a_last_day_ends_it(owner):
    first = (clock.now() + timedelta(days=1)).date()
    assert plan(owner, ends_on=first + timedelta(days=8)).windows.count() == 2


def test_a_plan_that_is_ended_calls_its_windows_off_and_makes_none(owner):
    made = plan(owner)
    count = made.windows.count()
    assert services.end_plan(access=owner, plan=made) == count
    assert services.end_plan(access=owner, plan=made) == 0
    clock.advance(timedelta(days=14))
    assert services.extend_plans() == 0
    assert not MaintenanceWindow.objects.exclude(state=WindowState.CANCELLED).exists()
    assert queries.plans(owner).get().ended_at


def test_one_window_called_off_stays_so(owner):
    made = plan(owner)
    services.cancel_maintenance(access=owner, window=made.windows.first())
    assert services.extend_plans() == 0


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("every", {"every": 0}),
        ("minutes", {"minutes": 0}),
        ("minutes", {"minutes": 7 * 24 * 60}),
        ("ends_on", {"ends_on": date(2020, 1, 1)}),
        ("title", {"title": " "}),
        ("rhythm", {"rhythm": "daily"}),
    ],
)
def test_what_makes_no_sense_is_said_at_its_field(owner, field, wrong):
    with pytest.raises(ValidationError) as error:
        plan(owner, **wrong)
    assert field in error.value.message_dict
    assert not MaintenanceWindow.objects.exists()


def test_only_who_may_and_only_where_he_may(organization, site, other_site):
    with pytest.raises(PermissionDenied):
        plan(make_access(organization, Role.VIEWER), site=site)
    some = make_access(organization, Role.TECHNICIAN, all_sites=False)
    with pytest.raises(ValidationError):
        plan(some)
    with pytest.raises(PermissionDenied):
        plan(some, site=other_site)
