"""The tariff editor, its tools and the simulator in a real Chromium."""

import json
import os
from pathlib import Path

import pytest

from billing import services as billing
from billing.models import SimulationRun, Tariff
from evcms.core.access import Role
from tests.billing.past import past_sessions
from tests.stations.conftest import make_access

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]


@pytest.fixture
def page(tab):
    return tab


@pytest.fixture
def open_as(client, organization, live_server):
    def go(page, path, role=Role.FINANCE):
        client.force_login(make_access(organization, role).user)
        cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
        page.context.add_cookies([cookie])
        page.goto(f"{live_server.url}{path}")
        return page

    return go


def shot(page, name):
    """Pictures to look at, when EVCMS_SHOTS names a folder: each in light and dark."""
    if folder := os.environ.get("EVCMS_SHOTS"):
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.wait_for_timeout(400)
            page.evaluate("scrollTo(0, 0)")
            page.screenshot(path=Path(folder) / f"{name}-{scheme}.png", full_page=True)
        page.emulate_media(color_scheme="light")


def no_sideways(page):
    return page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_the_example_follows_what_is_typed_and_the_tariff_is_saved(page, open_as, organization):
    open_as(page, "/tariffs/new/")
    page.fill("#id_tax_percent", "21")
    page.fill("#id_name", "Street")
    page.fill("[name=rule-0-per_kwh]", "0.49")
    page.fill("[name=rule-0-per_session]", "1.10")
    page.wait_for_selector("#example-total:has-text('10.90 €')")
    page.wait_for_selector("#sentence-0:has-text('At all times: 0.49 € per kWh, 1.10 € per session')")
    page.fill("[name=rule-0-per_idle]", "0,10")
    page.fill("#id_ex_idle", "25")
    page.wait_for_selector("#example-total:has-text('11.90 €')")
    page.focus("#id_ex_kwh")
    page.keyboard.press("End")
    page.keyboard.type("0")  # the field keeps its focus while the example follows
    page.wait_for_selector("#example-total:has-text('100.10 €')")
    assert page.evaluate("document.activeElement.id") == "id_ex_kwh"
    shot(page, "tariff-new")
    page.click("button:has-text('Save'):visible")
    page.wait_for_selector("h2:has-text('Where it holds')")
    [element] = Tariff.objects.get().elements
    assert [each["price"] for each in element["components"]] == ["0.49", "1.1", "6"]
    page.check("input[name=where][value=everywhere]")
    page.check("#id_sure")
    page.click("button:has-text('Put in force')")
    page.wait_for_selector("td:has-text('Everywhere')")
    shot(page, "tariff-edit")
    assert no_sideways(page)


def test_rules_are_added_moved_and_removed_and_findings_follow(page, phone, open_as, organization):
    open_as(page, "/tariffs/new/")
    page.fill("#id_tax_percent", "21")
    page.fill("[name=rule-0-per_kwh]", "0.39")
    page.click("button:has-text('Add a rule')")
    page.wait_for_selector("[name=rule-1-per_kwh]")
    assert page.input_value("[name=rule-0-per_kwh]") == "0.39"
    page.fill("#id_name", "By day")
    page.fill("[name=rule-1-start_time]", "07:00")
    page.fill("[name=rule-1-end_time]", "19:00")
    for day in ("Mon", "Tue", "Wed", "Thu", "Fri"):
        page.click(f"#rule-1 .ev-day:has-text('{day}')")
    page.fill("[name=rule-1-per_kwh]", "0.59")
    page.wait_for_selector("#findings-1 [data-code=shadowed]")
    shot(page, "tariff-shadowed")
    page.click("#rule-1 button[value=up-1]")
    page.wait_for_selector("#sentence-0:has-text('07:00–19:00, Monday–Friday: 0.59 € per kWh')")
    page.wait_for_function("!document.querySelector('[data-code=shadowed]')")
    assert page.locator(".ev-week-legend li").count() == 2
    shot(page, "tariff-day-night")
    page.click("#rule-1 button[value=remove-1]")
    page.wait_for_selector("[data-code=free_moments]")
    page.click("button:has-text('Save'):visible")  # odd, but it may be meant
    page.wait_for_selector("h2:has-text('Where it holds')")
    path = f"/tariffs/{Tariff.objects.get().pk}/"
    open_as(phone, path)
    assert no_sideways(phone)
    shot(phone, "tariff-phone")


