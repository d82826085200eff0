"""Stations and sites: lists that filter, sort, page and export; a page that says what a station does and helps it."""

import re
import uuid
from datetime import timedelta

import pytest
from django.http import QueryDict

from alerts.models import Incident
from evcms.core import clock
from evcms.core.access import Role
from evcms.core.models import AuditEntry, Organization
from evcms.dashboard.jsontext import pretty
from evcms.dashboard.queries import fleet
from sessions.models import ChargingSession
from stations import services as stations
from stations.models import (
    BulkAction,
    Command,
    Connector,
    Evse,
    FirmwareFile,
    MaintenanceWindow,
    Site,
    Station,
    WindowState,
)
from stations.operations import OPERATIONS
from stations.vocabulary import Answer, Approval, CommandState, RefusalReason
from tests.dashboard.conftest import browser, streamed, words
from tests.stations.conftest import make_access

pytestmark = pytest.mark.django_db
TABS = [
    "",
    "power/",
    "health/",
    "messages/",
    "notes/",
    "commands/",
    "variables/",
    "connections/",
    "incidents/",
    "audit/",
]
HTMX = {"HX-Request": "true"}


@pytest.fixture
def owner(network):
    return browser(network.owner)


# The list ------------------------------------------------------------------------------------------------------


NARROWED = [
    ("", 12),
    ("q=stationsplein", 3),
    ("q=RIV-0003", 1),
    ("status=online", 11),
    ("status=offline", 1),
    ("status=faulted", 1),
    ("status=charging", 6),
    ("model=DC+150", 3),
    ("firmware=1.9.0", 9),
    ("approval=quarantined", 0),
    ("q=kade&status=charging", 2),
]


def test_the_list_narrows_to_what_is_asked(owner):
    for filters, found in NARROWED:
        page = owner.get(f"/stations/?{filters}")
        assert page.context["page"].paginator.count == found, filters
        words(page)


def test_nonsense_in_the_address_breaks_nothing(owner):
    for nonsense in ("status=nonsense", "site=x", "page=99", "sort=password_digest", "q=%00"):
        assert owner.get(f"/stations/?{nonsense}").status_code == 200, nonsense


def test_a_wish_for_what_is_not_here_fits_nothing_and_many_at_once_does_nothing(network, owner):
    for filters in ("tag=of+a+colleague", "site=999999", "model=Gone", "status=nonsense"):
        page = owner.get(f"/stations/?{filters}")
        assert page.context["page"].paginator.count == 0, filters
        assert "here: no station fits." in words(page)
        owner.post("/fleet/actions/new/", {"filter": page.context["filter"], "all": "1", "kind": "reset_soft"})
    assert not BulkAction.objects.exists()


def test_a_day_that_nobody_can_mean_is_said(owner):
    for path in ("sessions", "attempts"):
        for nonsense in ("since=0001-01-01", "until=9999-12-31", "since=9999-12-31&until=0001-01-01"):
            assert "between 2000 and 2199" in words(owner.get(f"/{path}/?{nonsense}")), (path, nonsense)


def test_the_buttons_of_the_firmware_tab_are_orders_that_are_sent(network, owner):
    station = network.stations[0]
    FirmwareFile.objects.create(
        organization=network.organization, name="New", version="2.0", url="https://firm.example/2.0"
    )
    page = words(owner.get(f"/stations/{station.identity}/firmware/"))
    forms = re.findall(r"<form.*?</form>", page[page.index("Files that fit") :], re.S)
    asked = [dict(re.findall(r'<input type="hidden" name="([a-z-]+)" value="([^"]*)"', form)) for form in forms]
    asked = [values for values in asked if "operation" in values]
    assert len(asked) == 3
    for values in asked:
        assert owner.post(f"/stations/{station.identity}/commands/send/", values).status_code == 302
    kinds = Command.objects.filter(station=station, kind__in=("UpdateFirmware", "GetLog")).values_list(
        "kind", flat=True
    )
    assert sorted(kinds) == ["GetLog", "GetLog", "UpdateFirmware"]


