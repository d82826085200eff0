"""The board, an incident's page, contacts, rotas and the report, as a person meets them."""

from datetime import date, time, timedelta
from io import BytesIO
from zipfile import ZipFile

import pytest
from django.test import Client

from alerts import reach, services
from alerts.models import Destination, EscalationPolicy, Incident, Notification, OnCallOverride, OnCallSchedule
from alerts.services import duty
from alerts.views import report
from alerts.vocabulary import IncidentKind, IncidentState
from evcms.core import clock, form_fields
from evcms.core.access import Role
from evcms.core.models import AuditEntry
from tests.alerts.conftest import later, make_access, make_contact, make_station

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(owner):
    client = Client()
    client.force_login(owner.user)
    return client


def trouble(station, key="k", **more):
    more = {"station_ids": [station.pk], "site_id": station.site_id, "recovery": ()} | more
    return services.open_incident(
        kind=more.pop("kind", IncidentKind.STATION_OFFLINE), key=key, title=f"{key} is dark",
        organization_id=station.organization_id, **more,
    )  # fmt: skip


def read(browser, path, **query):
    answer = browser.get(path, query)
    assert answer.status_code == 200, path
    return answer.content.decode()


def act(browser, incident, **data):
    return browser.post(f"/incidents/{incident.pk}/act/", data, follow=True).content.decode()


def test_a_card_says_how_far_it_reaches_who_has_it_and_what_was_tried(browser, station, site, owner):
    stations = [station, *(make_station(f"S-{number}", site) for number in range(13))]
    cause = trouble(station, "Kade", kind=IncidentKind.SITE_DARK, station_ids=[row.pk for row in stations])
    trouble(station, "child", cause=cause)
    services.assign(access=owner, incident=cause, user=owner.user)
    Incident.objects.filter(pk=cause.pk).update(recovery="exhausted")
    cause.steps.create(position=1, kind="reset_soft", state="failed", station_id=station.pk, sent=1)
    page = read(browser, "/incidents/")
    assert "14 stations, Kade" in page
    assert "explains 1 more" in page
    assert str(owner.user) in page
    assert "tried in vain: restart the station when nobody charges" in page
    assert "child is dark" not in page


def test_who_takes_an_open_incident_ends_its_chain(browser, station, owner):
    mine = trouble(station, "mine", severity=4)
    Incident.objects.filter(pk=mine.pk).update(escalate_at=clock.now())
    assert "Given to" in act(browser, mine, do="take")
    mine.refresh_from_db()
    assert (mine.state, mine.assignee, mine.escalate_at) == (IncidentState.ACKNOWLEDGED, owner.user, None)
    act(browser, mine, do="take")
    mine.refresh_from_db()
    assert mine.state == IncidentState.ACKNOWLEDGED


def test_the_board_filters_by_state_severity_kind_site_and_mine(browser, station, other_site, owner):
    mine = trouble(station, "mine", severity=4)
    trouble(make_station("H-1", other_site), "elsewhere", severity=2, kind=IncidentKind.BOOT_LOOP)
    services.assign(access=owner, incident=mine, user=owner.user)
    assert "elsewhere is dark" not in read(browser, "/incidents/", mine="on")
    assert "mine is dark" not in read(browser, "/incidents/", kind="boot_loop")
    assert "mine is dark" not in read(browser, "/incidents/", site=other_site.pk)
    assert "elsewhere is dark" not in read(browser, "/incidents/", severity="4")
    assert "mine is dark" not in read(browser, "/incidents/", severity="less")
    assert "elsewhere is dark" in read(browser, "/incidents/", severity="less")
    assert "No incident fits" in read(browser, "/incidents/", state="resolved")
    assert "mine is dark" in read(browser, "/incidents/", severity="nonsense", site="x")


