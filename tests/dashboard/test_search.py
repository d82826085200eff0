"""Search finds everything with an id or a name, leads straight to the only hit, and shows nobody else's rows."""

import pytest
from django.test import Client

from alerts.models import Incident
from billing.models import Bill, Payment, Receipt, ReceiptCounter
from evcms.core.access import Role
from evcms.core.models import Organization
from sessions.models import ChargingSession
from stations.models import Connector
from tests.dashboard.conftest import browser, words
from tests.stations.conftest import make_access

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner(network):
    return browser(network.owner)


def test_the_only_hit_is_gone_to_at_once(network, owner):
    session = ChargingSession.objects.first()
    incident = Incident.objects.first()
    code = Connector.objects.filter(station__identity="RIV-0005").first().code
    for text, url in (
        ("riv-0004", "/stations/RIV-0004/"),
        ("SN00003", "/stations/RIV-0004/"),
        (code.lower(), "/stations/RIV-0005/"),
        (session.public_id, f"/sessions/{session.public_id}/"),
        (session.transaction_id, f"/sessions/{session.public_id}/"),
        (f"#{incident.pk}", f"/incidents/{incident.pk}/"),
        ("Taxi Groen", "/tokens/"),
    ):
        answer = owner.get("/search", {"q": text})
        assert answer.status_code == 302, text
        assert answer.url.startswith(url)


def test_more_hits_are_listed_by_kind(owner, django_assert_max_num_queries):
    with django_assert_max_num_queries(20):
        page = words(owner.get("/search", {"q": "haven"}))
    assert "Stations <" in page
    assert "Sites <" in page
    assert "Incidents <" in page


def test_what_finds_nothing_says_so(owner):
    for text in ("", "x", "nothing is called so", "%", "\0\0\0", "9" * 400, "2026-000001", "#999999999999"):
        page = words(owner.get("/search", {"q": text}))
        assert "Ids and names are found here" in page, text


def test_a_receipt_is_found_by_its_number_by_those_who_may_see_money(network, owner):
    bill = Bill.objects.exclude(session__ended_at=None).select_related("session", "snapshot").first()
    payment = Payment.objects.create(
        organization=network.organization, connector=bill.session.connector, session=bill.session,
        snapshot=bill.snapshot, currency="EUR", hold_minor=5000, state="captured",
    )  # fmt: skip
    receipt = Receipt.objects.create(
        organization=network.organization, year=2026, sequence=17, payment=payment, bill=bill, currency="EUR",
        net_minor=1, tax_minor=0, total_minor=1, document={},
    )  # fmt: skip
    assert owner.get("/search", {"q": "2026-000017"}).url == f"/r/{receipt.public_id}"
    viewer = browser(network.member(Role.VIEWER, "v@example.org"))  # sees the session that it is of, not the paper
    assert viewer.get("/search", {"q": "2026-000017"}).url == f"/sessions/{bill.session.public_id}/"


def test_an_amount_finds_its_receipts_for_those_who_may_see_money(network, owner):
    organization = network.organization
    ReceiptCounter.objects.create(organization=organization, year=2026, last=19)
    bill = Bill.objects.exclude(session__ended_at=None).first()
    for sequence, total in ((18, 1420), (19, 1421)):
        Receipt.objects.create(
            organization=organization, year=2026, sequence=sequence, bill=bill, currency="EUR", net_minor=total,
            tax_minor=0, total_minor=total, document={}, corrects=Receipt.objects.first(),
        )  # fmt: skip
    first = Receipt.objects.get(sequence=18)
    for typed in ("14.20", "14,20", "14,20 €", "14.20 EUR"):
        assert owner.get("/search", {"q": typed}).url == f"/r/{first.public_id}"
    viewer = browser(network.member(Role.VIEWER, "v@example.org"))
    assert "Nothing is called" in words(viewer.get("/search", {"q": "14.20"}))


def test_strangers_find_nothing(network):
    rival = browser(make_access(Organization.objects.create(name="Rival", slug="rival")))
    for text in ("riv-0004", "haven", "Anna", ChargingSession.objects.first().public_id):
        assert "Nothing is called" in words(rival.get("/search", {"q": text}))
    assert Client().get("/search?q=riv").status_code == 302