def test_who_restarts_a_station_is_told_first_that_cars_charge_there(network, owner):
    busy = ChargingSession.objects.filter(ended_at=None, authorized=True).values_list("station__identity", flat=True)
    told = "charging there now"
    assert told in words(owner.get(f"/stations/{busy[0]}/commands/"))
    idle = Station.objects.exclude(identity__in=list(busy)).values_list("identity", flat=True)[0]
    assert told not in words(owner.get(f"/stations/{idle}/commands/"))


def test_an_order_that_cannot_be_sent_comes_back_on_its_page(network, owner):
    answer = owner.post(f"/stations/{network.stations[0].identity}/commands/send/", {"operation": "update-firmware"})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "A firmware file or an address is needed." in page
    assert "What was asked" in page
    assert owner.post(f"/stations/{network.stations[0].identity}/commands/send/", {"operation": "x"}).status_code == 422


def test_the_list_sorts_both_ways(owner):
    def first(sort):
        return owner.get(f"/stations/?sort={sort}").context["rows"][0][0].identity

    assert (first("station"), first("-station")) == ("RIV-0001", "RIV-0012")
    assert first("online") == "RIV-0008"


def test_the_export_holds_what_the_filter_shows_and_no_formula(network, owner):
    Station.objects.filter(identity="RIV-0003").update(name="=1+1")
    answer = owner.get("/stations/?status=faulted&export=csv")
    assert answer["Content-Type"].startswith("text/csv")
    lines = streamed(answer).splitlines()
    assert len(lines) == 2
    assert "'=1+1" in lines[1]


def test_a_thousand_stations_cost_as_few_queries_as_one(network, owner, django_assert_max_num_queries):
    Station.objects.bulk_create(
        Station(
            organization=network.organization, site=network.sites[0], identity=f"BULK-{n}", approval=Approval.ACCEPTED
        )
        for n in range(1000)
    )
    owner.get("/stations/")
    with django_assert_max_num_queries(17):
        assert owner.get("/stations/").context["page"].paginator.num_pages == 21


def test_an_empty_list_says_what_to_do():
    new = make_access(Organization.objects.create(name="New", slug="new"))
    page = words(browser(new).get("/stations/"))
    assert "No stations yet" in page
    assert "/setup/stations/new/" in page
    assert "Nothing fits" in words(browser(new).get("/stations/?q=zzz"))


# Who may see and do what -----------------------------------------------------------------------------------------


def test_every_tab_opens_within_its_budget(owner, django_assert_max_num_queries):
    owner.get("/stations/RIV-0001/")
    for tab in TABS:
        with django_assert_max_num_queries(23):
            words(owner.get(f"/stations/RIV-0001/{tab}"))


def test_a_stranger_finds_no_station(network):
    rival = browser(make_access(Organization.objects.create(name="Rival", slug="rival")))
    for tab in TABS:
        assert rival.get(f"/stations/RIV-0001/{tab}").status_code == 404, tab


def test_a_stranger_commands_nothing(network):
    rival = browser(make_access(Organization.objects.create(name="Rival", slug="rival")))
    before = Command.objects.count()
    assert rival.post("/stations/RIV-0001/commands/send/", {"operation": "reset"}).status_code == 404
    assert rival.post("/stations/RIV-0001/commands/unlock/", {"evse": 1}).status_code == 404
    assert Command.objects.count() == before


def test_a_member_without_grants_sees_no_station(network):
    viewer = browser(network.member(Role.VIEWER, "v@example.org", all_sites=False))
    assert viewer.get("/stations/").context["page"].paginator.count == 0
    assert viewer.get("/stations/RIV-0001/").status_code == 404
    assert viewer.get(f"/sites/{network.sites[0].pk}/").status_code == 404