def test_of_very_many_sites_one_is_typed(browser, station, other_site, owner, monkeypatch):
    monkeypatch.setattr(form_fields, "MANY", 1)
    trouble(station, "mine", severity=4)
    assert "<option" not in read(browser, "/incidents/").partition('name="site"')[2].partition("name=")[0]
    assert "mine is dark" in read(browser, "/incidents/", site=station.site.name)
    assert "mine is dark" not in read(browser, "/incidents/", site=other_site.name)
    assert "mine is dark" in read(browser, "/incidents/", site=station.site.pk)  # as links of other pages say it


def test_a_page_shows_the_life_of_an_incident_and_its_buttons_work(browser, station, contact, deliver, owner):
    incident = trouble(station)
    deliver()
    page = read(browser, f"/incidents/{incident.pk}/")
    for word in ("k is dark", "duty@example.org", "Acknowledge", "Snooze", "KADE-01"):
        assert word in page
    assert "Acknowledged" in act(browser, incident, do="acknowledge")
    assert "Somebody was faster" in act(browser, incident, do="acknowledge")
    assert "Fuse ordered" in act(browser, incident, do="note", text="Fuse ordered")
    page = act(browser, incident, do="snooze", hours="4")
    assert "snoozed until" in page
    line = incident.entries.get(text__startswith="Snoozed until")
    assert "CE" in line.text  # the site's clock, as everywhere on the page
    assert line.text.lower() in page.lower()
    assert "Given to" in act(browser, incident, do="assign", user=owner.user.pk)
    assert "Choose for how long" in act(browser, incident, do="snooze", hours="9999")
    act(browser, incident, do="resolve")
    assert Incident.objects.get().state == IncidentState.RESOLVED
    services.assign(access=owner, incident=incident, user=None)
    for path in (f"/incidents/{incident.pk}/", "/incidents/?state=resolved"):
        page = read(browser, path)
        assert "k is dark" in page
        assert "nobody has it yet" not in page
    actions = set(AuditEntry.objects.values_list("action", flat=True))
    assert {"incident.acknowledged", "incident.noted", "incident.snoozed", "incident.resolved"} <= actions


def test_who_takes_it_is_the_last_to_be_woken(browser, station, contact, deliver, owner):
    incident = trouble(station)
    deliver()
    page = act(browser, incident, do="take")
    assert "Acknowledged" in page
    assert f"in the hands of {owner.user}" in page
    assert Incident.objects.get().state == IncidentState.ACKNOWLEDGED
    assert "Given to" in act(browser, incident, do="take")  # of what nobody has to acknowledge any more


@pytest.mark.parametrize(
    ("detail", "words"),
    [
        ({"error_code": "HighTemperature", "info": "fan"}, "HighTemperature · fan</dd>"),
        ({"value": "92", "info": "F07 fan"}, "<dd>92 · F07 fan</dd>"),
        ({"info": "lid"}, "<dd>lid</dd>"),
    ],
    ids=["a fault", "an alarm", "a security event"],
)
def test_what_the_station_said_is_on_the_page(detail, words, browser, station):
    incident = trouble(station, "hot")
    Incident.objects.filter(pk=incident.pk).update(detail=detail)
    assert words in read(browser, f"/incidents/{incident.pk}/")


def test_while_automatic_help_runs_the_forecast_says_so(browser, station, contact, deliver):
    incident = trouble(station, recovery=("reset_soft",))
    page = read(browser, f"/incidents/{incident.pk}/")
    assert "People are told when automatic help has failed, at the latest at" in page
    assert "The next level is told" not in page


def test_a_serious_one_of_a_whole_site_suggests_the_status_page(browser, station):
    incident = trouble(station, kind=IncidentKind.SITE_DARK, severity=4)
    assert "put a sentence for them" in read(browser, f"/incidents/{incident.pk}/")
    assert "Write what drivers should read" in act(browser, incident, do="publish", public="on", note=" ")
    act(browser, incident, do="publish", public="on", note="Power is out in the street.")
    row = Incident.objects.get()
    assert (row.public, row.public_note) == (True, "Power is out in the street.")
    assert row.entries.filter(kind="public").count() == 1


