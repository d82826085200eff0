"""Work on many stations: the preview says what it will do, the worker does each once, whatever dies in between."""

from datetime import timedelta
from threading import Event, Thread

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection
from django.urls import reverse

from evcms.core.access import Role
from evcms.core.models import AuditEntry
from stations import services
from stations.models import (
    BulkAction,
    BulkLine,
    Command,
    Connector,
    FirmwareFile,
    MaintenanceWindow,
    Station,
)
from stations.models import BulkKind as Kind
from stations.services import bulk
from stations.vocabulary import Answer
from tests.dashboard.conftest import browser, words
from tests.stations.conftest import make_access, make_station

pytestmark = pytest.mark.django_db


@pytest.fixture
def fleet(site, gateway):
    """Three online, one offline."""
    made = [make_station(f"F-{number}", site) for number in range(4)]
    for station in made[:3]:
        services.connected(station_id=station.pk, gateway_id=gateway.pk, protocol="ocpp1.6", address="10.0.0.1")
    return made


def draft(access, kind, stations):
    return services.draft_bulk(access=access, kind=kind, station_ids=[station.pk for station in stations])


def confirmed(access, kind, stations, **values):
    action = draft(access, kind, stations)
    services.confirm_bulk(access=access, action=action, values=values)
    return action


def states(action):
    return dict(action.lines.values_list("station__identity", "state"))


def again(action):
    BulkAction.objects.filter(pk=action.pk).update(due_at=action.created_at)
    services.run_bulk()
    action.refresh_from_db()


def answer_all(accepted=True):
    for row in Command.objects.filter(state="queued"):
        services.command_sent(command_id=row.pk)
        services.command_answered(
            command_id=row.pk, answer=Answer(accepted, "Accepted" if accepted else "Rejected", {})
        )


def test_a_preview_leaves_out_who_cannot_hear_and_does_nothing(owner, fleet):
    action = draft(owner, Kind.RESET_SOFT, fleet)
    assert states(action) == {"F-0": "waiting", "F-1": "waiting", "F-2": "waiting", "F-3": "refused"}
    assert action.lines.get(station=fleet[3]).detail == "It is offline."
    services.run_bulk()
    assert not Command.objects.exists()


def test_confirmed_twice_each_station_is_told_once_and_its_answer_ends_its_line(owner, fleet):
    action = confirmed(owner, Kind.RESET_SOFT, fleet)
    services.confirm_bulk(access=owner, action=action, values={})
    services.run_bulk()
    assert Command.objects.filter(kind="Reset").count() == 3
    assert set(states(action).values()) == {"sent", "refused"}
    answer_all()
    again(action)
    assert states(action) == {"F-0": "done", "F-1": "done", "F-2": "done", "F-3": "refused"}
    assert (action.state, action.due_at) == ("done", None)
    assert AuditEntry.objects.filter(action="bulk.confirmed").count() == 1
    assert AuditEntry.objects.filter(action="command.sent").count() == 3


def test_a_refusal_of_a_station_is_its_line_s_failure(owner, fleet):
    action = confirmed(owner, Kind.UNAVAILABLE, fleet[:1])
    services.run_bulk()
    answer_all(accepted=False)
    again(action)
    assert list(action.lines.values_list("state", "detail")) == [("failed", "Rejected")]


def test_a_worker_that_dies_between_two_lines_repeats_none(owner, fleet, monkeypatch):
    action = confirmed(owner, Kind.RESET_HARD, fleet)
    step, count = bulk._step, []

    def dying(*args):
        count.append(1)
        if len(count) == 2:
            raise KeyboardInterrupt
        return step(*args)

    monkeypatch.setattr(bulk, "_step", dying)
    with pytest.raises(KeyboardInterrupt):
        services.run_bulk()
    services.run_bulk()  # the lease still holds
    assert Command.objects.count() == 1
    monkeypatch.setattr(bulk, "_step", step)
    again(action)
    assert Command.objects.count() == 3


def test_a_station_that_went_offline_meanwhile_is_left_out(owner, fleet):
    action = confirmed(owner, Kind.RESET_SOFT, fleet[:2])
    services.disconnected(connection_id=Station.objects.get(pk=fleet[0].pk).connection_id, reason="gone")
    services.run_bulk()
    assert states(action) == {"F-0": "refused", "F-1": "sent"}


def test_the_rest_is_cancelled_and_what_was_sent_is_still_heard(owner, fleet, monkeypatch):
    monkeypatch.setattr(bulk, "OPEN_AT_ONCE", 1)
    action = confirmed(owner, Kind.RESET_SOFT, fleet)
    services.run_bulk()
    services.cancel_bulk(access=owner, action=action)
    assert states(action) == {"F-0": "sent", "F-1": "cancelled", "F-2": "cancelled", "F-3": "refused"}
    answer_all()
    again(action)
    assert states(action)["F-0"] == "done"
    assert (action.state, action.due_at) == ("cancelled", None)


def test_who_lost_the_right_does_nothing_more(organization, fleet):
    technician = make_access(organization, Role.TECHNICIAN)
    action = confirmed(technician, Kind.RESET_SOFT, fleet)
    technician.membership.role = Role.VIEWER
    technician.membership.save()
    services.run_bulk()
    assert set(states(action).values()) == {"refused"}
    assert not Command.objects.exists()


