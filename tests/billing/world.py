"""A small street for the stateful test: four plugs, every way to pay, a provider that fails on order, processes that
die at any commit; and the hours afterwards in which workers do all that is due.
"""

import contextlib
import random
from datetime import timedelta

from django.core.exceptions import ValidationError
from django.core.management.color import no_style
from django.db import connection, transaction
from django.test import Client

from billing import services as billing
from billing.errors import PaymentError, PaymentRefused
from billing.gateways.base import GatewayError
from billing.gateways.stripe.client import Part
from billing.models import (
    Account,
    BillingSettings,
    Collection,
    Debt,
    Dispute,
    Payment,
    Refund,
    Tariff,
    TariffAssignment,
)
from billing.services import accounts, collections, refunds, vouchers
from billing.services.reconcile import reconcile
from billing.vocabulary import AccountKind, CollectionState, DebtState, FundingSource, PaymentState, Purpose
from evcms.core import clock, delivery
from evcms.core.models import Organization
from sessions import services as sessions
from sessions.models import Attempt
from sessions.vocabulary import AttemptState
from stations import services as stations
from stations.models import Connector, Gateway, Site
from stations.vocabulary import ConnectorStatus, StatusReport
from tests.billing.conftest import KWH, Car
from tests.billing.invariants import books, everything_holds, next_due, the_balance_is_the_providers
from tests.billing.saved import FAILS_LATER, GOOD, POOR_AFTER, WANTS_CONFIRMATION, a_driver, a_token, saves_card
from tests.billing.test_webhooks import post
from tests.stations.conftest import make_access, make_station
from tests.tariffs import flat

PLUGS = 4
PER_KWH, PER_START = 49, 110
SETUP_CARDS = {"good": GOOD, "declined": FAILS_LATER, "asks": WANTS_CONFIRMATION, "poor": POOR_AFTER}
PAGE_CARDS = {
    "pays": GOOD, "declined": "4000000000000002", "asks": "4000002760003184", "breaks": "4000008400001280",
}  # fmt: skip
TASKS = {
    "deliver": delivery.deliver_due,
    "webhooks": billing.apply_webhooks,
    "place": billing.place_due,
    "capture": billing.capture_due,
    "refund": billing.refund_due,
    "collect": billing.collect_due,
    "grow": billing.grow_due,
    "evidence": billing.answer_due,
    "expire": sessions.expire_attempts,
    "times": sessions.reach_times,
    "sweep": billing.sweep,
}


class Death(BaseException):
    """As a SIGKILL: nobody catches it, what was not committed is gone."""


@contextlib.contextmanager
def dying(at):
    """The process dies at its `at`th point: before or after a commit, before or after a call of the provider."""
    leave, ask, seen = transaction.Atomic.__exit__, Part._ask, 0

    def point():
        nonlocal seen
        seen += 1
        if seen == at:
            raise Death

    def left(self, kind, value, trace):
        outermost = kind is None and not connection.savepoint_ids
        if outermost:
            try:
                point()
            except Death as death:
                leave(self, Death, death, None)
                raise
        swallowed = leave(self, kind, value, trace)
        if outermost:
            point()
        return swallowed

    def asked(call):
        point()
        answer = ask(call)
        point()
        return answer

    transaction.Atomic.__exit__, Part._ask = left, staticmethod(asked)
    try:
        yield
    finally:
        transaction.Atomic.__exit__, Part._ask = leave, staticmethod(ask)


def task(function, dies=None):
    """One run of a worker; death is found by the next run."""
    with contextlib.suppress(Death), dying(dies):
        function()


def until_told(function, dies=None):
    """A message of a charger: it is sent again until it was answered."""
    try:
        with dying(dies):
            return function()
    except Death:
        return function()


def heard(function):
    """An idle line that the double closes at this very moment is no fault that anybody ordered: asked again."""
    for _again in range(3):
        with contextlib.suppress(GatewayError, PaymentError):
            return function()
    return function()


class Plug:
    def __init__(self, connector):
        self.connector, self.car = connector, Car(connector.station, connector.evse.number)
        self.payments, self.running = [], False

    def free(self):
        report = StatusReport(self.car.evse, 1, ConnectorStatus.AVAILABLE, clock.now(), clock.now())
        stations.status_reported(station_id=self.connector.station_id, report=report)
        self.running = False

    @property
    def attempts(self):
        """Starts that the station was asked for and has not begun."""
        rows = Attempt.objects.filter(connector=self.connector, at__gt=clock.now() - timedelta(hours=1))
        return rows.filter(state=AttemptState.REQUESTED, payment__isnull=False).order_by("pk")

    @property
    def pages(self):
        return [payment for payment in self.payments if Payment.objects.get(pk=payment.pk).state == "checkout"]