def test_a_viewer_looks_but_does_not_command(network):
    viewer = browser(network.member(Role.VIEWER, "v@example.org"))
    page = words(viewer.get("/stations/RIV-0001/"))
    assert "Unlock" not in page
    assert "/commands/" not in page
    assert "/audit/" not in page
    assert viewer.get("/stations/RIV-0001/commands/").status_code == 403
    assert viewer.get("/stations/RIV-0001/audit/").status_code == 403
    assert viewer.post("/stations/RIV-0001/commands/send/", {"operation": "reset"}).status_code == 403


# One station -----------------------------------------------------------------------------------------------------


def test_the_sentence_says_how_the_station_is(network, owner):
    assert "1 of 2 connectors are in use" in words(owner.get("/stations/RIV-0001/"))
    assert "Connector 2 reports a fault: current leaks to earth." in words(owner.get("/stations/RIV-0003/"))
    assert "It went offline " in words(owner.get("/stations/RIV-0008/"))
    Station.objects.filter(identity="RIV-0004").update(approval=Approval.QUARANTINED)
    assert "It waits for your approval." in words(owner.get("/stations/RIV-0004/"))


def test_the_plugs_show_the_session_with_its_cost(owner):
    part = words(owner.get("/stations/RIV-0001/?part=now", headers={"X-Requested-With": "evcms-live"}))
    assert "kWh" in part
    assert "€" in part
    assert "tapped a card" in part
    assert "<html" not in part


def test_the_past_shows_statuses_gaps_and_sessions(network, owner):
    past = owner.get("/stations/RIV-0001/").context["past"]
    assert [strip.label for strip in past.strips] == ["1", "2", "Sessions"]
    kinds = {span[0] for span in past.strips[0].spans}
    assert {"charging", "available"} <= kinds
    assert "offline" not in kinds  # nothing is known of the time before its first link
    assert all(past.since <= span[2] for strip in past.strips for span in strip.spans)
    page = words(owner.get("/stations/RIV-0001/"))
    legend = page[page.index("ev-strip-ends") : page.index('id="station-tab"')]
    assert "Charging" in legend
    assert "Available" in legend
    long = owner.get("/stations/RIV-0003/?strip=90d").context["past"]
    assert "faulted" in {span[0] for span in long.strips[1].spans}


def test_the_log_is_searched_narrowed_and_continued(network, owner):
    address = "/stations/RIV-0001/messages/"
    assert len(owner.get(address).context["messages_told"]) == 50
    assert owner.get(address).context["older"]
    older = owner.get(f"{address}?before={owner.get(address).context['older']}").context["messages_told"]
    assert len(older) == 11
    assert len(owner.get(f"{address}?q=UnlockConnector").context["messages_told"]) == 1
    assert len(owner.get(f"{address}?direction=out").context["messages_told"]) == 1
    assert len(owner.get(f"{address}?outcome=error").context["messages_told"]) == 1
    assert owner.get(f"{address}?at=2001-01-01T00:00:00Z").context["messages_told"] == []
    assert owner.get(f"{address}?at=nonsense&before=x").status_code == 200


def test_json_is_made_readable_and_no_digit_changes():
    text = '{"a":[1.10,{"b":"x{,:\\"}"}],"c":{},"d":[ ]}'
    told = pretty(text)
    assert told.splitlines()[:3] == ["{", '  "a": [', "    1.10,"]
    assert '"x{,:\\"}"' in told
    assert '"c": {}' in told
    assert '"d": []' in told
    assert pretty("not json") == "notjson" or "not" in pretty("not json")


def test_variables_are_listed_and_lead_to_their_form(owner):
    page = words(owner.get("/stations/RIV-0001/variables/"))
    assert "HeartbeatInterval" in page
    assert "operation=set-variables&amp;values=HeartbeatInterval=300" in page
    assert "values=NumberOfConnectors" not in page
    assert "HeartbeatInterval" not in words(owner.get("/stations/RIV-0001/variables/?q=TimeOut"))


