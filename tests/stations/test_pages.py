"""The room's own pages, as people use them."""

import re
from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from alerts.rule_forms import RuleForm
from alerts.vocabulary import IncidentKind
from billing.forms import AssignmentForm
from billing.reader_forms import PlaceForm
from evcms.core import clock
from evcms.core.access import Role
from evcms.core.models import AuditEntry
from stations import passwords, services
from stations.forms import MaintenanceForm
from stations.models import (
    Connector,
    MaintenancePlan,
    MaintenanceWindow,
    Site,
    SiteGrant,
    Station,
    TakenConnector,
    WindowState,
)
from stations.vocabulary import Approval, RefusalReason, SecurityProfile

from .conftest import make_access, make_station


def browser(access):
    client = Client()
    client.force_login(access.user)
    return client


@pytest.fixture
def page(owner):
    return browser(owner)


def text_of(response):
    return re.sub(r"\s+", " ", response.content.decode())


def addresses(site, station, window, stranger):
    """(address, method, permission needed beyond seeing)"""
    return [
        (reverse("sites"), "get", False),
        (reverse("site-create"), "get", True),
        (reverse("site-edit", args=[site.pk]), "get", True),
        (reverse("site-archive", args=[site.pk]), "post", True),
        (reverse("site-qr-sheet", args=[site.pk]), "get", False),
        (reverse("station-create"), "get", True),
        (reverse("station-import"), "get", True),
        (reverse("station-export"), "get", False),
        (reverse("station-edit", args=[station.identity]), "get", True),
        (reverse("station-connectors", args=[station.identity]), "get", True),
        (reverse("station-password", args=[station.identity]), "post", True),
        (reverse("station-archive", args=[station.identity]), "post", True),
        (reverse("qr-sheet", args=[station.identity]), "get", False),
        (reverse("quarantine"), "get", True),
        (reverse("quarantine-approve", args=[stranger.pk]), "get", True),
        (reverse("quarantine-reject", args=[stranger.pk]), "post", True),
        (reverse("maintenance"), "get", False),
        (reverse("maintenance-create"), "get", True),
        (reverse("maintenance-cancel", args=[window.pk]), "post", True),
    ]


@pytest.fixture
def all_addresses(owner, site, station, now):
    window = services.plan_maintenance(
        access=owner, title="x", starts_at=now + timedelta(hours=1), ends_at=now + timedelta(hours=2), station=station
    )
    return addresses(site, station, window, services.quarantine(identity="NEW", address=None, protocol="ocpp1.6"))


def test_every_page_opens_for_its_owner_and_asks_others_to_log_in(page, all_addresses):
    for address, method, _needs in all_addresses:
        if method == "get":
            assert page.get(address).status_code == 200, address
            assert page.post(address).status_code in (200, 302, 405), address
        else:
            assert page.get(address).status_code == 405, address
        anonymous = getattr(Client(), method)(address)
        assert anonymous.status_code == 302, address
        assert "/accounts/login/" in anonymous.url


def test_a_viewer_sees_but_changes_nothing(organization, all_addresses):
    viewer = browser(make_access(organization, Role.VIEWER))
    for address, method, needs in all_addresses:
        assert getattr(viewer, method)(address).status_code == (403 if needs else 200), address


def test_strangers_and_members_of_other_sites_find_nothing(organization, rival, other_site, all_addresses):
    narrow = make_access(organization, all_sites=False)
    SiteGrant.objects.create(membership=narrow.membership, site=other_site)
    for client in (browser(make_access(rival)), browser(narrow)):
        for address, method, _needs in all_addresses:
            if re.search(r"/\d+/|KADE-01", address) and not address.startswith("/quarantine/"):
                assert getattr(client, method)(address).status_code == 404, address
    assert not Station.objects.exclude(archived_at=None).exists()
    assert MaintenanceWindow.objects.get().state == WindowState.PLANNED


def test_a_member_of_some_sites_decides_about_no_stranger(organization, rival, all_addresses):
    narrow = browser(make_access(organization, all_sites=False))
    for address, method, _needs in all_addresses:
        if address.startswith("/quarantine/") and address != "/quarantine/":
            assert getattr(narrow, method)(address).status_code == 404


