"""Pages of money's life: what waits for a second person, disputes with their evidence, payouts with their lines."""

import csv
import io
import zipfile

import pytest

from alerts.models import Incident
from billing import services as billing
from billing.gateways import gateway
from billing.models import BillingSettings, Dispute, Payout
from billing.services import disputes
from billing.vocabulary import RefundState
from evcms.core.access import Role
from evcms.core.models import AuditEntry, Organization
from tests.billing.conftest import work
from tests.billing.test_payouts import empty_balance
from tests.billing.test_refunds import settled
from tests.stations.conftest import make_access

pytestmark = pytest.mark.django_db(transaction=True)
__all__ = ["empty_balance", "settled"]


@pytest.fixture
def finance(client, organization):
    access = make_access(organization, Role.FINANCE, email="finance@example.org")
    client.force_login(access.user)
    return access


@pytest.fixture
def opened(provider, settled):
    found = provider.control("disputes", charge=settled.charge_id)
    disputes.follow_dispute(claim=gateway().dispute(found["id"]))
    return Dispute.objects.get()


def test_a_refund_above_the_limit_is_asked_by_one_and_approved_by_another(
    provider, settled, organization, client, finance
):
    BillingSettings.objects.create(organization=organization, refund_limit_minor=500)
    path = f"/money/{settled.public_id}/refund/"
    answer = client.post(path, {"amount": "8.00", "reason": "Cable", "request_key": "k"}, follow=True)
    assert "Somebody else in finance must approve it now." in answer.text
    assert ">Approve<" not in answer.text
    row = settled.refunds.get()
    mine = client.post(f"/money/refunds/{row.public_id}/decide/", {"decision": "approve"}, follow=True)
    assert "Who asked for a refund cannot approve it" in mine.text
    client.force_login(make_access(organization, Role.FINANCE, email="second@example.org").user)
    page = client.get("/money/")
    assert "1 refund waits for a second person" in page.text
    assert "finance@example.org" in page.text
    client.post(f"/money/refunds/{row.public_id}/decide/", {"decision": "approve"})
    work()
    row.refresh_from_db()
    assert row.state == RefundState.DONE
    assert "waits for a second person" not in client.get("/money/").text
    assert "second@example.org" in client.get(f"/money/{settled.public_id}/").text


def test_an_owner_sets_the_rules_and_finance_reads_them(client, organization, finance):
    page = client.get("/money/rules/")
    assert "Refunds above 50.00 € need a second person" in page.text
    assert "refund_limit_minor" not in page.text
    wanted = {"second_person": "on", "refund_limit_minor": "12,50", "most_debt_minor": "3"}
    assert client.post("/money/rules/", wanted).status_code == 403
    client.force_login(make_access(organization, Role.OWNER, email="boss@example.org").user)
    assert client.post("/money/rules/", wanted | {"refund_limit_minor": "a lot"}).status_code == 422
    saved = client.post("/money/rules/", wanted, follow=True)
    assert "Refunds above 12.50 € need a second person" in saved.text
    row = BillingSettings.objects.get()
    assert (row.refund_limit_minor, row.most_debt_minor, row.refuse_unfunded) == (1250, 300, False)


def test_a_dispute_is_on_every_page_that_it_concerns(provider, settled, opened, client, finance):
    assert "1 dispute waits for your answer" in client.get("/money/").text
    assert "the cardholder says it was not him" in client.get("/money/disputes/").text
    payment = client.get(f"/money/{settled.public_id}/").text
    assert "Disputed by the cardholder: 10.90 €" in payment
    assert "a refund would pay it twice" in payment
    assert "Disputed by the cardholder: 10.90 €" in client.get(f"/sessions/{settled.session.public_id}/").text
    assert "10.90 € of this payment was disputed at the bank." in client.get(f"/r/{settled.receipt.public_id}").text
    page = client.get(f"/money/disputes/{opened.public_id}/").text
    assert "answer until" in page
    assert "20.00 kWh" in page
    assert "is held on the card" in page


