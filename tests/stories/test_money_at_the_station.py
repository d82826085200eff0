"""Money that a station sees: real gateway, simulated charger, no worker but the test's own hand.

The station's own terminal, what its display shows, and the limit that holds without us.
"""

import time
from datetime import timedelta
from decimal import Decimal

import pytest

from billing import services as billing
from billing.models import Bill, BudgetGuard, CostShown, Payment, Receipt
from billing.models.guard import GuardState
from billing.vocabulary import BillState, FundingSource, PaymentKind, PaymentState
from evcms.core import clock, delivery
from evcms.core.money import to_major
from evcms.simulator.chargers import Faults, terminal
from sessions.models import ChargingSession, IdToken
from stations.models import Command
from tests.ocpp.door import opened
from tests.stories.street import Street, build

PROTOCOLS = ("ocpp1.6", "ocpp2.0.1", "ocpp2.1")


@pytest.fixture(params=PROTOCOLS)
def protocol(request):
    return request.param


@pytest.fixture
def street(transactional_db, redis_url, protocol):
    """A charger on the real gateway, switched on; `street.faults` before or after."""
    station = build("CP-MONEY")
    with opened() as door:
        made = Street(door.url, station.identity, protocol, tick_s=0.05, speed=100, faults=Faults())
        try:
            made.connect()
            yield made
        finally:
            made.end()


def work():
    """What workers do: deliveries and the sweeps."""
    for _ in range(20):
        if not delivery.deliver_due():
            break
    billing.complete_settled()
    billing.show_costs()


def until(condition, what, timeout=30.0):
    end = time.monotonic() + timeout
    while True:
        work()
        if condition():
            return
        assert time.monotonic() < end, f"Waited for {what}."
        time.sleep(0.1)


def pay(street, held="40"):
    return street.do(terminal.pay(street.charger, 1, Decimal(held)))


def charged(street, kwh=1):
    """Until so much has flowed."""
    until(lambda: street.charger.state(1) == "Charging", "the power to flow")
    flowed = ChargingSession.objects.filter(energy_mwh__gt=kwh * 1_000_000)
    until(flowed.exists, "the energy to be reported")


def test_a_card_at_the_stations_terminal_pays_exactly_the_bill(street):
    assert pay(street) == "Accepted"
    street.plug(1)
    charged(street)
    street.unplug(1)
    until(lambda: Payment.objects.filter(state=PaymentState.CAPTURED).exists(), "the settlement")
    payment, bill = Payment.objects.get(), Bill.objects.get()
    assert (payment.kind, bill.source, bill.state) == (PaymentKind.STATION, FundingSource.STATION, BillState.PAID)
    assert payment.captured_minor == bill.total_minor > 100
    assert Receipt.objects.get().total_minor == bill.total_minor
    until(lambda: street.charger.ports[1].screen.receipt, "the receipt on the display")
    known = (f"/s/{payment.public_id}?receipt=1", f"/r/{Receipt.objects.get().public_id}")
    assert street.charger.ports[1].screen.receipt.endswith(known)
    assert ChargingSession.objects.get().authorized


def test_the_terminals_token_is_good_for_its_own_payment_only(street, protocol):
    assert pay(street) == "Accepted"
    street.plug(1)
    charged(street, kwh=0)
    session = ChargingSession.objects.get()
    payment = Payment.objects.get()
    if protocol == "ocpp2.1":
        assert session.token_value == payment.intent_id
        assert not IdToken.objects.exists()  # never kept as a card
    else:
        assert IdToken.objects.get().guest
    assert payment.session_id == session.pk


def test_money_that_the_terminal_could_not_take_leaves_the_bill_unpaid(street, protocol):
    assert pay(street) == "Accepted"
    street.plug(1)
    charged(street, kwh=0)
    street.charger.ports[1].session.held = Decimal(0)  # it will say Canceled
    street.unplug(1)
    until(lambda: Payment.objects.get().state == PaymentState.FAILED, "the terminal's last word")
    assert Payment.objects.get().captured_minor == 0
    assert not Receipt.objects.exists()


def test_the_display_shows_the_running_cost_and_in_the_end_the_bill(street, protocol):
    assert pay(street) == "Accepted"
    street.plug(1)
    charged(street)
    until(lambda: street.charger.ports[1].screen.cost is not None, "a cost on the display")
    shown = CostShown.objects.get()
    assert to_major(shown.total_minor, "EUR") == street.charger.ports[1].screen.cost
    before = Command.objects.filter(kind="ShowCost").count()
    work()
    work()
    assert Command.objects.filter(kind="ShowCost").count() == before, "more than once a minute"
    street.unplug(1)
    until(lambda: Bill.objects.get().state == BillState.PAID, "the bill to be paid")
    until(lambda: CostShown.objects.get().final, "the final cost to be sent")
    until(lambda: street.charger.ports[1].screen.cost == to_major(Bill.objects.get().total_minor, "EUR"), "the same")