def test_a_viewer_sees_the_page_without_its_buttons(station, organization):
    incident = trouble(station)
    client = Client()
    client.force_login(make_access(organization, Role.VIEWER).user)
    assert "Acknowledge" not in read(client, f"/incidents/{incident.pk}/")
    assert client.post(f"/incidents/{incident.pk}/act/", {"do": "resolve"}).status_code == 403


# Contacts --------------------------------------------------------------------------------------------------


def test_somebody_elses_address_waits_for_his_word_and_ones_own_does_not(browser, owner):
    for email in (owner.user.email, "other@x.org"):
        browser.post("/settings/alerts/", {"email": email, "least_severity": 3})
    ways = {way.address: way.confirmed_at is not None for way in Destination.objects.all()}
    assert ways == {owner.user.email: True, "other@x.org": False}
    asked = Notification.objects.get()
    assert (asked.to, asked.template) == ("other@x.org", "contact_confirm")
    token = Destination.objects.get(address="other@x.org").token
    assert token in asked.text
    Client().post(f"/u/confirm/{token}/")
    assert Destination.objects.get(address="other@x.org").confirmed_at


def test_a_contacts_ways_are_added_ordered_tested_and_removed(browser, owner, contact):
    url = f"/settings/alerts/{contact.pk}/"
    browser.post(url, {"channel": "email", "address": owner.user.email})
    second = contact.destinations.get(address=owner.user.email)
    browser.post(url, {"first": second.pk})
    assert contact.destinations.order_by("position").first() == second
    browser.post(url, {"test": second.pk})
    assert Notification.objects.filter(template="test", to=owner.user.email).count() == 1
    browser.post(url, {"remove": second.pk})
    assert contact.destinations.count() == 1
    assert "used already" in browser.post(url, {"channel": "email", "address": "duty@example.org"}, follow=True).text


def test_what_a_contact_hears_of_can_be_changed(browser, contact, site):
    url = f"/settings/alerts/{contact.pk}/"
    said = {"name": "Duty", "least_severity": 4, "sites": [site.pk], "quiet_from": "22:00", "quiet_until": "07:00"}
    browser.post(url, said)
    contact.refresh_from_db()
    assert (contact.name, contact.least_severity, contact.quiet_from) == ("Duty", 4, time(22))
    assert list(contact.sites.all()) == [site]
    assert "beginning and an end" in browser.post(url, said | {"quiet_until": ""}).content.decode()


def test_nobody_to_tell_is_shown_on_overview_and_board(browser, organization):
    for path in ("/", "/incidents/", "/settings/alerts/"):
        assert "there is no alert contact" in read(browser, path)
    lost = make_contact(organization, "lost@x.org")
    lost.destinations.update(disabled_at=clock.now())
    assert "no contact has a way that works" in read(browser, "/incidents/")
    make_contact(organization, "well@x.org")
    assert "1 alert contact cannot be reached" in read(browser, "/incidents/")


def test_an_empty_rota_in_the_usual_chain_is_shown(organization, owner, contact):
    rota = duty.save_schedule(
        access=owner, schedule=None, name="Nights", time_zone="Europe/Amsterdam", starts_on=date(2020, 1, 6),
        turn_days=7, hand_over_at=time(9), recipients=[],
    )  # fmt: skip
    duty.save_policy(
        access=owner, policy=None, name="All", default=True, least_severity=3, repeat=0,
        levels=[duty.Level(0, schedule_id=rota.pk)],
    )  # fmt: skip
    assert "Nobody who can be reached is on call in the rota Nights." in reach.problems(organization)


# On call ---------------------------------------------------------------------------------------------------


@pytest.fixture
def three(organization):
    return [make_contact(organization, f"{name}@x.org") for name in ("ann", "bob", "eve")]


def rota_form(three, **more):
    return {
        "name": "Nights", "time_zone": "Europe/Amsterdam", "starts_on": "2020-01-06", "turn_days": 7,
        "hand_over_at": "09:00", "turn": [*(row.pk for row in three), ""],
    } | more  # fmt: skip