def test_a_site_and_a_station_with_connectors_are_entered_in_forms(page, organization):
    site = {"name": "Plein", "latitude": "52.01", "longitude": "4.36", "country": "NL", "time_zone": "Europe/Amsterdam"}
    assert page.post(reverse("site-create"), site).status_code == 302
    plein = Site.objects.get()
    assert (plein.country, plein.organization) == ("NL", organization)
    form = {"identity": "PLEIN-01", "site": plein.pk, "security_profile": "1"}
    response = page.post(reverse("station-create"), form)
    assert response.url == reverse("station-connectors", args=["PLEIN-01"])
    line = {"evse": "1", "connector": "1", "plug": "IEC_62196_T2", "power_type": "AC_3_PHASE", "max_power_w": "11000"}
    lines = {f"form-0-{name}": value for name, value in line.items()}
    empty = {f"form-1-{name}": value for name, value in (line | {"evse": ""}).items()}
    management = {"form-TOTAL_FORMS": "2", "form-INITIAL_FORMS": "0"}
    assert page.post(response.url, lines | empty | management).status_code == 302
    assert Connector.objects.get().max_power_w == 11_000
    assert "PLEIN-01" in text_of(page.get(reverse("station-edit", args=["PLEIN-01"])))


def test_a_new_station_is_saved_with_its_first_lines_as_they_are_prefilled(page, site):
    station = make_station("NEW-1", site, connectors=0)
    address = reverse("station-connectors", args=[station.identity])
    lines = page.get(address).context["forms"]
    shown = {bound.html_name: bound.value() for form in lines for bound in form if bound.value() not in (None, False)}
    management = {"form-TOTAL_FORMS": len(lines.forms), "form-INITIAL_FORMS": 0}
    for _twice in range(2):
        assert page.post(address, shown | management).status_code == 302
    stored = station.connectors.filter(archived_at=None).values_list("evse__number", "number", "plug", "max_power_w")
    assert sorted(stored) == [(1, 1, "IEC_62196_T2", 22_000), (2, 1, "IEC_62196_T2", 22_000)]
    assert [form["evse"].value() for form in page.get(address).context["forms"]] == [1, 2, None, None]
    answer = text_of(page.post(address, shown | management | {"form-1-evse": 1}))
    assert "Connector 1 of EVSE 1 is given twice." in answer


def test_a_new_site_lies_where_its_organization_does(page, organization):
    type(organization).objects.update(country="DE", time_zone="Europe/Berlin")
    form = page.get(reverse("site-create")).context["form"]
    assert (form["country"].value(), form["time_zone"].value()) == ("DE", "Europe/Berlin")
    shown = {bound.html_name: bound.value() or "" for bound in form}
    page.post(reverse("site-create"), shown | {"name": "Nord", "latitude": "52", "longitude": "13"})
    assert Site.objects.get(name="Nord").country == "DE"


def test_how_to_find_a_site_is_entered_in_each_language_and_read_by_each_driver(page, organization, client):
    site = {"name": "Plein", "latitude": "52.01", "longitude": "4.36", "country": "NL", "time_zone": "Europe/Amsterdam",
            "public": "on", "access_notes": "Behind the church", "access_notes_in_nl": "Achter de kerk"}  # fmt: skip
    assert page.post(reverse("site-create"), site).status_code == 302
    plein = Site.objects.get()
    assert plein.access_notes_in == {"nl": "Achter de kerk"}
    assert "Achter de kerk" in text_of(page.get(reverse("site-edit", args=[plein.pk])))
    assert "Achter de kerk" in text_of(page.get(reverse("site", args=[plein.pk])))
    assert [plein.notes_for(code) for code in ("nl", "de")] == ["Achter de kerk", "Behind the church"]
    services.edit_site(access=make_access(organization), site=plein, values={"access_notes_in": {"de": "Am Turm"}})
    for wrong in ({"xx": "?"}, {"de": 3}, ["de"]):
        with pytest.raises(ValidationError):
            services.edit_site(access=make_access(organization), site=plein, values={"access_notes_in": wrong})


def test_a_form_says_what_is_wrong_at_its_field(page, site):
    answer = page.post(
        reverse("site-create"),
        {"name": "Kade", "latitude": "99", "longitude": "4", "country": "NL", "time_zone": "Nowhere"},
    )
    assert answer.status_code == 200
    assert "Nowhere is not one of" in text_of(answer)
    for wrong, said in (({"latitude": "99"}, "less than or equal to 90"), ({"country": "XX"}, "XX is not one of")):
        told = {"name": "Kade", "latitude": "52", "longitude": "4", "country": "NL", "time_zone": "Europe/Amsterdam"}
        assert said in text_of(page.post(reverse("site-create"), told | wrong))
    answer = page.post(reverse("station-create"), {"identity": "a b", "site": site.pk, "security_profile": "1"})
    assert "1 to 48 letters" in text_of(answer)
    assert not Station.objects.exists()