def test_the_cost_is_told_again_after_a_minute(street):
    assert pay(street) == "Accepted"
    street.plug(1)
    charged(street)
    until(lambda: CostShown.objects.exists(), "the first cost")
    first = CostShown.objects.get().total_minor
    CostShown.objects.update(at=clock.now() - timedelta(seconds=61))
    until(lambda: CostShown.objects.get().total_minor > first, "the next cost")


def test_a_station_stops_by_itself_when_the_money_is_used_up(street, protocol):
    """0.50 €/kWh, 1.00 € to begin, 40.00 € held: a bound of energy in 2.1, a falling profile elsewhere."""
    assert pay(street) == "Accepted"
    street.plug(1)
    until(lambda: BudgetGuard.objects.filter(state=GuardState.ACCEPTED).exists(), "the station to take the limit")
    guard, session = BudgetGuard.objects.get(), street.charger.session(1)
    assert guard.warning == ""
    if protocol == "ocpp2.1":
        assert session.limit_mwh == guard.limit_mwh
        assert 60_000_000 < guard.limit_mwh < 78_000_000
        assert not street.charger.profiles
        return
    (profile,) = street.charger.profiles
    assert (profile.purpose, profile.unit) == ("TxProfile", "W")
    (start, full, _), (end, nothing, _) = profile.periods
    assert (start, full, nothing) == (0, 150_000, 0)
    assert 1400 < end < 1900  # 60 to 78 kWh at 150 kW
    assert profile.limit_w(street.charger.now() + timedelta(seconds=end + 1), None) == 0


def test_the_limit_is_renewed_while_the_car_draws_less(street, protocol):
    if protocol == "ocpp2.1":
        pytest.skip("a bound of energy needs no renewal")
    assert pay(street) == "Accepted"
    street.plug(1)
    until(lambda: BudgetGuard.objects.filter(state=GuardState.ACCEPTED).exists(), "the station to take the limit")
    first = BudgetGuard.objects.get()
    billing.budget_reached(session_id=first.session_id)
    until(lambda: BudgetGuard.objects.get().command_id != first.command_id, "another profile")
    until(lambda: len(street.charger.profiles) == 1, "the same profile, replaced")
    assert BudgetGuard.objects.get().told_at > first.told_at


def test_a_hold_that_grew_lets_the_station_go_on(street, protocol):
    assert pay(street) == "Accepted"
    street.plug(1)
    until(lambda: BudgetGuard.objects.filter(state=GuardState.ACCEPTED).exists(), "the station to take the limit")
    before = BudgetGuard.objects.get().limit_mwh
    Payment.objects.update(hold_minor=8000)
    billing.budget_reached(session_id=ChargingSession.objects.get().pk)
    until(lambda: BudgetGuard.objects.get().limit_mwh > before + 60_000_000, "the larger limit")
    if protocol == "ocpp2.1":
        until(lambda: street.charger.session(1).limit_mwh == BudgetGuard.objects.get().limit_mwh, "the station's word")
    else:
        until(lambda: street.charger.profiles[0].periods[1][0] > 2800, "the longer profile")


@pytest.mark.parametrize(("fault", "state"), [("refuse_profiles", "refused"), ("no_profiles", "unsupported")])
def test_where_the_station_does_not_take_it_the_session_says_so(street, protocol, fault, state):
    if protocol == "ocpp2.1" and fault == "refuse_profiles":
        pytest.skip("it takes the transaction's limit")
    setattr(street.charger.faults, fault, True)
    assert pay(street) == "Accepted"
    street.plug(1)
    if protocol == "ocpp2.1":
        until(lambda: BudgetGuard.objects.exists(), "the limit to be answered")
        BudgetGuard.objects.update(told_at=clock.now() - timedelta(minutes=2))
        billing.budget_reached(session_id=ChargingSession.objects.get().pk)
    until(lambda: BudgetGuard.objects.filter(state=state).exists(), "the refusal to be marked")
    guard = BudgetGuard.objects.get()
    assert "no offline guard" in guard.warning
    sent = Command.objects.filter(kind="SetChargingProfile").count()
    billing.budget_reached(session_id=guard.session_id)
    assert Command.objects.filter(kind="SetChargingProfile").count() == sent, "it was asked again"


def test_two_taps_at_the_terminal_are_two_payments_and_one_session(street):
    assert pay(street) == "Accepted"
    assert pay(street) == "Occupied"
    street.plug(1)
    charged(street, kwh=0)
    assert ChargingSession.objects.count() == 1
    assert Payment.objects.count() == 1
