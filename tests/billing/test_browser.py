"""Prices and money in a real Chromium."""

import os
from pathlib import Path

import pytest

from evcms.core.access import Role
from tests.billing.conftest import KWH, later, paid, work
from tests.stations.conftest import make_access

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
