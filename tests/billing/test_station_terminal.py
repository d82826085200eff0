"""The station's own terminal: it holds and takes the money, we follow; whatever does not fit is shown to a person."""

from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from billing import services as billing
from billing.models import Bill, JournalLine, Payment, Receipt, TerminalReport
from billing.vocabulary import (
    BillState,
    FundingSource,
    PaymentKind,
    PaymentState,
    ReportOutcome,
    SettlementStatus,
    StationAuthorization,
    StationSettlement,
)
from evcms.core import clock
from evcms.core.access import Role
from sessions import services as sessions
from sessions.vocabulary import SessionStart, SessionState, SessionUpdate, TokenType
from tests.billing.conftest import KWH, Car, later, work
from tests.stations.conftest import make_access

pytestmark = pytest.mark.django_db(transaction=True)
PRICE = Decimal("10.90")  # 20 kWh of the street's tariff


class Terminal:
    """A station with a car and a terminal of its own, as the charger door would report them."""

    def __init__(self, car):
        self.car, self.station = car, car.station

    def starts(self, reference="psp-1"):
        """2.1: the session's token is the terminal's reference."""
        Car.number += 1
        self.car.transaction = f"tx-{Car.number}"
        now = clock.now()
        started = billing.begin(
            start=SessionStart(
                station_id=self.station.pk, protocol="ocpp2.1", at=now, received_at=now, evse=1, connector=1,
                transaction_id=self.car.transaction, token_value=reference, token_type=TokenType.DIRECT_PAYMENT,
                meter_start_mwh=self.car.register, state=SessionState.CHARGING, seq_no=0,
            )
        )  # fmt: skip
        billing.station_paid(station_id=self.station.pk, transaction_id=self.car.transaction, psp_ref=reference)
        work()
        return started

    def settles(self, amount=PRICE, status=SettlementStatus.SETTLED, reference="psp-1", **more):
        told = StationSettlement(psp_ref=reference, status=status, amount=Decimal(amount), at=clock.now(), **more)
        return billing.station_settled(station_id=self.station.pk, settlement=told)

    def charges(self, kwh=20):
        later(minutes=40)
        self.car.ends(kwh * KWH)
        work()

    @property
    def payment(self):
        return Payment.objects.get(intent_id="psp-1")

    @property
    def bill(self):
        return Bill.objects.get(session=self.car.session)


@pytest.fixture
def terminal(tariff, connector, car):
    return Terminal(car)


def swept():
    billing.sweep()
    work()


def report():
    return TerminalReport.objects.get()


def clearing():
    lines = JournalLine.objects.filter(account="station_clearing").values_list("amount_minor", flat=True)
    return sum(lines)


def test_tapped_at_the_station_charged_settled_and_receipted(terminal):
    started = terminal.starts()
    assert started.decision.accepted
    assert (terminal.payment.kind, terminal.payment.state) == (PaymentKind.STATION, PaymentState.AUTHORIZED)
    assert terminal.bill.source == FundingSource.STATION
    terminal.charges()
    assert (terminal.bill.state, terminal.bill.total_minor) == (BillState.DUE, 1090)
    answer = terminal.settles()
    receipt = Receipt.objects.get()
    assert (answer.receipt_id, answer.url.rsplit("/", 1)[1]) == (receipt.number, receipt.public_id)
    assert (terminal.payment.state, terminal.payment.captured_minor) == (PaymentState.CAPTURED, 1090)
    assert terminal.bill.state == BillState.PAID
    assert report().outcome == ReportOutcome.APPLIED
    assert clearing() == 1090


def test_no_provider_of_ours_is_ever_asked(terminal, provider):
    terminal.starts()
    later(days=6)
    swept()
    terminal.charges()
    terminal.settles()
    swept()
    assert not provider.calls


def test_the_same_said_twice_is_booked_once_and_answered_alike(terminal):
    terminal.starts()
    terminal.charges()
    first, second = terminal.settles(), terminal.settles()
    assert first == second
    assert Receipt.objects.count() == TerminalReport.objects.count() == 1
    assert clearing() == 1090