def test_refused_handshakes_stand_with_the_links(owner):
    page = words(owner.get("/stations/RIV-0008/connections/"))
    assert "Wrong password" in page
    assert "ping unanswered" in page


def test_an_archived_station_is_still_found_and_cannot_be_edited(network, owner):
    station = network.stations[11]
    stations.archive_station(access=network.owner, station=station)
    page = words(owner.get("/stations/RIV-0012/"))
    assert "It is archived." in page
    assert "No connectors yet" not in page
    assert "/stations/RIV-0012/edit/" not in page


def test_what_was_archived_by_mistake_comes_back_as_it_was(network, owner):
    station = network.stations[11]
    stations.archive_station(access=network.owner, station=station)
    assert "/stations/RIV-0012/restore/" in words(owner.get("/stations/RIV-0012/"))
    for _press in range(2):
        assert owner.post("/stations/RIV-0012/restore/").status_code == 302
    assert "It is archived." not in words(owner.get("/stations/RIV-0012/"))
    assert AuditEntry.objects.filter(action="station.restored").count() == 1
    stations.archive_station(access=network.owner, station=station)
    Site.objects.filter(pk=station.site_id).update(archived_at=clock.now())
    assert "is archived." in words(owner.post("/stations/RIV-0012/restore/", follow=True))


def test_a_station_that_never_connected_is_not_called_offline(network, owner):
    planned = Station.objects.create(
        organization=network.organization, site=network.sites[0], identity="PLANNED", approval=Approval.ACCEPTED,
        security_profile=0,
    )  # fmt: skip
    evse = Evse.objects.create(station=planned, number=1)
    Connector.objects.create(evse=evse, station=planned)

    def found(status):
        return [row.identity for row, _segments in owner.get(f"/stations/?status={status}").context["rows"]]

    assert found("never_connected") == ["PLANNED"]
    assert "PLANNED" in found("unknown")
    assert found("offline") == ["RIV-0008"]
    assert "11 of 13 stations are online; 1 has not connected yet" in words(owner.get("/stations/"))
    assert "Not yet connected" in words(owner.get("/stations/?q=PLANNED"))
    page = words(owner.get("/stations/PLANNED/"))
    assert "It has not connected yet." in page
    assert "Offline" not in page[: page.index("station-tab")]
    site = words(owner.get(f"/sites/{network.sites[0].pk}/"))
    assert "1 of 4 stations here have not connected yet" in site
    assert "2 of 4 sites have something broken" in words(owner.get("/sites/"))
    overview = words(owner.get("/"))
    assert "1 of 13 stations offline" in overview
    assert "1 station has not connected yet" in overview


def test_a_station_that_is_serviced_while_cars_charge_says_both(network, owner):
    window = stations.plan_maintenance(
        access=network.owner, title="New paint", station=network.stations[0],
        starts_at=clock.now() - timedelta(hours=1), ends_at=clock.now() + timedelta(hours=1),
    )  # fmt: skip
    MaintenanceWindow.objects.filter(pk=window.pk).update(state=WindowState.RUNNING)
    page = words(owner.get("/stations/RIV-0001/"))
    assert "It is being serviced, and still 1 of 2 connectors are in use" in page
    head = page[page.index("ev-head") : page.index("ev-cards")]
    assert "Maintenance" in head
    assert "Online" in head


def test_the_open_incident_stands_at_the_head_of_its_station(network, owner):
    incident = Incident.objects.get(key="c:1")
    page = words(owner.get("/stations/RIV-0003/"))
    assert f'href="/incidents/{incident.pk}/"' in page
    assert "Incident: " in page
    assert 'value="acknowledge"' in page
    assert 'value="acknowledge"' not in words(
        browser(network.member(Role.VIEWER, "v@example.org")).get("/stations/RIV-0003/")
    )
    assert "Incident: " not in words(owner.get("/stations/RIV-0001/"))


