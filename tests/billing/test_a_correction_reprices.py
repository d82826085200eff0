"""A lost stop, from the street to the money: closed by rule, corrected by a person in the queue, priced anew."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from billing.models import Bill, Receipt, Refund
from billing.queries.proof import prove
from billing.vocabulary import BillState
from evcms.core import clock
from sessions import services
from sessions.models import Discrepancy, UsageHour
from tests.billing.conftest import KWH, later, paid, work
from tests.dashboard.conftest import browser, words
from tests.tariffs import flat

pytestmark = pytest.mark.django_db(transaction=True)
M = timedelta(minutes=1)


@pytest.fixture
def lost(clock_at_rest, tariff, car):
    """30 kWh in an hour at 0.49 € per kWh, 0.05 € a minute and 1.10 € at the start; nobody ever told of the end."""
    type(tariff).objects.filter(pk=tariff.pk).update(**flat(per_kwh="0.49", per_minute="0.05", per_start="1.10"))

    def charges(**started):
        car.starts(**started)
        for _ten in range(6):
            later(minutes=10)
            car.draws(5 * KWH, power=30_000)
        later(hours=2)
        services.close(session=car.session, why="its connector is free again")
        work()
        return Discrepancy.objects.get(kind="stop_lost")

    return charges


def corrects(access, oddity, **said):
    session = oddity.session
    zone = ZoneInfo(session.site.time_zone)
    asked = {name: f"{moment.astimezone(zone):%Y-%m-%dT%H:%M:%S.%f}" for name, moment in said.items()}
    answer = browser(access).post(f"/review/{oddity.pk}/correct/", asked | {"reason": "the camera"}, follow=True)
    work()
    return words(answer)


def proven(organization):
    now = clock.now()
    proof = prove(organization=organization, since=now - timedelta(days=2), until=now + M)
    assert proof.leaks == ()
    assert proof.proven


@pytest.mark.parametrize(
    ("moment", "minutes", "kwh", "total"),
    [
        ("ended_at", 41, 20, 110 + 20 * 49 + 41 * 5),  # what came after the end does not count
        ("started_at", 20, 20, 110 + 20 * 49 + 40 * 5),  # nor what came before the begin
    ],
)
def test_what_nobody_has_paid_is_priced_anew_at_once(lost, owner, organization, moment, minutes, kwh, total):
    oddity = lost(token="NOBODY")
    bill = Bill.objects.get()
    assert (bill.session.energy_mwh, bill.total_minor) == (30 * KWH, 110 + 30 * 49 + 60 * 5)
    assert "Decided." in corrects(owner, oddity, **{moment: bill.session.started_at + minutes * M})
    bill.refresh_from_db()
    session = bill.session
    session.refresh_from_db()
    assert (session.energy_mwh, bill.total_minor) == (kwh * KWH, total)
    assert sum(UsageHour.objects.values_list("energy_mwh", flat=True)) == kwh * KWH
    assert sum(UsageHour.objects.values_list("sessions_started", flat=True)) == 1
    proven(organization)


def test_what_a_card_has_paid_waits_for_a_word_and_then_money_goes_back(lost, owner, organization, provider, connector):
    payment = paid(provider, connector)
    oddity = lost(attempt=payment.attempt)
    bill = Bill.objects.get()
    assert bill.state == BillState.PAID
    before = bill.total_minor
    corrects(owner, oddity, started_at=bill.session.started_at + 20 * M)
    bill.refresh_from_db()
    assert bill.state == BillState.REVIEW
    page = browser(owner)
    assert "1 bill" in words(page.get("/review/?kind=bill")) or "Prices that wait" in words(page.get("/review/"))
    said = {"resolution": "reprice", "reason": "the camera", "ask": "on"}
    assert page.post(f"/money/bills/{bill.session.public_id}/", said).status_code == 302
    work()
    bill.refresh_from_db()
    assert bill.total_minor == 110 + 20 * 49 + 40 * 5
    refund = Refund.objects.get()
    assert (refund.amount_minor, refund.state) == (before - bill.total_minor, "done")
    charge = provider.intent(payment).latest_charge  # what was never captured counts as given back there
    assert charge.amount - charge.amount_refunded == bill.total_minor
    assert Receipt.objects.count() > 1  # the first one, what takes it back, and a new one
    proven(organization)