def test_evidence_is_downloaded_sent_and_its_outcome_shown(provider, settled, opened, client, finance):
    path = f"/money/disputes/{opened.public_id}/"
    assert client.get(f"{path}evidence.pdf").content.startswith(b"%PDF")
    with zipfile.ZipFile(io.BytesIO(client.get(f"{path}evidence.zip").content)) as files:
        assert "messages.jsonl" in files.namelist()
    assert AuditEntry.objects.filter(action="dispute.evidence_read").count() == 2
    assert "The evidence is on its way to the bank." in client.post(f"{path}send/", follow=True).text
    billing.answer_due()
    page = client.get(path).text
    assert "Evidence sent" in page
    assert "finance@example.org" in page
    assert "Send evidence" not in page
    provider.control(f"disputes/{opened.provider_id}/close", status="won")
    disputes.follow_dispute(claim=gateway().dispute(opened.provider_id))
    assert "No bank waits for an answer" in client.get("/money/disputes/").text
    assert "No dispute is in this state" not in client.get("/money/disputes/?state=won").text


def test_a_payout_shows_its_lines_its_fees_and_its_difference(provider, settled, client, finance):
    sent = provider.control("payouts", currency="eur")
    billing.read_books()
    page = client.get(f"/money/payouts/{sent['id']}/").text
    assert "0.41 €" in page
    assert settled.public_id[:8] in page
    rows = list(csv.DictReader(io.StringIO(client.get(f"/money/payouts/{sent['id']}/?export=csv").text)))
    mine = next(row for row in rows if row["payment"] == settled.public_id)
    assert (mine["amount"], mine["fee"], mine["net"], mine["currency"]) == ("10.90", "0.41", "10.49", "EUR")
    Payout.objects.update(difference_minor=7)
    assert "Its lines do not add up: 0.07 €" in client.get(f"/money/payouts/{sent['id']}/").text


def test_another_organization_sees_only_its_own_share_and_nobodys_money_is_not_shown(
    provider, settled, rival, client, organization
):
    sent = provider.control("payouts", currency="eur")
    billing.read_books()
    assert Organization.objects.count() == 2
    client.force_login(make_access(rival, Role.OWNER, email="rival@example.org").user)
    assert sent["id"] not in client.get("/money/payouts/").text
    assert client.get(f"/money/payouts/{sent['id']}/").status_code == 404
    client.force_login(make_access(organization, Role.FINANCE, email="own@example.org").user)
    page = client.get(f"/money/payouts/{sent['id']}/").text
    assert "10.49 € of it is yours" in page
    assert "Difference" not in page


def test_finance_hears_of_disputes_and_waiting_refunds_on_the_overview_and_by_incident(
    provider, settled, opened, organization, client, finance
):
    BillingSettings.objects.create(organization=organization, refund_limit_minor=0)
    Dispute.objects.update(state="won")
    settled.disputed_minor = 0
    settled.save()
    row = billing.refund(payment=settled, amount_minor=10, reason="x", access=finance)
    Dispute.objects.update(state="needs_response")
    work()
    page = client.get("/").text
    assert "1 dispute needs an answer" in page
    assert "1 refund needs a second person" in page
    kinds = {incident.kind: incident for incident in Incident.objects.filter(state="open")}
    assert {"dispute", "refund_waiting"} <= set(kinds)
    assert "10.90" not in kinds["dispute"].title
    billing.decide_refund(refund=row, approve=False, access=finance)
    provider.control(f"disputes/{opened.provider_id}/close", status="won")
    disputes.follow_dispute(claim=gateway().dispute(opened.provider_id))
    work()
    assert not Incident.objects.filter(kind__in=("dispute", "refund_waiting")).exclude(state="resolved").exists()
    client.force_login(make_access(organization, Role.OPERATOR, email="op@example.org").user)
    assert "needs an answer" not in client.get("/").text