class World:
    def __init__(self, provider, plugs=PLUGS):
        empty(provider)
        self.provider, self.client, self.told, self.drawn = provider, Client(), set(), {}
        self.ended, self.quiet = [], 0
        self.organization = Organization.objects.create(name="City Charging", slug="city")
        self.owner = make_access(self.organization)
        self.other = make_access(self.organization)
        BillingSettings.objects.create(organization=self.organization, refund_limit_minor=300)
        self._street(plugs)
        self._people()
        self.told = {event["id"] for event in books(provider, "event")}

    def _street(self, plugs):
        site = Site.objects.create(organization=self.organization, name="Kade", latitude=52.1, longitude=4.3)
        station = make_station("KADE-01", site, connectors=plugs)
        gateway = stations.gateway_started(gateway_id="00000000-0000-4000-8000-000000000001", host="gw", pid=1)
        stations.connected(station_id=station.pk, gateway_id=gateway.pk, protocol="ocpp1.6", address="10.0.0.1")
        Gateway.objects.update(lease_until=clock.now() + timedelta(days=400))
        terms = flat(per_kwh="0.49", per_start="1.10")
        tariff = Tariff.objects.create(organization=self.organization, name="Street", currency="EUR", hold="8", **terms)
        TariffAssignment.objects.create(
            tariff=tariff, organization=self.organization, valid_from=clock.now() - timedelta(days=1)
        )
        rows = Connector.objects.select_related("station__organization", "station__site", "evse")
        self.plugs = [Plug(row) for row in rows.filter(station=station).order_by("pk")]
        for plug in self.plugs:
            plug.free()

    def _people(self):
        self.tokens = {"nobody": "04DEADBEEF"}
        for number, (name, card) in enumerate(SETUP_CARDS.items()):
            driver = a_driver(self.organization, email=f"{name}@example.org", user=False)
            self.tokens[name] = a_token(driver, f"04AA0000{number:02}").value
            heard(lambda driver=driver, card=card: saves_card(self.provider, driver, card))
        purses = {
            "prepaid": (AccountKind.PREPAID, {}), "fleet": (AccountKind.FLEET, {"legal_name": "Vans B.V."}),
            "free": (AccountKind.FREE, {"reason": "Our own vans"}),
        }  # fmt: skip
        for number, (name, (kind, more)) in enumerate(purses.items()):
            account = accounts.open_account(access=self.owner, kind=kind, name=name, **more)
            driver = a_driver(self.organization, email=f"{name}@example.org", user=False)
            token = a_token(driver, f"04BB0000{number:02}")
            accounts.set_funding(access=self.owner, source=FundingSource(kind), token=token, account=account)
            self.tokens[name] = token.value
            if kind == AccountKind.PREPAID:
                accounts.adjust(access=self.owner, account=account, amount_minor=1500, reason="cash", key="1")
        made = vouchers.make_vouchers(access=self.owner, count=1, value_minor=900, sold=True)
        made += vouchers.make_vouchers(access=self.owner, count=1, value_minor=400)
        self.codes = [row.code for row in made]

    # Drivers, cars and stations

    def opens_page(self, plug, dies):
        try:
            with dying(dies):
                payment = billing.open_payment(connector=plug.connector, email="guest@example.org")
                plug.payments.append(payment)
                billing.start_checkout(payment=payment)
        except (PaymentRefused, PaymentError, Death):
            return

    def pays(self, plug, how, passes, comes_back, dies):
        payment = plug.pages[-1]
        with contextlib.suppress(OSError):  # 402: the page says no and stays open
            self.provider.pays(payment, number=PAGE_CARDS[how], authenticate="pass" if passes else "fail")
        if comes_back:
            task(lambda: billing.refresh(payment=payment), dies)

    def uses_voucher(self, plug, number, dies):
        with contextlib.suppress(PaymentRefused, ValidationError, Death), dying(dies):
            vouchers.start_with_voucher(connector=plug.connector, code=self.codes[number % 2])

    def station_answers(self, plug, accepted, dies):
        attempt = plug.attempts.last()
        until_told(lambda: plug.car.answers_start(attempt, accepted), dies)

    def plugs_in(self, plug, dies):
        attempt = plug.attempts.last()
        self._begins(plug, dies, attempt=attempt)

    def taps(self, plug, who, dies):
        token, station = self.tokens[who], plug.connector.station_id
        if billing.admit(station_id=station, token_value=token, at=clock.now()).accepted or who == "nobody":
            self._begins(plug, dies, token=token)

    def _begins(self, plug, dies, **how):
        number, at = Car.number, clock.now()

        def begins():
            Car.number = number  # the same transaction, told again
            plug.car.starts(at=at, **how)

        until_told(begins, dies)
        plug.running = True
        plug.begun_at = plug.car.register

    def draws(self, plug, kwh, dies):
        self.time(minutes=kwh * 6 + 1)
        at, before = clock.now(), plug.car.register

        def draws():
            plug.car.register = before
            plug.car.draws(kwh * KWH, at=at)

        until_told(draws, dies)

    def ends(self, plug, dies):
        until_told(plug.car.ends, dies)
        session = plug.car.session
        self.drawn[session.pk] = plug.car.register - plug.begun_at
        self.ended.append((plug.car.transaction, plug))
        plug.free()

    def late_reading(self, dies):
        """It was measured before the end and comes after it."""
        transaction_id, plug = self.ended[-1]
        if plug.running or plug.car.transaction != transaction_id:
            return
        session = plug.car.session
        plug.car.register += KWH // 10
        self.drawn[session.pk] += KWH // 10
        until_told(lambda: plug.car.draws(0, at=session.ended_at), dies)

    # The provider and the people of the house

    def told_by_webhook(self, how, dies, *, most=None):
        """The provider's events since the last time (the newest of them): in any order, doubled, or never."""
        fresh = [event for event in books(self.provider, "event") if event["id"] not in self.told]
        self.told |= {event["id"] for event in fresh}
        if how == "lost":
            return
        fresh = fresh[-most:] if most else fresh
        random.Random(len(fresh)).shuffle(fresh)
        for event in fresh * (2 if how == "doubled" else 1):
            assert post(self.client, event).status_code == 200
        task(billing.apply_webhooks, dies)

    def captured(self):
        """What cards were charged for: sessions, then top-ups and debts."""
        payments = Payment.objects.filter(state=PaymentState.CAPTURED).exclude(intent_id="").order_by("pk")
        return [*payments, *Collection.objects.filter(state=CollectionState.PAID).order_by("pk")]

    def refunds(self, charge, amount, dies):
        with contextlib.suppress(ValidationError, Death), dying(dies):
            refunds.give(charge=charge, amount_minor=amount, reason="Late", access=self.owner)

    def tops_up(self, amount, back, dies):
        account = Account.objects.get(kind=AccountKind.PREPAID)
        self._page(back, dies, purpose=Purpose.TOP_UP, amount_minor=amount, account=account)

    def debts(self):
        return list(Debt.objects.filter(state=DebtState.OPEN).order_by("pk"))

    def pays_debt(self, debt, back, dies):
        """Its page, as often as it is opened: two of them make a surplus."""
        left = debt.amount_minor - debt.collected_minor
        self._page(back, dies, purpose=Purpose.DEBT, amount_minor=left, debt=debt)

    def _page(self, back, dies, **about):
        row = None
        with contextlib.suppress(PaymentError, ValidationError, Death), dying(dies):
            row = collections.open_page(organization_id=self.organization.pk, currency="EUR", **about)
            collections.start_page(collection=row)
        if row is None or not Collection.objects.filter(pk=row.pk).exclude(checkout_id="").exists():
            return
        row.refresh_from_db()
        with contextlib.suppress(OSError):  # it was paid, or is over
            self.provider.control(f"sessions/{row.checkout_id}/pay")
        if back:
            task(lambda: collections.refresh(collection=row), dies)

    def failed(self):
        """Charges that came to nothing, whose hold may still stand."""
        return list(Payment.objects.filter(state=PaymentState.FAILED).exclude(intent_id="").order_by("pk"))

    def tries_again(self, payment, dies):
        with contextlib.suppress(ValidationError, Death), dying(dies):
            billing.retry(payment=payment, access=self.owner)

    def lets_go(self, debt, dies):
        with contextlib.suppress(ValidationError, Death), dying(dies):
            billing.waive(debt=debt, reason="our fault", access=self.owner)

    def decides(self, approve, dies):
        for row in Refund.objects.filter(state="waiting"):
            with contextlib.suppress(ValidationError, Death), dying(dies):
                billing.decide_refund(refund=row, approve=approve, access=self.other)

    def disputes(self, payment):
        with contextlib.suppress(OSError):  # it is disputed already, or given back
            self.provider.control("disputes", charge=payment.charge_id)

    def judges(self, verdict):
        for row in books(self.provider, "dispute"):
            with contextlib.suppress(OSError):  # it is over
                self.provider.control(f"disputes/{row['id']}/close", status=verdict)

    def answers_bank(self, dies):
        for row in Dispute.objects.filter(state="needs_response"):
            with contextlib.suppress(ValidationError, Death), dying(dies):
                billing.send_evidence(dispute=row, access=self.owner)

    def pays_out(self):
        with contextlib.suppress(OSError):  # nothing is there
            self.provider.control("payouts", currency="eur")

    def time(self, **span):
        span = timedelta(**span)
        clock.advance(span)
        self.provider.control("clock", advance=int(span.total_seconds()))

    def one_of_each(self):
        """What a life may meet at last, whatever came before: a card charged beyond its hold, a hold that outlives its
        time, one that nobody uses, goodwill, a notice told twice.
        """
        self.provider.control("faults", method="DELETE")
        for plug in self.plugs:
            if plug.running:
                self.ends(plug, None)
        first, second, third = self.plugs[:3]
        for _ in range(3):
            self.works_once()
        self.taps(third, "good", None)
        if third.running:
            self.works_once()
            self.time(minutes=9_600)  # eight hours before it ends
            self.works_once()
            self.one_hold_each()
            self.draws(third, 1, None)
            self.ends(third, None)
            self.works_once()
        self.taps(first, "good", None)
        if first.running:
            self.works_once()
            self.draws(first, 24, None)
            self.ends(first, None)
        self.opens_page(second, None)
        if second.pages:
            self.pays(second, "pays", True, True, None)
        self.taps(third, "asks", None)
        self.works_once()
        self.told_by_webhook("doubled", None, most=8)
        for charge in self.captured()[-1:]:
            self.refunds(charge, 10, None)
        if third.running:
            self.ends(third, None)
        self.works_once()

    def one_hold_each(self):
        """A hold that was renewed is freed at once, not when its time is over."""
        held = [row["metadata"].get("payment") for row in self.holds()]
        assert len(held) == len(set(held)), f"two holds for one payment: {held}"

    def works_once(self):
        for function in TASKS.values():
            heard(function)

    # Afterwards

    def settles(self):
        """Cars leave, stations answer, the provider is well again, and workers do what is due until nothing is."""
        self.provider.control("faults", method="DELETE")
        for plug in self.plugs:
            if plug.running:
                self.ends(plug, None)
            for attempt in plug.attempts:
                plug.car.answers_start(attempt, False)
        self.decides(True, None)
        self.works()
        assert not self.holds(), "a hold is open, and nothing is due"
        now = clock.now()
        span = {"since": now - timedelta(days=200), "until": now + timedelta(hours=1)}
        heard(lambda: reconcile(**span))  # webhooks that were lost
        self.works()

    def works(self):
        for _ in range(300):
            for function in TASKS.values():
                function()
            due = next_due()
            if due is None:
                return
            wait = (due - clock.now()).total_seconds()
            if wait > 0:
                self.time(seconds=int(wait) + 2)
        raise AssertionError(f"never at rest: {due}")

    def holds(self):
        return [row for row in books(self.provider, "payment_intent") if row["status"] == "requires_capture"]

    def holds_true(self):
        def most_of(session):
            return -(-self.drawn[session.pk] * PER_KWH // KWH) + PER_START

        self.time(hours=2)  # what is under way for an hour is no leak
        heard(lambda: the_balance_is_the_providers(self.provider))
        everything_holds(self.provider, self.organization, most_of=most_of)


def empty(provider):
    """A new database, a new provider, the clock right."""
    clock.set_offset(timedelta(0))
    with connection.constraint_checks_disabled(), connection.cursor() as cursor:
        tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
        keep = {"django_migrations", "django_content_type", "auth_permission"}
        for statement in connection.ops.sql_flush(no_style(), sorted({*tables} - keep)):
            cursor.execute(statement)
    forget(provider.double)


def forget(double):
    """The provider knows nothing of earlier tests any more."""
    with double.lock, double.store.transaction():
        for table in ("objects", "answers", "jobs", "deliveries", "settings"):
            double.store._db.execute(f"DELETE FROM {table}")
