"""Golden documents: what a receipt and a credit note say, word for word, for each way to pay."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alerts.models import Notification
from billing import services as billing
from billing.models import Account, Bill, Receipt
from billing.receipts import pdf
from billing.services import Resolution, accounts
from evcms.core import clock
from evcms.core.models import Organization
from stations.models import Gateway, Site
from tests.billing.conftest import KWH, later, paid, work
from tests.billing.test_corrections import person
from tests.billing.test_proof import card, charge

pytestmark = [pytest.mark.django_db(transaction=True)]
GOLDEN = Path(__file__).with_name("golden_documents.json")
CHANCE = ("id", "reference")
TODAY = ("number", "corrects", "started_at", "starts_at", "ended_at", "ends_at", "issued_at")


@pytest.fixture
def finance(organization):
    Organization.objects.update(
        legal_name="Stadsladen B.V.", address="Kade 1\n1234 AB Havenstad", country="NL", vat_id="NL001234567B01",
        support_email="help@example.org", time_zone="Europe/Amsterdam", language="nl",
    )  # fmt: skip
    Site.objects.update(address="Kade 12", postal_code="1234 AB", city="Havenstad", time_zone="Europe/Amsterdam")
    organization.refresh_from_db()
    return person(organization, "owner")


def plain(document):
    """Without what chance and the second decide."""
    if isinstance(document, dict):
        return {name: "…" if name in CHANCE else moment(name, said) for name, said in document.items()}
    return [plain(one) for one in document] if isinstance(document, list) else document


def moment(name, said):
    if name.endswith("_at") and said:
        return (said["iso"] if isinstance(said, dict) else said)[:10]
    return plain(said)


def without_days(document):
    if isinstance(document, dict):
        return {name: without_days(said) for name, said in document.items() if name not in TODAY}
    return [without_days(one) for one in document] if isinstance(document, list) else document


def same_as_golden(name, document, clock_stands=True):
    """The provider's double lives today: documents of its payments are compared without days."""
    kept = json.loads(GOLDEN.read_text()) if GOLDEN.exists() else {}
    said = plain(document if clock_stands else without_days(document))
    if os.environ.get("EVCMS_WRITE_GOLDEN"):
        GOLDEN.write_text(json.dumps(kept | {name: said}, indent=1, ensure_ascii=False, sort_keys=True) + "\n")
    else:
        assert said == kept[name]


def prepaid_session(organization, car, finance):
    clock.set_offset(datetime(2027, 1, 31, 22, 50, tzinfo=UTC) - datetime.now(UTC))
    Gateway.objects.update(lease_until=clock.now() + timedelta(days=2))
    account = accounts.open_account(
        access=finance, kind="prepaid", name="Ann", legal_name="Ann de Vries Advies", address="Dijk 3\n4321 ZZ Dam",
        country="NL", email="ann@example.org", language="de",
    )  # fmt: skip
    accounts.adjust(access=finance, account=account, amount_minor=900, reason="opening", key="opening")
    card(organization, "PREPAID1", "prepaid", account)
    return charge(car, "PREPAID1", kwh=20)


def test_a_receipt_of_a_balance_names_its_buyer_and_what_is_missing(organization, tariff, connector, car, finance):
    session = prepaid_session(organization, car, finance)
    receipt = Receipt.objects.get()
    assert (receipt.payment is None) or receipt.payment.kind == "prepaid"
    assert receipt.document["session"]["id"] == session.public_id
    same_as_golden("prepaid", receipt.document)
    assert pdf(receipt).startswith(b"%PDF-")


def test_a_credit_note_has_every_amount_turned(provider, organization, tariff, connector, car, finance):
    payment = paid(provider, connector)
    car.starts(payment.attempt)
    later(minutes=40)
    car.ends(20 * KWH)
    work()
    billing.resolve_bill(
        bill=Bill.objects.get(), resolution=Resolution.ENERGY, energy_mwh=10 * KWH, reason="the meter was wrong",
        access=finance,
    )  # fmt: skip
    work()
    old, note, new = Receipt.objects.order_by("sequence")
    for name, row in (("card", old), ("credit", note), ("corrected", new)):
        same_as_golden(name, row.document, clock_stands=False)
    subjects = set(Notification.objects.filter(template="receipt").values_list("subject", flat=True))
    assert f"Your charge was corrected: credit note {note.number}" in subjects
    assert "Your receipt: 6.00 €" in subjects


def test_a_balances_receipt_goes_to_its_owner_by_mail(organization, tariff, connector, car, finance):
    prepaid_session(organization, car, finance)
    mail = Notification.objects.get(template="receipt")
    assert mail.to in ("ann@example.org", "prepaid1@example.org")
    assert mail.attachments == [f"receipt:{Receipt.objects.get().pk}"]


def test_links_of_receipts_without_a_payment_open(organization, tariff, connector, car, finance, client):
    prepaid_session(organization, car, finance)
    receipt = Receipt.objects.get()
    page = client.get(f"/r/{receipt.public_id}")
    assert page.status_code == 200
    assert "Ann de Vries Advies" in page.content.decode()
    assert client.get(f"/r/{receipt.public_id}.pdf").content.startswith(b"%PDF-")
    assert Account.objects.get().balance_minor == 0