def test_a_settlement_before_the_end_waits_for_the_price(terminal):
    terminal.starts()
    answer = terminal.settles()
    assert answer.receipt_id == ""
    assert (terminal.payment.state, report().outcome) == (PaymentState.CAPTURING, ReportOutcome.WAITING)
    assert f"/s/{terminal.payment.public_id}" in answer.url
    terminal.charges()
    swept()
    assert (terminal.payment.state, terminal.bill.state) == (PaymentState.CAPTURED, BillState.PAID)
    assert report().outcome == ReportOutcome.APPLIED
    assert terminal.settles().receipt_id == Receipt.objects.get().number


@pytest.mark.parametrize(("amount", "short"), [("9.90", 100), ("12.00", 0)])
def test_another_amount_than_the_price_is_booked_as_taken_and_waits_for_a_person(terminal, facts, amount, short):
    terminal.starts()
    terminal.charges()
    terminal.settles(amount)
    assert terminal.payment.captured_minor == int(Decimal(amount) * 100)
    assert (terminal.bill.state, terminal.bill.shortfall_minor) == (BillState.REVIEW, short)
    assert f"took {amount} €, the price is 10.90 €" in terminal.bill.reason
    assert report().outcome == ReportOutcome.DIFFERS
    assert facts("BillNeedsReview")
    assert clearing() == int(Decimal(amount) * 100)


@pytest.mark.parametrize("status", [SettlementStatus.REJECTED, SettlementStatus.FAILED, SettlementStatus.CANCELED])
def test_money_that_the_terminal_did_not_get_is_owed(terminal, status):
    terminal.starts()
    terminal.charges()
    assert terminal.settles("0", status).receipt_id == ""
    assert (terminal.payment.state, terminal.bill.state) == (PaymentState.FAILED, BillState.UNPAID)
    assert terminal.bill.shortfall_minor == 1090
    assert clearing() == 0


def test_a_cancelled_payment_of_a_session_without_price_is_just_released(terminal):
    terminal.starts()
    terminal.charges(kwh=0)
    terminal.settles("0", SettlementStatus.CANCELED)
    assert (terminal.payment.state, terminal.bill.state) == (PaymentState.RELEASED, BillState.FREE)


def test_a_terminal_that_succeeds_at_the_second_try_is_heard(terminal):
    terminal.starts()
    terminal.charges()
    terminal.settles("0", SettlementStatus.FAILED)
    terminal.settles()
    assert (terminal.payment.state, terminal.bill.state) == (PaymentState.CAPTURED, BillState.PAID)
    assert terminal.bill.debt.state == "paid"


def test_what_contradicts_the_first_word_is_kept_and_changes_nothing(terminal):
    terminal.starts()
    terminal.charges()
    terminal.settles()
    terminal.settles("20.00")
    terminal.settles("0", SettlementStatus.CANCELED)
    terminal.settles(currency="SEK")
    assert (terminal.payment.captured_minor, terminal.bill.state) == (1090, BillState.PAID)
    outcomes = TerminalReport.objects.order_by("pk").values_list("outcome", flat=True)
    assert list(outcomes) == [ReportOutcome.APPLIED] + [ReportOutcome.CONFLICT] * 3


def test_a_terminal_that_never_settles_leaves_an_unpaid_bill(terminal):
    terminal.starts()
    terminal.charges()
    later(hours=23)
    swept()
    assert terminal.bill.state == BillState.DUE
    later(hours=2)
    swept()
    assert (terminal.payment.state, terminal.payment.error_code) == (PaymentState.FAILED, "never_settled")
    assert (terminal.bill.state, terminal.bill.shortfall_minor) == (BillState.UNPAID, 1090)
    terminal.settles()  # days late
    assert (terminal.payment.state, terminal.bill.state) == (PaymentState.CAPTURED, BillState.PAID)


def test_a_reference_that_nobody_knows_is_kept_and_shown(terminal, client, owner):
    assert terminal.settles(reference="psp-9").url == ""
    assert (report().outcome, report().payment) == (ReportOutcome.UNKNOWN, None)
    client.force_login(owner.user)
    page = client.get("/readers/terminals/").content.decode()
    assert "psp-9" in page
    assert "of a payment that nobody knows" in page


