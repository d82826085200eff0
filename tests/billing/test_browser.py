"""Prices and money in a real Chromium."""

import os
from pathlib import Path

import pytest

from billing.models import Tariff
from evcms.core.access import Role
from tests.billing.conftest import KWH, later, paid, work
from tests.stations.conftest import make_access
from tests.tariffs import flat

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]


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
    """Pictures to look at, when EVCMS_SHOTS names a folder."""
    if folder := os.environ.get("EVCMS_SHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def no_sideways(page):
    return page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_the_example_follows_what_is_typed_and_the_tariff_is_saved(page, open_as, organization):
    open_as(page, "/tariffs/new/")
    page.fill("#id_name", "Street")
    page.fill("#id_per_kwh", "0.49")
    page.fill("#id_per_start", "1.10")
    page.wait_for_selector("text=10.90 €")
    page.fill("#id_idle_per_minute", "0,10")
    page.wait_for_selector("text=Blocking fee: 0.10 € per minute after charging")
    shot(page, "tariff-new")
    page.click("button:has-text('Save')")
    page.wait_for_selector("text=Where it holds")
    tariff = Tariff.objects.get()
    assert tariff.elements == flat(per_kwh="0.49", per_start="1.10", idle_per_minute="0.10")["elements"]
    page.check("input[name=where][value=everywhere]")
    page.check("#id_sure")
    page.click("button:has-text('Put in force')")
    page.wait_for_selector("td:has-text('Everywhere')")
    shot(page, "tariff-edit")
    assert no_sideways(page)


def test_finance_looks_at_a_payment_and_gives_a_part_back(page, phone, open_as, provider, tariff, connector, car):
    payment = paid(provider, connector)
    car.starts(payment.attempt)
    later(minutes=40)
    car.ends(20 * KWH)
    work()
    open_as(page, "/money/")
    shot(page, "money")
    page.click("tbody a")
    page.wait_for_selector("h2:has-text('Time-line')")
    shot(page, "payment")
    page.fill("#id_amount", "4.50")
    page.fill("#id_reason", "The cable was stuck")
    page.click("button:has-text('Refund')")
    page.wait_for_selector("dialog[open] h2:has-text('Give 4.50 EUR back?')")
    page.click("dialog button:has-text('Refund')")
    page.wait_for_selector("text=The refund is on its way.")
    work()
    page.reload()
    assert "given back" in page.content()
    for path, name in (("/money/", "money-phone"), (f"/money/{payment.public_id}/", "payment-phone")):
        open_as(phone, path)
        assert no_sideways(phone), path
        shot(phone, name)
    open_as(phone, f"/tariffs/{tariff.pk}/")
    assert no_sideways(phone)
    shot(phone, "tariff-phone")