# Commands --------------------------------------------------------------------------------------------------------


def send(client, operation, htmx=True, **fields):
    data = {"operation": operation} | {f"{operation}-{name}": value for name, value in fields.items()}
    return client.post("/stations/RIV-0001/commands/send/", data, headers=HTMX if htmx else {})


def test_every_operation_has_its_form(owner):
    """A station that never said which version it speaks is offered all of them."""
    Station.objects.filter(identity="RIV-0002").update(protocol="")
    page = words(owner.get("/stations/RIV-0002/commands/"))
    for operation in OPERATIONS.values():
        assert f'id="operation-{operation.name}"' in page
        assert all(f'name="{operation.name}-{field.name}"' in page for field in operation.fields)


def test_a_command_goes_out_waits_and_shows_the_stations_own_answer(network, owner):
    answer = words(send(owner, "reset", kind="hard"))
    row = Command.objects.order_by("-created_at").first()
    assert (row.kind, row.fields["kind"], row.state) == ("Reset", "hard", CommandState.QUEUED)
    address = f"/stations/RIV-0001/commands/{row.pk}/"
    assert f'hx-get="{address}"' in answer
    stations.command_sent(command_id=row.pk)
    assert "has not answered yet" in words(owner.get(address))
    stations.command_answered(command_id=row.pk, answer=Answer(False, "Rejected", {"status": "Rejected", "x": 1}))
    told = words(owner.get(address))
    assert "The station refused: Rejected." in told
    assert "&quot;x&quot;: 1" in told
    assert "hx-get" not in told
    entry = AuditEntry.objects.filter(action="command.sent").first()
    assert (entry.actor, entry.object_id) == (network.owner.actor, str(row.station_id))


def test_values_that_cannot_be_sent_come_back_with_a_sentence(owner):
    before = Command.objects.count()
    answer = send(owner, "unlock", evse="many")
    assert answer.status_code == 422
    assert answer["HX-Retarget"] == "#operation-unlock"
    assert "EVSE must be a whole number." in answer.content.decode()
    assert "Token is needed." in send(owner, "start").content.decode()
    assert Command.objects.count() == before


def test_any_other_message_is_sent_as_it_is_written(owner):
    words(send(owner, "raw", action="GetLocalListVersion", payload='{"x": [1]}'))
    row = Command.objects.order_by("-created_at").first()
    assert (row.kind, row.fields) == ("RawCall", {"action": "GetLocalListVersion", "payload": {"x": [1]}})
    for wrong in ("[1]", "{", "null"):
        assert send(owner, "raw", action="X", payload=wrong).status_code == 422


def test_any_other_message_may_have_no_arguments(owner):
    for payload in ("{}", ""):
        words(send(owner, "raw", action="ClearCache", payload=payload))
        row = Command.objects.order_by("-created_at").first()
        assert row.fields == {"action": "ClearCache", "payload": {}}


def test_the_complaint_about_a_value_goes_when_a_good_one_is_sent(owner):
    wrong = send(owner, "unlock", evse="many").content.decode()
    assert 'name="again"' in wrong
    data = {"operation": "unlock", "unlock-evse": "1", "again": "1"}
    good = words(owner.post("/stations/RIV-0001/commands/send/", data, headers=HTMX))
    assert 'id="operation-unlock" hx-swap-oob="true"' in good
    assert "EVSE must be" not in good
    assert "hx-swap-oob" not in words(send(owner, "unlock", evse="1"))


def test_a_station_is_offered_what_its_version_knows(owner):
    assert 'id="operation-transaction-status"' not in words(owner.get("/stations/RIV-0001/commands/"))
    assert 'id="operation-transaction-status"' in words(owner.get("/stations/RIV-0002/commands/"))