def test_a_rota_and_a_chain_are_made_on_their_pages_and_say_who_is_on_call(browser, three):
    browser.post("/settings/on-call/new/", rota_form(three))
    rota = OnCallSchedule.objects.get()
    browser.post(
        "/settings/escalation/new/",
        {
            "name": "All", "default": "on", "least_severity": 3, "repeat": 1,
            "target": [f"s{rota.pk}", f"r{three[2].pk}", ""], "after": ["0", "20", "15"],
        },
    )  # fmt: skip
    assert [str(level) for level in EscalationPolicy.objects.get().levels.all()] == ["1. Nights", "2. eve@x.org"]
    page = read(browser, "/incidents/on-call/")
    assert "is on call in the rota “Nights”" in page
    assert ">ann@x.org</option>" in page  # an address is written as it is
    assert "Ann@x.org" not in page
    assert all(str(who) in page for who in three)
    assert "after 20 minutes" in page


def test_somebody_stands_in_by_the_swap_form_and_takes_it_back(browser, three):
    browser.post("/settings/on-call/new/", rota_form(three))
    rota = OnCallSchedule.objects.get()
    now = clock.now().replace(second=0, microsecond=0, tzinfo=None)
    times = {"starts_at": (now - timedelta(hours=3)).isoformat(), "ends_at": (now + timedelta(hours=9)).isoformat()}
    said = {"schedule": rota.pk, "recipient": three[1].pk} | times
    browser.post("/incidents/on-call/", said)
    assert duty.on_call(schedule=rota, at=clock.now()) == three[1]
    assert "stands in" in read(browser, "/incidents/on-call/")
    wrong = browser.post("/incidents/on-call/", said | {"ends_at": times["starts_at"]}).content.decode()
    assert "The end lies after the beginning" in wrong
    browser.post("/incidents/on-call/", {"end": OnCallOverride.objects.get().pk})
    assert not OnCallOverride.objects.exists()


@pytest.mark.parametrize(
    "wrong", [{"turn_days": 0}, {"time_zone": "Mars/Olympus"}, {"starts_on": "soon"}, {"turn": ["999999"]}]
)
def test_a_rota_that_makes_no_sense_is_not_saved(wrong, browser, three):
    assert browser.post("/settings/on-call/new/", rota_form(three, **wrong)).status_code == 200
    assert not OnCallSchedule.objects.exists()


def test_the_switches_are_saved(browser, organization):
    assert "A dangerous fault (current to earth, heat) is told at once" in read(browser, "/settings/alerts/switches/")
    browser.post("/settings/alerts/switches/", {"announce_days": "5", "status_page": "on", "status_intro": "Hello"})
    row = organization.alert_settings
    assert (row.automatic_recovery, row.announce_days) == (False, 5)
    assert (row.status_page, row.status_intro) == (True, "Hello")


# Report ----------------------------------------------------------------------------------------------------


def test_the_report_has_the_means_and_the_numbers_behind_them(browser, station, owner, deliver, monkeypatch):
    first = trouble(station, "one")
    later(minutes=10)
    services.acknowledge(access=owner, incident=first)
    later(minutes=20)
    services.resolve_key(key="one", text="gone")
    trouble(station, "two", cause=first)
    services.resolve_key(key="two", text="gone")
    trouble(station, "three")
    page = read(browser, "/incidents/report/")
    assert "30 min" in page
    assert "10 min" in page
    assert "1 of 2 were acknowledged" in page
    csv = browser.get("/incidents/report/?export=csv&table=kind").content.decode().splitlines()
    assert csv[1].startswith("Station offline,2,0,1,6")
    monkeypatch.setattr(report, "SHOWN", 0)
    assert "1 more line is in the files." in read(browser, "/incidents/report/")
    file = browser.get("/incidents/report/?export=xlsx&table=month")
    assert ZipFile(BytesIO(file.content)).testzip() is None
    assert "No incident was resolved" not in page