def test_enter_saves_and_a_mistake_is_said_at_its_rule(page, open_as, organization):
    open_as(page, "/tariffs/new/")
    page.fill("#id_tax_percent", "21")
    page.fill("#id_name", "Street")
    page.fill("[name=rule-0-per_kwh]", "half")
    page.press("[name=rule-0-per_kwh]", "Enter")
    page.wait_for_selector("[role=alert]:has-text('Rule 1: per kWh: A number such as 0.49.')")
    assert page.locator("#findings-0 .ev-error").count() == 1
    assert not Tariff.objects.exists()


def test_without_javascript_the_editor_works_the_same(browser, open_as, organization, live_server):
    context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 844})
    page = context.new_page()
    open_as(page, "/tariffs/new/")
    page.fill("#id_tax_percent", "21")
    page.fill("#id_name", "Street")
    page.fill("[name=rule-0-per_kwh]", "0.49")
    page.click("button:has-text('Add a rule')")
    page.fill("[name=rule-1-per_idle]", "0.10")
    page.click("button:has-text('Show')")
    assert page.text_content("#example-total").strip() == "9.80 €"
    page.click(".btn-primary[value=save]")
    assert page.url == f"{live_server.url}/tariffs/{Tariff.objects.get().pk}/"
    assert len(Tariff.objects.get().elements) == 2
    context.close()


def test_a_draft_is_tried_on_past_sessions(page, phone, open_as, tariff, site, connector):
    past_sessions(tariff, connector, 60)
    open_as(page, f"/tariffs/{tariff.pk}/")
    page.fill("[name=rule-0-per_kwh]", "0.59")
    page.click("button:has-text('Try this draft on past sessions')")
    page.wait_for_selector("text=it is not saved")
    shot(page, "simulations")
    page.click("button:has-text('Simulate')")
    page.wait_for_selector("text=Waiting for a worker")
    shot(page, "simulation-waiting")
    assert billing.run_simulations() == 1
    page.wait_for_selector("text=60 sessions pay more, 0 less")  # the page has seen it by itself
    page.wait_for_selector(".u-over")
    shot(page, "simulation")
    tariff.refresh_from_db()
    assert tariff.elements[0]["components"][0]["price"] == "0.49"
    run = SimulationRun.objects.get()
    open_as(phone, f"/tariffs/simulations/{run.pk}/")
    phone.wait_for_selector(".u-over")
    assert no_sideways(phone)
    shot(phone, "simulation-phone")


def test_a_file_of_a_partner_opens_in_the_editor(page, open_as, tariff):
    open_as(page, "/tariffs/")
    shot(page, "tariffs")
    page.click("a:has-text('Read an OCPI file')")
    wire = {"currency": "EUR", "elements": [{"price_components": [{"type": "ENERGY", "price": 0.4, "step_size": 1}]}]}
    page.fill("#id_json", json.dumps(wire))
    shot(page, "tariff-import")
    page.click("button:has-text('Open in the editor')")
    page.wait_for_selector("text=Nothing is saved yet")
    assert page.input_value("[name=rule-0-per_kwh]") == "0.4"


def test_sites_have_their_energy_cost(page, open_as, site, other_site):
    open_as(page, "/tariffs/sites/")
    card = page.locator("form:has-text('Haven')")
    card.locator("[name=energy_cost]").fill("0.11")
    card.locator("text=Keep the price of the start").click()
    card.locator("button").click()
    page.wait_for_selector("text=Saved.")
    assert page.locator("form:has-text('Haven') [name=energy_cost]").input_value() == "0.11"
    shot(page, "site-prices")
