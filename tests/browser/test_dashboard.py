"""The operators' door in a real browser, on the real web server and signal server: what happens is seen at once."""

import time

import pytest
from django.test import Client

from alerts import services as alerts
from alerts.vocabulary import IncidentKind
from evcms.core import clock, events, form_fields, transport
from evcms.core.access import Role
from evcms.core.models import User
from sessions.models import ChargingSession
from stations import services as stations
from stations.commands import RawCall
from stations.models import Command, Site
from stations.vocabulary import Answer, ConnectorStatus
from tests.dashboard.factory import Network

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PHRASE = "a long pass phrase"


@pytest.fixture
def page(tab):
    return tab


@pytest.fixture
def network(web_server, monkeypatch):
    """Made without signals; from then on they go through the real server."""

    class Silent:
        def nudge(self, task):
            pass

        def broadcast(self, group, message):
            pass

    monkeypatch.setattr(events, "_transport", Silent())
    made = Network().live()
    monkeypatch.setattr(events, "_transport", transport.Outbound())
    return made


def log_in(page, web_server, email="mila@example.org"):
    """With the cookie of a log-in; the form itself is filled in once, in the first test."""
    client = Client()
    client.force_login(User.objects.get(email=email), backend="django.contrib.auth.backends.ModelBackend")
    page.context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": web_server.url}])
    page.goto(f"{web_server.url}/")
    page.wait_for_selector("#ev-live[data-state=live]")


def fill_in_the_log_in(page, web_server):
    page.goto(f"{web_server.url}/accounts/login/")
    page.fill("[name=login]", "mila@example.org")
    page.fill("[name=password]", PHRASE)
    page.click("main button[type=submit]")
    page.wait_for_url(f"{web_server.url}/")
    page.wait_for_selector("#ev-live[data-state=live]")


def seconds_until(page, text, selector="main"):
    began = time.monotonic()
    page.wait_for_function(
        "([where, text]) => document.querySelector(where).textContent.includes(text)", arg=[selector, text], polling=50
    )
    return time.monotonic() - began


def test_what_happens_is_on_the_open_overview_within_two_seconds(page, web_server, network):
    fill_in_the_log_in(page, web_server)
    page.evaluate("window.untouched = true")
    assert "1 connector faulted" in page.inner_text(".ev-sentence")
    page.wait_for_selector("#tape-lines li")
    network.now = clock.now()
    network.status(network.stations[3], 1, ConnectorStatus.FAULTED, error="OverVoltage")
    assert seconds_until(page, "2 connectors faulted", ".ev-sentence") < 2
    assert seconds_until(page, "Havenweg 201 A · 1: Faulted", "#tape-lines") < 2
    alerts.open_incident(
        kind=IncidentKind.STATION_FAULTED,
        key="s:9",
        title="Havenweg 201 A burns",
        organization_id=network.organization.pk,
        station_ids=[network.stations[3].pk],
    )
    assert seconds_until(page, "Havenweg 201 A burns", "#overview-incidents") < 3
    assert page.evaluate("window.untouched") is True


def test_a_station_page_changes_its_sentence_and_its_plugs_by_itself(page, web_server, network):
    log_in(page, web_server)
    page.goto(f"{web_server.url}/stations/RIV-0004/")
    page.wait_for_selector("#ev-live[data-state=live]")
    assert "It is well and waits for a car." in page.inner_text(".ev-sentence")
    network.now = clock.now()
    network.status(network.stations[3], 1, ConnectorStatus.FAULTED, error="OverVoltage")
    assert seconds_until(page, "Connector 1 reports a fault: the grid's voltage is too high.", ".ev-sentence") < 3
    assert "Faulted" in page.inner_text(".ev-connector >> nth=0")


