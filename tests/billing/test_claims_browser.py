"""Two people and a refund, a bank and its evidence: in a real Chromium, wide and narrow, light and dark."""

import zipfile

import pytest

from billing import services as billing
from billing.gateways import gateway
from billing.models import BillingSettings, Dispute
from billing.services import disputes
from billing.vocabulary import DisputeState, RefundState
from evcms.core.access import Role
from tests.billing.conftest import work
from tests.billing.test_browser import no_sideways, shot
from tests.billing.test_payouts import empty_balance
from tests.billing.test_refunds import settled
from tests.stations.conftest import make_access

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]
__all__ = ["empty_balance", "settled"]


@pytest.fixture
def page(tab):
    return tab


@pytest.fixture
def people(client, organization, live_server):
    """Logs somebody in on a page of the browser; the same name is the same person."""
    known = {}

    def go(page, path, name, role=Role.FINANCE):
        access = known.setdefault(name, None) or make_access(organization, role, email=f"{name}@example.org")
        known[name] = access
        client.force_login(access.user)
        cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
        page.context.add_cookies([cookie])
        page.goto(f"{live_server.url}{path}")
        return page

    return go


def everywhere(page, phone, people, path, name, who):
    """Pictures wide and narrow, light and dark; nothing scrolls sideways."""
    for width, each in (("wide", page), ("narrow", phone)):
        people(each, path, who)
        for scheme in ("dark", "light"):
            each.emulate_media(color_scheme=scheme)
            assert no_sideways(each), (path, width, scheme)
            shot(each, f"{name}-{width}-{scheme}")


def test_a_large_refund_takes_two_people(page, phone, people, provider, settled, organization):
    BillingSettings.objects.create(organization=organization, refund_limit_minor=500)
    people(page, f"/money/{settled.public_id}/", "anna")
    page.fill("#id_amount", "8.00")
    page.fill("#id_reason", "The cable was stuck")
    page.click("button:has-text('Refund')")
    page.click("dialog button:has-text('Refund')")
    page.wait_for_selector("text=Somebody else in finance must approve it now.")
    assert page.locator("button:has-text('Approve')").count() == 0
    everywhere(page, phone, people, "/money/", "money-waiting", "bert")
    people(page, "/money/", "bert")
    page.wait_for_selector("text=1 refund waits for a second person")
    page.click("button:has-text('Approve')")
    page.wait_for_selector("dialog[open] h2:has-text('Give 8.00 € back?')")
    page.click("dialog button:has-text('Approve')")
    page.wait_for_selector("text=Approved: the refund is on its way.")
    work()
    page.reload()
    assert settled.refunds.get().state == RefundState.DONE
    assert "given back" in page.content()
    people(page, "/money/rules/", "carl", role=Role.OWNER)
    page.uncheck("#id_second_person")
    page.click("button:has-text('Save')")
    page.wait_for_selector("text=One person may give any amount back")
    everywhere(page, phone, people, "/money/rules/", "money-rules", "carl")


def test_finance_reads_the_evidence_and_sends_it_to_the_bank(page, phone, people, provider, settled, tmp_path):
    found = provider.control("disputes", charge=settled.charge_id)
    disputes.follow_dispute(claim=gateway().dispute(found["id"]))
    row = Dispute.objects.get()
    people(page, "/money/", "anna")
    page.click("text=1 dispute waits for your answer")
    page.click("tbody a")
    page.wait_for_selector("h2:has-text('What the bank is told')")
    everywhere(page, phone, people, f"/money/disputes/{row.public_id}/", "dispute", "anna")
    everywhere(page, phone, people, "/money/disputes/", "disputes", "anna")
    people(page, f"/money/disputes/{row.public_id}/", "anna")
    with page.expect_download() as download:
        page.click("text=Everything (ZIP)")
    path = tmp_path / "evidence.zip"
    download.value.save_as(path)
    assert "samples.csv" in zipfile.ZipFile(path).namelist()
    page.click("button:has-text('Send evidence')")
    page.click("dialog button:has-text('Send evidence')")
    page.wait_for_selector("text=The evidence is on its way to the bank.")
    billing.answer_due()
    page.reload()
    page.wait_for_selector("text=Evidence sent")
    row.refresh_from_db()
    assert row.state == DisputeState.UNDER_REVIEW
    people(phone, f"/money/{settled.public_id}/", "anna")
    assert "Disputed by the cardholder" in phone.content()


def test_a_payout_is_read_down_to_its_lines(page, phone, people, provider, settled):
    provider.control("payouts", currency="eur")
    billing.read_books()
    people(page, "/money/payouts/", "anna")
    page.click("tbody a")
    page.wait_for_selector("text=0.41 €")
    address = page.url
    everywhere(page, phone, people, "/money/payouts/", "payouts", "anna")
    everywhere(page, phone, people, "/" + address.split("/", 3)[3], "payout", "anna")