def test_a_made_password_is_shown_in_one_answer_only(page, station):
    address = reverse("station-password", args=[station.identity])
    answer = page.post(address, {"how": "make"})
    (plaintext,) = re.findall(r'id="station-password">([0-9a-f]{40})<', text_of(answer))
    assert "no-store" in answer["Cache-Control"]
    station.refresh_from_db()
    assert passwords.verify(station.password_digest, plaintext.encode())
    assert plaintext not in text_of(page.get(reverse("station-edit", args=[station.identity])))
    assert page.post(address, {"how": "own", "password": "too short"}).status_code == 302
    assert page.post(address, {"how": "own", "password": "a pass phrase of mine"}).status_code == 302
    station.refresh_from_db()
    assert passwords.verify(station.password_digest, b"a pass phrase of mine")


def test_an_unknown_station_is_approved_with_its_site_and_password(page, site):
    station = services.quarantine(identity="NEW-1", address=None, protocol="ocpp1.6")
    assert "NEW-1" in text_of(page.get(reverse("quarantine")))
    form = {"site": site.pk, "name": "Pillar", "security_profile": "1", "how": "make"}
    answer = page.post(reverse("quarantine-approve", args=[station.pk]), form)
    (plaintext,) = re.findall(r'id="station-password">([0-9a-f]{40})<', text_of(answer))
    station.refresh_from_db()
    assert (station.approval, station.site, station.name) == (Approval.ACCEPTED, site, "Pillar")
    assert passwords.verify(station.password_digest, plaintext.encode())
    assert page.post(reverse("quarantine-approve", args=[station.pk]), form).status_code == 404


@pytest.mark.parametrize("how", [{"how": "make"}, {"how": "own", "password": "a pass phrase of mine"}])
def test_a_password_is_asked_for_even_when_the_profile_was_left_at_none(page, site, how):
    station = services.quarantine(identity="NEW-1", address=None, protocol="ocpp1.6")
    page.post(reverse("quarantine-approve", args=[station.pk]), {"site": site.pk, "security_profile": "0"} | how)
    station.refresh_from_db()
    assert (station.approval, station.security_profile) == (Approval.ACCEPTED, SecurityProfile.BASIC)
    assert station.password_digest


def test_approved_without_a_password_it_comes_in_without(page, site):
    station = services.quarantine(identity="NEW-1", address=None, protocol="ocpp1.6")
    form = {"site": site.pk, "security_profile": "0", "how": "none"}
    page.post(reverse("quarantine-approve", args=[station.pk]), form)
    station.refresh_from_db()
    assert (station.approval, station.security_profile) == (Approval.ACCEPTED, SecurityProfile.NONE)


def test_a_new_password_makes_a_station_without_one_ask_for_it(page, station):
    Station.objects.update(security_profile=SecurityProfile.NONE, password_digest="sha256$00")
    edit = reverse("station-edit", args=[station.identity])
    assert "nobody asks for it" in text_of(page.get(edit))
    page.post(reverse("station-password", args=[station.identity]), {"how": "make"})
    station.refresh_from_db()
    assert station.security_profile == SecurityProfile.BASIC
    assert "nobody asks for it" not in text_of(page.get(edit))
    detail = AuditEntry.objects.get(action="station.password_set").detail
    assert detail["security_profile"] == [0, 1]


def test_a_bad_own_password_approves_nobody(page, site):
    station = services.quarantine(identity="NEW-1", address=None, protocol="ocpp1.6")
    form = {"site": site.pk, "security_profile": "1", "how": "own", "password": "short"}
    assert page.post(reverse("quarantine-approve", args=[station.pk]), form).status_code == 200
    station.refresh_from_db()
    assert (station.approval, station.password_digest) == (Approval.QUARANTINED, "")


def test_a_rejected_station_leaves_the_list(page, organization):
    station = services.quarantine(identity="NEW-1", address=None, protocol="ocpp1.6")
    page.post(reverse("quarantine-reject", args=[station.pk]))
    assert "No unknown station waits" in text_of(page.get(reverse("quarantine")))
    assert Station.objects.get().approval == Approval.REJECTED


def test_refused_handshakes_are_shown_with_their_reason_and_harmless(page, station):
    services.refuse_handshake(identity="<script>x</script>", reason=RefusalReason.BAD_IDENTITY, detail="<b>d</b>")
    services.refuse_handshake(identity=station.identity, reason=RefusalReason.WRONG_PASSWORD, detail="")
    said = text_of(page.get(reverse("quarantine")))
    assert "Wrong password" in said
    assert "&lt;script&gt;x" in said
    assert "<script>x" not in said