def test_what_was_asked_is_told_in_the_words_of_its_form(owner):
    answer = words(send(owner, "reset", kind="hard"))
    assert "<strong>Restart</strong>" in answer
    assert "<dt>How</dt><dd>at once</dd>" in answer
    answer = words(send(owner, "start", id_token="04A1", token_type="Central"))
    assert "<strong>Start charging</strong>" in answer
    assert "<dt>Token</dt><dd>04A1</dd>" in answer
    assert "id_token" not in answer
    assert "<dt>Values</dt><dd>WebSocketPingInterval</dd>" in words(
        send(owner, "set-variables", values="WebSocketPingInterval=9876")
    )


def test_a_message_to_ask_for_is_chosen_from_a_list_or_typed(owner):
    page = words(owner.get("/stations/RIV-0001/commands/"))
    assert 'list="op_message_list"' in page or 'list="op_trigger-message_list"' in page
    assert '<option value="StatusNotification"></option>' in page
    words(send(owner, "trigger", message="SomethingNew"))


def test_a_choice_that_always_says_something_is_not_called_optional(owner):
    page = words(owner.get("/stations/RIV-0001/commands/"))
    label = page[page.index(">How<") - 60 : page.index(">How<") + 60]
    assert "optional" not in label


def test_settings_that_are_no_pairs_are_answered_with_an_example(owner):
    assert "HeartbeatInterval=300" in send(owner, "set-variables", values="nonsense").content.decode()


def test_without_scripts_a_sent_command_leads_back_to_the_list(owner):
    answer = send(owner, "clear-cache", htmx=False)
    assert (answer.status_code, answer.url) == (302, "/stations/RIV-0001/commands/")
    assert "Clear the token cache" in words(owner.get(answer.url))


def test_an_unknown_operation_is_no_command(owner):
    assert send(owner, "explode").status_code == 422


def test_values_of_settings_are_not_repeated_in_the_list(owner):
    send(owner, "set-variables", values="AuthorizationKey=secret-of-the-station")
    assert "secret-of-the-station" not in words(owner.get("/stations/RIV-0001/commands/"))


def test_a_command_to_a_dark_station_says_that_nothing_was_sent(owner):
    answer = owner.post("/stations/RIV-0008/commands/send/", {"operation": "clear-cache"}, headers=HTMX)
    assert "The station is offline; nothing was sent." in words(answer)


def test_the_plug_is_unlocked_from_its_card(owner):
    owner.post("/stations/RIV-0001/commands/unlock/", {"evse": "2", "connector": "1"})
    row = Command.objects.order_by("-created_at").first()
    assert (row.kind, row.fields) == ("Unlock", {"evse": 2, "connector": 1})
    assert owner.post("/stations/RIV-0001/commands/unlock/", {"evse": "two"}).status_code == 302
    assert Command.objects.order_by("-created_at").first().pk == row.pk


def test_another_stations_command_is_not_found(network, owner):
    row = Command.objects.first()
    assert owner.get(f"/stations/RIV-0002/commands/{row.pk}/").status_code == 404
    assert owner.get(f"/stations/RIV-0001/commands/{uuid.uuid4()}/").status_code == 404


# Sites -----------------------------------------------------------------------------------------------------------


def test_sites_show_power_against_the_grid(network, owner):
    page = owner.get("/sites/?sort=-power")
    first = page.context["page"][0]
    assert first.site.name == "Stationsplein"
    assert 0 < first.load_percent <= 100
    assert "2 of 4 sites have something broken" in words(page)
    assert "Kade Noord" not in words(owner.get("/sites/?q=haven"))
    assert "Havenweg 201" in streamed(owner.get("/sites/?q=haven&export=csv"))


def test_a_site_says_how_it_is(network, owner, django_assert_max_num_queries):
    answers = [words(owner.get(f"/sites/{site.pk}/")) for site in network.sites]
    assert "4 of 6 connectors are free" in answers[0]
    assert "1 of 6 connectors here are faulted" in answers[2]
    assert "1 of 3 stations here are offline" in answers[3]
    assert "New contactors" in answers[2]
    assert Connector.objects.filter(station__site=network.sites[0]).count() == 6
    with django_assert_max_num_queries(20):
        owner.get(f"/sites/{network.sites[0].pk}/")


