"""A table's run attacked: killed in the middle, two workers at once, others at the same rows, nobody who may."""

from datetime import timedelta
from itertools import count

import pytest
from django.db import DatabaseError
from django.urls import reverse

from evcms.core import clock
from evcms.core.access import Role
from evcms.core.models import AuditEntry
from stations import services
from stations.models import Connector, ImportRun, Site, Station
from stations.services import imports
from tests.dashboard.conftest import browser

from .conftest import make_access
from .test_import import brought, load

pytestmark = pytest.mark.django_db


class Killed(BaseException):
    """What no `except Exception` catches: the process is gone."""


def many(stations=10):
    lines = [f"Plein,52.01,4.36,P-{n},{port}" for n in range(stations) for port in (1, 2)]
    return "site,latitude,longitude,station,evse\n" + "\n".join(lines) + "\n"


def later(run):
    """Its lease is over."""
    ImportRun.objects.filter(pk=run.pk).update(due_at=clock.now() - timedelta(seconds=1))


@pytest.fixture
def lots(monkeypatch):
    monkeypatch.setattr(imports, "LOT", 4)
    monkeypatch.setattr(imports, "LOOKED", 4)


def test_a_worker_killed_between_two_lines_is_gone_on_from_where_it_was(owner, lots, monkeypatch):
    run = services.confirm_import(access=owner, run=brought(owner, many()))
    line, calls = imports.Lines.line, count()

    def dies(self, row):
        if next(calls) == 10:
            raise Killed
        line(self, row)

    monkeypatch.setattr(imports.Lines, "line", dies)
    with pytest.raises(Killed):
        services.run_imports()
    run.refresh_from_db()
    assert (run.state, run.done, Connector.objects.count()) == ("storing", 8, 8)  # the lot it was in is not half there
    assert services.run_imports() == 0  # the dead worker's lease still holds
    later(run)
    monkeypatch.setattr(imports.Lines, "line", line)
    services.run_imports()
    run.refresh_from_db()
    assert (run.state, run.done) == ("done", 20)
    assert run.made == {"sites": 1, "stations": 10, "connectors": 20}
    assert (Site.objects.count(), Station.objects.count(), Connector.objects.count()) == (1, 10, 20)
    assert AuditEntry.objects.filter(action="stations.imported").count() == 1


def test_a_check_that_was_killed_begins_anew_and_has_written_nothing(owner, lots, monkeypatch):
    line, calls = imports.Lines.line, count()

    def dies(self, row):
        if next(calls) == 10:
            raise Killed
        line(self, row)

    monkeypatch.setattr(imports.Lines, "line", dies)
    with pytest.raises(Killed):
        brought(owner, many())
    run = ImportRun.objects.get()
    assert (run.state, run.done, Station.objects.count()) == ("checking", 8, 0)
    later(run)
    services.run_imports()
    run.refresh_from_db()
    assert (run.state, run.made["connectors"]) == ("checked", 20)


def test_a_second_worker_does_nothing_and_who_lost_the_lease_stores_no_more(owner, lots, monkeypatch):
    run = services.confirm_import(access=owner, run=brought(owner, many()))
    line, calls = imports.Lines.line, count()

    def overtaken(self, row):
        number = next(calls)
        if number == 4:  # between two lots: a second worker looks
            assert services.run_imports() == 0
        if number == 8:  # this one slept so long that its lease was over: another one has the run now
            ImportRun.objects.filter(pk=run.pk).update(due_at=clock.now() + timedelta(hours=1))
        line(self, row)

    monkeypatch.setattr(imports.Lines, "line", overtaken)
    services.run_imports()
    run.refresh_from_db()
    assert (run.state, run.done, Connector.objects.count()) == ("storing", 8, 8)


def test_cancelled_in_the_middle_what_is_stored_stays(owner, lots, monkeypatch):
    run = services.confirm_import(access=owner, run=brought(owner, many()))
    further = imports._further

    def cancels(row, **fields):
        further(row, **fields)
        if row.done == 8:
            services.cancel_import(access=owner, run=ImportRun.objects.get(pk=run.pk))

    monkeypatch.setattr(imports, "_further", cancels)
    services.run_imports()
    run.refresh_from_db()
    assert (run.state, bytes(run.content), run.due_at) == ("cancelled", b"", None)
    assert Connector.objects.count() == run.done == 8


