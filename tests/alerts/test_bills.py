"""A price that waits for a person is an incident, once."""

import pytest
from django.db import transaction

from alerts.models import Incident
from billing.events import BillNeedsReview
from billing.models import Bill
from evcms.core import clock
from evcms.core.events import publish
from sessions.models import ChargingSession

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_session_without_a_tariff_calls_a_person_once(organization, station, deliver):
    session = ChargingSession.objects.create(
        organization=organization,
        site=station.site,
        station=station,
        transaction_id="1",
        protocol="ocpp1.6",
        started_at=clock.now(),
    )
    bill = Bill.objects.create(session=session, organization=organization, currency="EUR", state="review")
    for _ in range(2):
        with transaction.atomic():
            publish(BillNeedsReview(bill_id=bill.pk, reason="no tariff"))
    deliver()
    incident = Incident.objects.get()
    assert (incident.kind, incident.detail["reason"]) == ("bill_review", "no tariff")