def test_a_site_of_somebody_else_is_not_found(owner):
    rival = Organization.objects.create(name="Rival", slug="rival")
    site = Site.objects.create(organization=rival, name="Theirs", latitude=1, longitude=1)
    assert owner.get(f"/sites/{site.pk}/").status_code == 404


def test_who_may_not_add_a_firmware_file_is_told_whom_to_ask(station, organization):
    keeper = make_access(organization, Role.OPERATOR)
    client = browser(make_access(organization, Role.TECHNICIAN))
    for path in (f"/stations/{station.identity}/firmware/", "/firmware-files/"):
        page = words(client.get(path))
        assert "Add the vendor" not in page
        assert str(keeper.user) in page


def test_archived_ones_are_listed_when_asked_for_and_no_bulk_action_finds_them(network, owner):
    Station.objects.filter(identity="RIV-0003").update(archived_at=clock.now())
    assert "RIV-0003" not in words(owner.get("/stations/"))
    answer = owner.get("/stations/?status=archived")
    assert [row.identity for row, _segments in answer.context["rows"]] == ["RIV-0003"]
    assert answer.context["kinds"] == []
    found = fleet.fitting(network.owner, QueryDict("status=archived"))
    assert not found.exists()


def test_ocpp_1_6_is_asked_nothing_that_it_has_no_place_for(network):
    client = browser(network.owner)
    old = words(client.get("/stations/RIV-0001/commands/"))
    assert "Of the EVSE; OCPP 2.x only" not in old
    assert 'name="reset-evse"' not in old
    new = words(client.get("/stations/RIV-0002/commands/"))
    assert 'name="reset-evse"' in new
    answer = client.post("/stations/RIV-0001/commands/send/", {"operation": "reset", "reset-kind": "soft"})
    assert answer.status_code == 302
    assert Command.objects.latest("created_at").kind == "Reset"


def test_the_hint_at_the_first_answer_goes_with_the_first_answer(network):
    Command.objects.all().delete()
    assert "ev-till-first" in words(browser(network.owner).get("/stations/RIV-0001/commands/"))


def test_a_station_with_one_plug_does_not_count_it(network):
    station = Station.objects.get(identity="RIV-0001")
    kept = ChargingSession.objects.get(station=station, ended_at=None).connector_id
    Connector.objects.filter(station=station).exclude(pk=kept).update(archived_at=clock.now())
    page = words(browser(network.owner).get("/stations/RIV-0001/"))
    assert "It is well; its connector is in use, with" in page
    assert "came online" in page


def test_a_station_without_its_password_says_that_it_is_turned_away(network):
    where = {"organization": network.organization, "site": network.sites[0], "approval": Approval.ACCEPTED}
    station = Station.objects.create(identity="WEST-1", security_profile=1, **where)
    client = browser(network.owner)
    assert "It is turned away until a password is set" in words(client.get("/stations/WEST-1/"))
    assert "1 station waits for its password" in words(client.get("/"))
    rows = client.get("/stations/", {"status": "locked"}).context["rows"]
    assert [row.identity for row, _segments in rows] == ["WEST-1"]
    stations.set_password(access=network.owner, station=station)
    assert "It has not connected yet." in words(client.get("/stations/WEST-1/"))
    assert "for its password" not in words(client.get("/"))
    assert not client.get("/stations/", {"status": "locked"}).context["rows"]
    stations.refuse_handshake(
        identity="WEST-1", reason=RefusalReason.WRONG_PASSWORD, detail="", offered="ocpp1.6", address="10.0.0.5"
    )
    assert "It was turned away just now: Wrong password." in words(client.get("/stations/WEST-1/"))