def test_roles_bound_the_kinds(organization, fleet):
    viewer, technician = make_access(organization, Role.VIEWER), make_access(organization, Role.TECHNICIAN)
    with pytest.raises(PermissionDenied):
        draft(viewer, Kind.RESET_SOFT, fleet)
    with pytest.raises(PermissionDenied):
        draft(technician, Kind.ARCHIVE, fleet)


def test_strangers_stations_are_not_in_it(owner, rival, fleet):
    with pytest.raises(ValidationError):
        draft(make_access(rival), Kind.RESET_SOFT, fleet)


def test_stations_move_to_a_site_and_are_archived_unless_a_car_stands_there(owner, fleet, other_site):
    Connector.objects.filter(station=fleet[0]).update(status="charging")
    archive = confirmed(owner, Kind.ARCHIVE, fleet)
    move = confirmed(owner, Kind.SITE, fleet[:1], site=other_site)
    services.run_bulk()
    assert states(archive) == {"F-0": "refused", "F-1": "done", "F-2": "done", "F-3": "done"}
    assert states(move) == {"F-0": "done"}
    assert Station.objects.filter(archived_at=None, identity__startswith="F-").get().site == other_site
    assert AuditEntry.objects.filter(action="station.archived").count() == 3


def test_each_station_gets_its_window(owner, fleet, now):
    times = {"starts_at": now + timedelta(hours=1), "ends_at": now + timedelta(hours=2)}
    confirmed(owner, Kind.MAINTENANCE, fleet, title="New contactors", **times)
    services.run_bulk()
    assert MaintenanceWindow.objects.filter(title="New contactors").count() == 4


def test_a_firmware_goes_to_its_model_only(owner, organization, fleet):
    Station.objects.filter(pk=fleet[1].pk).update(model="Other")
    file = FirmwareFile.objects.create(
        organization=organization, name="Fix", version="2", model="Alfa", url="https://example.org/f", token="t"
    )
    Station.objects.filter(pk=fleet[0].pk).update(model="alfa")
    action = confirmed(owner, Kind.FIRMWARE, fleet[:2], file=file)
    services.run_bulk()
    assert states(action) == {"F-0": "sent", "F-1": "refused"}
    assert Command.objects.get().kind == "UpdateFirmware"


def test_values_are_judged_before_anything_happens(owner, fleet):
    action = draft(owner, Kind.VARIABLE, fleet)
    for bad in ({}, {"key": "", "value": "1"}):
        with pytest.raises(ValidationError):
            services.confirm_bulk(access=owner, action=action, values=bad)
    services.confirm_bulk(access=owner, action=action, values={"key": "MeterValueSampleInterval", "value": "60"})
    assert "60" not in str(AuditEntry.objects.get(action="bulk.confirmed").detail)
    services.run_bulk()
    assert Command.objects.filter(kind="SetVariables").count() == 3


def test_drafts_of_yesterday_go(owner, fleet, now):
    action = draft(owner, Kind.RESET_SOFT, fleet)
    BulkAction.objects.filter(pk=action.pk).update(created_at=now - timedelta(days=2))
    assert services.prune_drafts() > 0
    assert not BulkLine.objects.exists()


def test_the_page_of_an_action_says_which_site_tags_and_firmware(owner, organization, fleet, other_site, now):
    file = FirmwareFile.objects.create(
        organization=organization, name="Core", version="9.9", url="https://x.test/f", token="t"
    )
    window = {"title": "Cables", "starts_at": now + timedelta(hours=1), "ends_at": now + timedelta(hours=2)}
    for kind, values, told in (
        (Kind.SITE, {"site": other_site}, f"New site: <strong>{other_site}</strong>"),
        (Kind.TAG, {"tags": "motorway, old"}, "Tags: <strong>motorway, old</strong>"),
        (Kind.FIRMWARE, {"file": file}, f"Firmware file: <strong>{file}</strong>"),
        (Kind.MAINTENANCE, window, "What is done: <strong>Cables</strong>"),
    ):
        action = confirmed(owner, kind, fleet, **values)
        assert told in words(browser(owner).get(reverse("bulk-action", args=[action.pk])))


@pytest.mark.parametrize(
    ("begins", "ends", "field", "why"),
    [(1, 91 * 24 + 2, "ends_at", "90 days at most"), (-25, 1, "starts_at", "more than a day ago")],
)
def test_a_window_that_cannot_be_is_found_out_in_the_form(owner, fleet, now, begins, ends, field, why):
    action = draft(owner, Kind.MAINTENANCE, fleet)
    span = {"starts_at": now + timedelta(hours=begins), "ends_at": now + timedelta(hours=ends)}
    with pytest.raises(ValidationError) as refused:
        services.confirm_bulk(access=owner, action=action, values={"title": "Cables", **span})
    assert why in refused.value.message_dict[field][0]
    with pytest.raises(ValidationError):
        services.plan_maintenance(access=owner, title="Cables", **span)


@pytest.mark.django_db(transaction=True)
def test_others_write_while_many_stations_are_worked_through(owner, site):
    """SQLite gives its lock to whoever asks first: without our backend others waited for all of them."""
    action = confirmed(owner, Kind.ARCHIVE, [make_station(f"M-{number}", site) for number in range(60)])
    written, over = [], Event()

    def other():
        while not over.is_set():
            FirmwareFile.objects.filter(pk=0).update(name="")
            written.append(action.lines.exclude(state="waiting").count())
        connection.close()

    thread = Thread(target=other)
    thread.start()
    services.run_bulk()
    over.set()
    thread.join()
    assert len([done for done in written if 0 < done < 60]) > 3