def test_a_command_is_sent_from_the_page_and_its_answer_appears_by_itself(page, web_server, network):
    log_in(page, web_server)
    page.goto(f"{web_server.url}/stations/RIV-0001/commands/")
    page.wait_for_selector("#ev-live[data-state=live]")
    page.fill("#find-operation", "trigger")
    assert page.locator("#operations > li:visible").count() == 1
    page.click("#operation-trigger summary")
    page.fill("#operation-trigger [name=trigger-message]", "Heartbeat")
    page.click("#operation-trigger button[type=submit]")
    page.wait_for_selector("#answers .ev-asked >> text=It waits for the station's line.")
    row = Command.objects.order_by("-created_at").first()
    stations.command_sent(command_id=row.pk)
    stations.command_answered(command_id=row.pk, answer=Answer(True, "Accepted", {"status": "Accepted", "n": 7}))
    assert seconds_until(page, "The station agreed: Accepted.", f"#command-{row.pk}") < 3
    page.click(f"#command-{row.pk} summary")
    assert '"n": 7' in page.inner_text(f"#command-{row.pk} pre")


def test_a_destructive_command_asks_first_and_a_wrong_value_is_explained(page, web_server, network):
    log_in(page, web_server)
    page.goto(f"{web_server.url}/stations/RIV-0001/commands/")
    before = Command.objects.count()
    page.click("#operation-unlock summary")
    page.fill("#operation-unlock [name=unlock-evse]", "many")
    page.click("#operation-unlock button[type=submit]")
    page.wait_for_selector("#operation-unlock >> text=EVSE must be a whole number.")
    page.click("#operation-reset summary")
    page.click("#operation-reset button[type=submit]")
    page.wait_for_selector("dialog[open]")
    page.click("dialog [data-dialog-no]")
    assert Command.objects.count() == before
    page.click("#operation-reset button[type=submit]")
    page.click("dialog [data-dialog-yes]")
    page.wait_for_selector("#answers .ev-asked >> text=It waits for the station's line.")
    assert Command.objects.filter(kind="Reset", user__email="mila@example.org").count() == 2


def test_a_second_click_leaves_the_question_open(page, web_server, network):
    log_in(page, web_server)
    page.goto(f"{web_server.url}/stations/RIV-0001/")
    page.wait_for_selector(".ev-connector >> text=Unlock")
    page.dblclick(".ev-connector >> nth=0 >> button:has-text('Unlock')")
    page.wait_for_selector("dialog[open]")
    page.wait_for_timeout(500)
    assert page.locator("dialog[open]").count() == 1
    page.mouse.click(5, 5)
    page.wait_for_selector("dialog[open]", state="detached")


@pytest.mark.parametrize("width", [1440, 390])
def test_long_commands_and_answers_stay_inside_their_page(page, web_server, network, width):
    station = network.stations[0]
    row = stations.send(station=station, command=RawCall("A" * 64, {"x": "y" * 300}), origin="Mila", user=None)
    stations.command_sent(command_id=row.pk)
    stations.command_answered(command_id=row.pk, answer=Answer(True, "Accepted", {"status": "z" * 400}))
    page.set_viewport_size({"width": width, "height": 844})
    log_in(page, web_server)
    page.goto(f"{web_server.url}/stations/RIV-0001/commands/")
    page.click("#answers summary >> nth=0")
    assert "zzz" in page.inner_text("#answers pre >> nth=0")
    assert page.evaluate("document.querySelector('#answers').getBoundingClientRect().right <= innerWidth")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_refused_payload_breaks_no_policy_and_its_complaint_goes(page, web_server, network):
    said = []
    page.on("console", lambda message: said.append(message.text))
    log_in(page, web_server)
    page.goto(f"{web_server.url}/stations/RIV-0001/commands/")
    page.click("#operation-raw summary")
    page.fill("#operation-raw [name=raw-action]", "ClearCache")
    page.fill("#operation-raw [name=raw-payload]", "{")
    page.evaluate("document.querySelector('#operation-raw textarea').style.height = '200px'")  # dragged larger
    page.click("#operation-raw button[type=submit]")
    page.wait_for_selector("#operation-raw .ev-error")
    page.wait_for_timeout(200)
    page.fill("#operation-raw [name=raw-payload]", "{}")
    page.click("#operation-raw button[type=submit]")
    page.wait_for_selector("#answers .ev-asked >> text=It waits for the station's line.")
    page.wait_for_selector("#operation-raw .ev-error", state="detached")
    assert [text for text in said if "inline style" in text] == []