def test_a_session_that_a_phone_paid_for_is_not_paid_again_by_the_terminal(terminal, provider, connector):
    from tests.billing.conftest import paid

    payment = paid(provider, connector)
    terminal.car.starts(payment.attempt)
    work()
    terminal.settles(transaction_id=terminal.car.transaction)
    assert report().outcome == ReportOutcome.UNKNOWN
    assert Payment.objects.count() == 1


def test_a_settlement_that_names_the_session_finds_it_when_the_start_said_nothing(terminal):
    """A station that forgot the token's type, or a terminal that was announced too late."""
    terminal.car.starts()
    terminal.charges()
    terminal.settles(reference="psp-1", transaction_id=terminal.car.transaction)
    assert terminal.payment.session == terminal.car.session
    assert terminal.payment.captured_minor == 1090


def test_announced_before_the_start_it_joins_by_its_token(terminal):
    """1.6: DataTransfer says what is held, then StartTransaction comes with the token."""
    told = StationAuthorization("psp-1", Decimal("25"), "EUR", "TERM-0001", 1, clock.now())
    assert billing.station_authorized(station_id=terminal.station.pk, authorization=told)
    terminal.car.starts(token="term-0001")
    work()
    terminal.charges()
    assert (terminal.payment.hold_minor, terminal.payment.session) == (2500, terminal.car.session)
    terminal.settles()
    assert terminal.bill.state == BillState.PAID


def test_announced_and_never_started_it_is_forgotten_after_a_day(terminal):
    told = StationAuthorization("psp-1", Decimal("25"), "EUR", "TERM-0001", 1, clock.now())
    billing.station_authorized(station_id=terminal.station.pk, authorization=told)
    later(hours=25)
    swept()
    assert terminal.payment.state == PaymentState.RELEASED


def test_a_card_tapped_after_plugging_in_pays_the_session_from_its_start(terminal):
    terminal.car.starts(state=SessionState.PREPARING)
    work()
    now = clock.now()
    sessions.update(
        update=SessionUpdate(
            station_id=terminal.station.pk, transaction_id=terminal.car.transaction, at=now, received_at=now,
            token_value="psp-1", token_type=TokenType.DIRECT_PAYMENT, seq_no=1,
        )
    )  # fmt: skip
    billing.station_paid(
        station_id=terminal.station.pk, transaction_id=terminal.car.transaction, psp_ref="psp-1", late=True
    )
    work()
    terminal.charges()
    terminal.settles()
    assert (terminal.bill.source, terminal.bill.state) == (FundingSource.STATION, BillState.PAID)


def test_nobody_tries_a_terminals_payment_again_at_our_provider(terminal, owner, client):
    terminal.starts()
    terminal.charges()
    terminal.settles("0", SettlementStatus.REJECTED)
    with pytest.raises(ValidationError):
        billing.retry(payment=terminal.payment, access=owner)
    client.force_login(owner.user)
    assert "/retry/" not in client.get(f"/money/{terminal.payment.public_id}/").content.decode()


def test_finance_marks_a_report_as_dealt_with_and_says_how(terminal, owner, client, organization):
    terminal.settles(reference="psp-9")
    viewer = make_access(organization, Role.OPERATOR)
    with pytest.raises(PermissionDenied):
        billing.see_report(access=viewer, report=report(), note="x")
    client.force_login(owner.user)
    path = f"/readers/terminals/{report().pk}/seen/"
    assert "Say what you found out." in client.post(path, {"note": " "}, follow=True).content.decode()
    page = client.post(path, {"note": "A test card of the installer"}, follow=True).content.decode()
    assert "A test card of the installer" in page
    assert report().seen_by == owner.user


def test_a_rivals_finance_neither_sees_nor_closes_it(terminal, rival, client):
    terminal.settles(reference="psp-9")
    stranger = make_access(rival)
    client.force_login(stranger.user)
    assert "psp-9" not in client.get("/readers/terminals/").content.decode()
    assert client.post(f"/readers/terminals/{report().pk}/seen/", {"note": "x"}).status_code == 404