def test_a_table_is_checked_then_stored(page, organization):
    def upload(content):
        """The address of its page, once it is checked."""
        file = SimpleUploadedFile("stations.csv", content.encode())
        answer = page.post(reverse("station-import"), {"file": file})
        assert "being checked" in text_of(page.get(answer.url))
        assert "HX-Refresh" not in page.get(answer.url + "?part=progress").headers
        services.run_imports()
        assert page.get(answer.url + "?part=progress").headers["HX-Refresh"] == "true"
        return answer.url

    good = "site,latitude,longitude,station\nPlein,52,4,PLEIN-01\n"
    assert "The table is good" in text_of(page.get(upload(good)))
    wrong = upload("site,latitude,longitude,time_zone\nA,1,1,Mars\n")
    assert "Mars is no time zone" in text_of(page.get(wrong))
    assert b"Mars is no time zone" in page.get(wrong + "?export=csv").content
    page.post(wrong, {"store": "1"})
    services.run_imports()
    assert not Site.objects.exists()
    checked = upload(good)
    assert "being stored" in text_of(page.post(checked, {"store": "1"}, follow=True))
    services.run_imports()
    assert "The table is stored" in text_of(page.get(checked))
    exported = b"".join(page.get(reverse("station-export")).streaming_content).decode()
    assert "Plein" in exported
    assert "PLEIN-01" in exported
    assert "says what is here already" in text_of(page.get(upload(exported)))
    listed = text_of(page.get(reverse("station-import")))
    assert all(word in listed for word in ("Refused", "Done", "stations.csv"))
    assert "Choose the file." in text_of(page.post(reverse("station-import"), {"check": "1"}))
    empty = SimpleUploadedFile("stations.csv", b"")
    assert "The file is empty." in text_of(page.post(reverse("station-import"), {"file": empty}))


def test_the_sheet_shows_a_code_for_each_connector(page, station, settings):
    settings.PUBLIC_URL = "https://charge.example"
    for address in (reverse("qr-sheet", args=[station.identity]), reverse("site-qr-sheet", args=[station.site_id])):
        said = text_of(page.get(address))
        assert said.count("<svg") > said.count('class="ev-sticker-code"') == 2
        assert said.count('class="ev-qr"') == 2
        assert re.search(r"<button[^>]*data-print>.*?Print</button>", said)
        for code in station.connectors.values_list("code", flat=True):
            assert f"https://charge.example/c/{code}" in said
        assert "style=" not in said


def test_a_window_is_planned_in_the_zone_of_the_reader(page, station, organization):
    organization.time_zone = "Europe/Amsterdam"
    organization.save()
    form = {"title": "New cable", "station": station.pk, "starts_at": "2031-07-01T10:00", "ends_at": "2031-07-01T12:00"}
    assert page.post(reverse("maintenance-create"), form).status_code == 302
    window = MaintenanceWindow.objects.get()
    assert window.starts_at.isoformat() == "2031-07-01T08:00:00+00:00"
    assert "New cable" in text_of(page.get(reverse("maintenance")))
    backwards = form | {"ends_at": "2031-07-01T09:00"}
    assert "The end must be after the beginning." in text_of(page.post(reverse("maintenance-create"), backwards))
    page.post(reverse("maintenance-cancel", args=[window.pk]))
    assert "New cable" in text_of(page.get(reverse("maintenance") + "?show=past"))


def test_stations_are_offered_by_their_name_with_the_identity_beside_it(owner, site, station):
    Station.objects.filter(pk=station.pk).update(name="Mill 2")
    for name, identity in (("Mill 1", "Z-9"), ("", "ALPHA"), ("Mill 2", "B-7")):
        services.create_station(access=owner, values={"identity": identity, "site": site, "name": name})
    wanted = ["ALPHA", "Mill 1 · Z-9", "Mill 2 · B-7", f"Mill 2 · {station.identity}"]
    rule = RuleForm(kind=IncidentKind.STATION_OFFLINE, access=owner)
    for form in (MaintenanceForm(access=owner), PlaceForm(access=owner), AssignmentForm(access=owner), rule):
        assert [words for _value, words in form.fields["station"].choices][1:] == wanted
    plugs = [words for _value, words in AssignmentForm(access=owner).fields["connector"].choices][1:]
    assert plugs == [f"Mill 2 · {number} ({station.identity})" for number in (1, 2)]