def test_what_somebody_else_entered_since_the_check_stops_it_with_the_line(owner, rival, lots):
    run = services.confirm_import(access=owner, run=brought(owner, many()))
    site = Site.objects.create(organization=rival, name="Elsewhere", latitude=1, longitude=1)
    Station.objects.create(organization=rival, site=site, identity="P-5")
    services.run_imports()
    run.refresh_from_db()
    assert (run.state, run.done) == ("stopped", 8)
    assert "has become wrong" in run.error
    assert run.faults.values_list("line", "column").first() == (12, "station")
    page = browser(owner).get(reverse("station-import-run", args=[run.pk])).content.decode()
    assert "Stopped: 8 of 20 rows are stored" in page
    assert "This identity is taken." in page


def test_a_database_that_refuses_is_tried_again_and_not_for_ever(owner, lots, monkeypatch):
    run = services.confirm_import(access=owner, run=brought(owner, many()))

    def refuses(self, row):
        raise DatabaseError("deadlock")

    monkeypatch.setattr(imports.Lines, "line", refuses)
    for _try in range(imports.MOST_TRIES):
        later(run)
        services.run_imports()
        run.refresh_from_db()
        assert (run.state, run.done) == ("storing", 0)
    later(run)
    services.run_imports()
    run.refresh_from_db()
    assert run.state == "stopped"
    assert not Station.objects.exists()


def test_a_long_one_gives_the_worker_back_and_goes_on_in_the_next_pass(owner, lots, monkeypatch):
    run = services.confirm_import(access=owner, run=brought(owner, many()))
    monkeypatch.setattr(imports, "LONGEST_PASS", timedelta(microseconds=1))
    assert services.run_imports() == 0
    monkeypatch.undo()
    services.run_imports()
    run.refresh_from_db()
    assert run.state == "done"


def test_nobody_stores_for_who_left_or_may_not_any_more(owner, organization):
    run = services.confirm_import(access=owner, run=brought(owner, many(1)))
    owner.membership.role = Role.VIEWER
    owner.membership.save()
    services.run_imports()
    run.refresh_from_db()
    assert (run.state, Station.objects.count()) == ("stopped", 0)
    assert "may not" in run.error


def test_confirmed_twice_is_once_and_a_refused_file_is_never_stored(owner):
    run = brought(owner, many(1))
    for _press in range(2):
        services.confirm_import(access=owner, run=run)
    services.run_imports()
    services.confirm_import(access=owner, run=run)
    run.refresh_from_db()
    assert run.state == "done"
    assert AuditEntry.objects.filter(action="import.confirmed").count() == 1
    wrong = services.confirm_import(access=owner, run=brought(owner, "site\nA\n"))
    assert (wrong.state, services.run_imports()) == ("wrong", 0)


def test_a_new_file_takes_the_place_of_ones_own_that_waits_and_nobody_elses(owner, organization):
    colleague = make_access(organization)
    theirs, first, second = brought(colleague, many(1)), brought(owner, many(2)), brought(owner, many(3))
    states = [ImportRun.objects.get(pk=run.pk).state for run in (theirs, first, second)]
    assert states == ["checked", "cancelled", "checked"]


def test_what_nobody_stores_is_let_go_and_old_runs_are_forgotten(owner):
    waits, done = brought(owner, many(1)), load(make_access(owner.organization), many(1))
    ImportRun.objects.filter(pk=waits.pk).update(created_at=clock.now() - timedelta(days=2))
    ImportRun.objects.filter(pk=done.pk).update(finished_at=clock.now() - timedelta(days=91))
    services.prune_imports()
    waits.refresh_from_db()
    assert (waits.state, bytes(waits.content)) == ("cancelled", b"")
    assert not ImportRun.objects.filter(pk=done.pk).exists()


def test_what_a_file_brought_without_a_password_is_counted_and_found(owner):
    run = services.confirm_import(access=owner, run=brought(owner, many(3)))
    services.run_imports()
    Station.objects.filter(identity="P-0").update(password_digest="x")
    client = browser(owner)
    page = client.get(reverse("station-import-run", args=[run.pk])).text
    assert "2 stations are turned away until their passwords are set" in page
    found = client.get("/stations/", {"imported": str(run.pk), "status": "locked"}).context["rows"]
    assert sorted(row.identity for row, _segments in found) == ["P-1", "P-2"]
