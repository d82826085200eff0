"""Receipts: numbers without gaps, documents that never change, paper that shows every sign."""

import re
import threading
from datetime import timedelta

import pytest
from django.db import connection, connections

from billing import queries
from billing import services as billing
from billing.models import Bill, Payment, Receipt, ReceiptCounter
from billing.receipts import pdf
from billing.services import settlement
from billing.vocabulary import PaymentState
from evcms.core import clock
from evcms.core.models import Organization
from sessions.models import ChargingSession
from stations.models import Site
from tests.billing.conftest import KWH, later, paid, work
from tests.tariffs import flat

pytestmark = [pytest.mark.django_db(transaction=True)]


@pytest.fixture
def receipt(provider, tariff, connector, car, organization):
    Organization.objects.update(
        legal_name="Stadsladen B.V.", address="Kade 1\n1234 AB Havenstad", vat_id="NL001234567B01",
        support_email="help@example.org", time_zone="Europe/Amsterdam",
    )  # fmt: skip
    Site.objects.update(address="Kade 12", postal_code="1234 AB", city="Havenstad", time_zone="Europe/Amsterdam")
    payment = paid(provider, connector)
    car.starts(payment.attempt)
    later(minutes=40)
    car.ends(20 * KWH)
    work()
    return Receipt.objects.get()


def test_a_receipt_says_everything_in_the_sites_time(receipt):
    said = receipt.document
    assert receipt.number == said["number"] == f"{clock.now().year}-000001"
    assert (said["seller"]["name"], said["seller"]["vat_id"]) == ("Stadsladen B.V.", "NL001234567B01")
    assert said["place"]["site"] == "Kade"
    assert said["session"]["energy"] == "20.00 kWh"
    assert said["session"]["duration"] == "40 min"
    assert said["session"]["started_at"]["iso"].endswith("+01:00")
    assert (said["total_text"], said["tax"]["tax_text"], said["paid_by"]) == ("10.90 €", "1.89 €", "Visa •••• 4242")
    assert sum(line["amount"] for line in said["lines"]) == said["total"] == said["paid"]


def test_a_receipt_stays_as_it_was_whatever_changes_later(receipt, tariff):
    before = receipt.document
    Organization.objects.update(legal_name="Sold to Others")
    tariff.elements = flat(per_kwh="9")["elements"]
    tariff.save()
    assert queries.receipt(receipt.public_id).document == before
    assert queries.receipt("unknown") is None


def test_the_printed_receipt_is_a_pdf_with_the_euro_sign_and_the_same_each_time(receipt):
    first = pdf(receipt)
    assert first.startswith(b"%PDF-")
    assert first == pdf(receipt)
    streams = re.findall(rb"stream\r?\n(.*?)\r?\n?endstream", first, re.S)
    mapped = b"".join(stream for stream in streams if b"beginbfchar" in stream)  # sign by sign what a reader copies
    assert b"<20AC>" in mapped.upper()
    assert b"<2022>" in mapped.upper()  # the dots of the card


@pytest.mark.postgres
def test_numbers_have_no_gaps_when_two_workers_settle_at_once(organization, tariff, connector, monkeypatch):
    ready = [payment_to_settle(organization, tariff, connector, number) for number in range(12)]
    monkeypatch.setattr(settlement.events, "nudge", lambda task: None)
    hold = type("Hold", (), {"captured_minor": 500, "charge_id": "ch", "card": "Visa •••• 4242"})
    errors, barrier = [], threading.Barrier(2)

    def settle(payments, breaks):
        barrier.wait()
        for payment in payments:
            try:
                if breaks and payment.pk % 3 == 0:
                    with pytest.raises(ZeroDivisionError):
                        settle_and_die(payment, hold)
                settlement.captured(payment_id=payment.pk, hold=hold)
            except Exception as error:
                errors.append(error)
        connections.close_all()

    threads = [threading.Thread(target=settle, args=(ready[part::2], part == 0)) for part in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not errors
    assert sorted(Receipt.objects.values_list("sequence", flat=True)) == list(range(1, 13))
    assert ReceiptCounter.objects.get().last == 12


def settle_and_die(payment, hold):
    """The number is taken and then the transaction dies: the next one gets it."""
    from django.db import transaction

    with transaction.atomic():
        settlement.captured(payment_id=payment.pk, hold=hold)
        raise ZeroDivisionError


def payment_to_settle(organization, tariff, connector, number):
    from billing.lookup import snapshot_of

    now = clock.now()
    snapshot = snapshot_of(tariff)
    session = ChargingSession.objects.create(
        organization=organization, station=connector.station, connector=connector, evse=connector.evse,
        transaction_id=f"n-{number}", protocol="ocpp1.6", started_at=now - timedelta(hours=1), ended_at=now,
        energy_mwh=KWH,
    )  # fmt: skip
    Bill.objects.create(
        session=session, organization=organization, snapshot=snapshot, currency="EUR", total_minor=500, net_minor=413,
        tax_minor=87, trace={"lines": []}, state="due",
    )  # fmt: skip
    return Payment.objects.create(
        organization=organization, connector=connector, snapshot=snapshot, currency="EUR", hold_minor=3000,
        due_minor=500, session=session, state=PaymentState.CAPTURING, intent_id=f"pi_{number}",
    )  # fmt: skip


def test_the_year_of_a_receipt_is_the_organizations_own(provider, tariff, connector, car, monkeypatch):
    from datetime import UTC, datetime

    payment = paid(provider, connector)
    car.starts(payment.attempt)
    new_year_in_amsterdam = datetime(2026, 12, 31, 23, 30, tzinfo=UTC)
    clock.set_offset(new_year_in_amsterdam - datetime.now(UTC))
    billing.finish(end=end_of(car))
    work()
    receipt = Receipt.objects.get()
    assert (receipt.year, receipt.number) == (2027, "2027-000001")
    assert connection.vendor in ("sqlite", "postgresql")


def end_of(car):
    from sessions.vocabulary import SessionEnd

    car.register += KWH
    return SessionEnd(
        station_id=car.station.pk, transaction_id=car.transaction, at=clock.now(), received_at=clock.now(),
        meter_stop_mwh=car.register, evse=1, connector=1,
    )  # fmt: skip