WINDOW = {"title": "New cable", "starts_at": "2031-07-01T10:00", "ends_at": "2031-07-01T12:00"}


def test_a_window_at_a_site_where_the_station_does_not_stand_is_refused_at_the_field(page, station, other_site):
    form = WINDOW | {"site": other_site.pk, "station": station.pk}
    answer = page.post(reverse("maintenance-create"), form)
    assert answer.context["form"].errors["station"] == [f"{station} does not stand there."]
    assert not MaintenanceWindow.objects.exists()


def test_a_member_of_some_sites_plans_no_window_for_the_whole_network(organization, site, page):
    narrow = make_access(organization, Role.TECHNICIAN, all_sites=False)
    SiteGrant.objects.create(membership=narrow.membership, site=site)
    client = browser(narrow)
    assert "the whole network" in text_of(page.get(reverse("maintenance-create")))
    assert "the whole network" not in text_of(client.get(reverse("maintenance-create")))
    answer = client.post(reverse("maintenance-create"), WINDOW)
    assert answer.status_code == 200
    assert answer.context["form"].errors["site"] == ["Choose one of your sites, or a station."]
    assert client.post(reverse("maintenance-create"), WINDOW | {"site": site.pk}).status_code == 302


def test_archiving_says_why_not(page, site, station):
    answer = page.post(reverse("site-archive", args=[site.pk]), follow=True)
    assert "1 station still stands" in text_of(answer)
    page.post(reverse("station-archive", args=[station.identity]))
    page.post(reverse("site-archive", args=[site.pk]))
    assert Site.objects.get().archived_at
    assert page.get(reverse("station-edit", args=[station.identity])).status_code == 404


def test_odd_identities_have_pages(page, owner, site):
    for identity in ("A*B-_=:+|@.1", "new", "import"):
        services.create_station(access=owner, values={"identity": identity, "site": site})
        assert page.get(reverse("station-edit", args=[identity])).status_code == 200


def test_a_weekly_window_is_planned_in_the_form_shown_and_ended(client, owner, site):
    client.force_login(owner.user)
    tomorrow = clock.now() + timedelta(days=1)
    said = {
        "title": "Weekly look",
        "site": site.pk,
        "starts_at": f"{tomorrow:%Y-%m-%dT22:00}",
        "ends_at": f"{tomorrow:%Y-%m-%dT23:30}",
        "again": "weekly",
        "every": 2,
    }
    page = client.post("/maintenance/new/", said, follow=True).content.decode()
    assert "Weekly look is planned" in page
    assert "Comes again" in page
    plan = MaintenancePlan.objects.get()
    assert (plan.rhythm, plan.every, plan.minutes, plan.time_zone) == ("weekly", 2, 90, site.time_zone)
    window = plan.windows.first()
    for place in ("/maintenance/", f"/maintenance/{window.pk}/"):
        assert "Only this one date of the series" in client.get(place).content.decode()
    assert "Nothing was taken out of service yet" in client.get(f"/maintenance/{window.pk}/").content.decode()
    page = client.post(f"/maintenance/plans/{plan.pk}/end/", follow=True).content.decode()
    assert "comes no more" in page
    assert "Comes again" not in page


def test_the_way_to_the_days_ahead_is_shown_to_who_may_open_it(page, owner, organization, site):
    start = clock.now() + timedelta(days=1)
    window = services.plan_maintenance(
        access=owner, title="Paint", starts_at=start, ends_at=start + timedelta(hours=1), site=site
    )
    address = reverse("maintenance-window", args=[window.pk])
    assert "How many days ahead" in text_of(page.get(address))
    assert "Only this one date" not in text_of(page.get(address))
    assert "Call this window off?" in text_of(page.get(address))
    assert "How many days ahead" not in text_of(browser(make_access(organization, Role.OPERATOR)).get(address))


def test_the_page_of_a_window_shows_what_was_done_to_each_connector(client, owner, linked, now):
    client.force_login(owner.user)
    window = services.plan_maintenance(
        access=owner,
        title="Cable",
        station=linked,
        starts_at=now - timedelta(hours=1),
        ends_at=now + timedelta(hours=1),
    )
    TakenConnector.objects.update(state="taken", taken_at=now, detail="Scheduled")
    page = client.get(f"/maintenance/{window.pk}/").content.decode()
    assert page.count("out of service") >= 2
    assert "Scheduled" in page
    assert "entered after it had begun" in page