def test_a_running_session_moves_while_one_looks_and_is_stopped(page, web_server, network):
    session = ChargingSession.objects.get(ended_at=None, station__identity="RIV-0001")
    log_in(page, web_server)
    page.goto(f"{web_server.url}/sessions/{session.public_id}/")
    page.wait_for_selector("#ev-live[data-state=live]")
    page.wait_for_selector(".ev-chart canvas")
    page.click("text=Stop >> nth=0")
    page.click("dialog [data-dialog-yes]")
    page.wait_for_selector("text=The station is asked to stop")
    assert Command.objects.filter(kind="StopCharging", fields__transaction_id=session.transaction_id).exists()


def test_a_member_of_no_site_hears_nothing(page, web_server, network):
    network.member(Role.VIEWER, "bo@example.org", all_sites=False)
    log_in(page, web_server, "bo@example.org")
    network.status(network.stations[3], 1, ConnectorStatus.FAULTED, error="OverVoltage")
    page.wait_for_timeout(1500)
    assert "Havenweg" not in page.inner_text("main")
    assert "No station is connected yet." in page.inner_text("main")


def test_the_search_of_a_phone_is_an_icon_that_opens(phone, web_server, network):
    log_in(phone, web_server)
    width = "document.querySelector('.ev-search').getBoundingClientRect().width"
    assert phone.evaluate(width) <= 48
    phone.locator("#ev-search").tap()
    assert phone.evaluate(width) > 300
    phone.keyboard.type("Kade")
    phone.keyboard.press("Enter")
    phone.wait_for_url("**/search?q=Kade")


@pytest.mark.parametrize("address", ["/tokens/", "/settings/audit/"])
def test_tables_of_settings_are_cards_on_a_phone(phone, web_server, network, address):
    log_in(phone, web_server)
    phone.goto(web_server.url + address)
    assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth")
    table = phone.locator(".ev-table-stack")
    assert table.evaluate("el => el.scrollWidth <= el.parentElement.clientWidth")


def test_the_tiles_of_the_overview_leave_no_hole(page, web_server, network):
    page.set_viewport_size({"width": 1440, "height": 900})
    network.member(Role.VIEWER, "v@example.org")
    log_in(page, web_server, "v@example.org")
    right = """() => { const edge = el => Math.round(el.getBoundingClientRect().right);
        return [edge(document.querySelector('.ev-tiles')), edge(document.querySelector('.ev-tiles > :last-child'))] }"""
    whole, last = page.evaluate(right)
    assert whole == last
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_every_page_fits_a_phone(phone, web_server, network):
    log_in(phone, web_server)
    session = ChargingSession.objects.exclude(ended_at=None).first()
    pages = ["/", "/stations/", "/stations/RIV-0001/", "/stations/RIV-0001/messages/", "/stations/RIV-0001/commands/"]
    pages += ["/stations/RIV-0001/variables/", "/stations/RIV-0008/connections/", "/sites/", "/sessions/"]
    pages += [f"/sites/{network.sites[0].pk}/", f"/sessions/{session.public_id}/", "/attempts/", "/search?q=haven"]
    for address in pages:
        phone.goto(web_server.url + address)
        assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth"), address
        nameless = phone.evaluate(
            """() => [...document.querySelectorAll('button, a[href], input:not([type=hidden]), select, textarea')]
            .filter(el => !(el.getAttribute('aria-label') || el.textContent.trim() || (el.labels && el.labels.length)
                || el.title)).map(el => el.outerHTML.slice(0, 120))"""
        )
        assert nameless == [], address


@pytest.mark.long
def test_of_many_sites_one_is_typed_with_help(page, web_server, network):
    """Names come while they are typed; the chosen one narrows the list."""
    Site.objects.bulk_create(
        Site(organization=network.organization, name=f"Place {number:03}", latitude=52, longitude=4)
        for number in range(form_fields.MANY)
    )
    log_in(page, web_server)
    page.goto(f"{web_server.url}/attempts/")
    page.locator("[name=site]").press_sequentially("ce 04", delay=20)
    page.wait_for_function("() => document.querySelectorAll('#id_site_names option').length === 10")
    assert page.locator("#id_site_names option").first.get_attribute("value") == "Place 040"
    page.fill("[name=site]", "place 041")
    page.press("[name=site]", "Enter")
    page.wait_for_url("**/attempts/?*site=place+041*")
    assert page.input_value("[name=site]").lower() == "place 041"
