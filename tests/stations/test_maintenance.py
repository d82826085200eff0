"""Maintenance windows from plan to end."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from evcms.core import clock
from evcms.core.access import Role
from stations import queries, services
from stations.models import MaintenanceWindow, SiteGrant, WindowState

from .conftest import make_access, make_station

HOUR = timedelta(hours=1)


def plan(access, now, starts=1, ends=3, **more):
    fields = {"title": "New cable"} | more
    return services.plan_maintenance(access=access, starts_at=now + starts * HOUR, ends_at=now + ends * HOUR, **fields)


def state(window):
    return MaintenanceWindow.objects.get(pk=window.pk).state


def test_a_window_is_planned_runs_and_ends_each_with_one_fact(owner, station, now, facts):
    window = plan(owner, now, station=station)
    assert services.run_maintenance() == 0
    clock.advance(HOUR * 1.5)
    assert [services.run_maintenance(), services.run_maintenance()] == [1, 0]
    assert state(window) == WindowState.RUNNING
    clock.advance(HOUR * 2)
    assert [services.run_maintenance(), services.run_maintenance()] == [1, 0]
    assert state(window) == WindowState.ENDED
    for name in ("MaintenancePlanned", "MaintenanceStarted", "MaintenanceEnded"):
        assert facts(name) == [{"window_id": window.pk}]


def test_a_window_slept_through_starts_and_ends(owner, station, now, facts):
    window = plan(owner, now, station=station)
    clock.advance(5 * HOUR)
    assert services.run_maintenance() == 2
    assert state(window) == WindowState.ENDED
    assert len(facts("MaintenanceStarted")) == len(facts("MaintenanceEnded")) == 1


def test_a_window_that_has_begun_runs_at_once(owner, station, now):
    assert state(plan(owner, now, -1, 1, station=station)) == WindowState.RUNNING


def test_cancelled_before_it_began_ended_early_after(owner, station, now, facts):
    planned, running, over = plan(owner, now), plan(owner, now, -1, 1), plan(owner, now, -1, 1)
    MaintenanceWindow.objects.filter(pk=over.pk).update(state=WindowState.ENDED)
    assert services.cancel_maintenance(access=owner, window=planned)
    assert services.cancel_maintenance(access=owner, window=running)
    assert not services.cancel_maintenance(access=owner, window=over)
    assert not services.cancel_maintenance(access=owner, window=planned)
    assert (state(planned), state(running)) == (WindowState.CANCELLED, WindowState.ENDED)
    assert facts("MaintenanceCancelled") == [{"window_id": planned.pk}]
    assert facts("MaintenanceEnded") == [{"window_id": running.pk}]
    clock.advance(5 * HOUR)
    assert services.run_maintenance() == 0


@pytest.mark.parametrize(("starts", "ends"), [(2, 1), (1, 1), (-3, -1), (1, 24 * 91 + 2)])
def test_times_that_cannot_be_are_refused_with_a_sentence(owner, now, starts, ends):
    with pytest.raises(ValidationError) as refused:
        plan(owner, now, starts, ends)
    assert refused.value.message_dict["ends_at"]


def test_a_window_says_what_is_done(owner, now):
    with pytest.raises(ValidationError) as refused:
        plan(owner, now, title="  ")
    assert "title" in refused.value.message_dict


def test_only_those_who_may_plan_what_they_see(organization, rival, station, other_site, now):
    with pytest.raises(PermissionDenied):
        plan(make_access(organization, Role.VIEWER), now, station=station)
    with pytest.raises(PermissionDenied):
        plan(make_access(rival), now, station=station)
    narrow = make_access(organization, Role.TECHNICIAN, all_sites=False)
    SiteGrant.objects.create(membership=narrow.membership, site=other_site)
    with pytest.raises(ValidationError, match="Choose one of your sites"):
        plan(narrow, now)
    with pytest.raises(PermissionDenied):
        plan(narrow, now, site=station.site)
    window = plan(narrow, now, site=other_site)
    with pytest.raises(PermissionDenied):
        services.cancel_maintenance(access=make_access(rival), window=window)
    assert list(queries.windows(make_access(rival))) == []


def test_a_window_covers_a_station_a_site_or_everything(owner, station, other_site, now):
    elsewhere = make_station("ELSE", other_site)

    def covered():
        return {row.identity for row in queries.stations(owner) if row.in_maintenance}

    assert covered() == set()
    for reach, expected in (
        ({"station": station}, {"KADE-01"}),
        ({"site": other_site}, {"ELSE"}),
        ({}, {"KADE-01", "ELSE"}),
    ):
        window = plan(owner, now, -1, 1, **reach)
        assert covered() == expected
        services.cancel_maintenance(access=owner, window=window)
    plan(owner, now, 1, 2, station=elsewhere)
    assert covered() == set()
