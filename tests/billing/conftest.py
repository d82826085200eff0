"""A network with prices, a station that a test plays, and the provider's double over real HTTP."""

import json
import urllib.request
from datetime import timedelta

import pytest
import stripe
from django.db import connection

from billing import services as billing
from billing.gateways.stripe.client import Part
from billing.models import Payment, Tariff, TariffAssignment
from evcms.core import clock, delivery, events
from evcms.simulator.provider import running
from sessions import services as sessions
from sessions.models import Attempt, ChargingSession
from sessions.vocabulary import Sample, SessionEnd, SessionStart, SessionState
from stations import services as stations
from stations.models import Command, Connector
from stations.vocabulary import Answer, CommandState, ConnectorStatus, StatusReport
from tests.stations.conftest import *
from tests.tariffs import flat

KEY = "sk_test_of_the_tests_0123456789abcdef"
SECRET = "whsec_of_the_tests_0123456789abcdef"
KWH = 1_000_000


class Silent:
    """No signal server here: tests run tasks themselves and look at what was nudged."""

    def __init__(self):
        self.nudged, self.told = [], []

    def nudge(self, task):
        self.nudged.append(task)

    def broadcast(self, group, message):
        self.told.append((group, message))


@pytest.fixture(autouse=True)
def signals(monkeypatch):
    silent = Silent()
    monkeypatch.setattr(events, "_transport", silent)
    return silent


@pytest.fixture(scope="session")
def double(tmp_path_factory):
    """The provider's double, really listening, for the whole run."""
    database = str(tmp_path_factory.mktemp("provider") / "provider.sqlite3")
    with running(database=database, merchant="City Charging") as made:
        yield made


class Provider:
    """The double as a test sees it: what a person does on its page, its own books, and its webhooks."""

    def __init__(self, double):
        self.double, self.url = double, double.public_url
        self.api = stripe.StripeClient(KEY, base_addresses={"api": self.url}, max_network_retries=0).v1
        self.calls = []

    def control(self, path, method="POST", **body):
        request = urllib.request.Request(
            f"{self.url}/_double/{path}",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
            method=method,
        )
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as answer:
            return json.load(answer)

    def pays(self, payment, **how):
        """A person fills in the hosted page."""
        payment.refresh_from_db()
        return self.control(f"sessions/{payment.checkout_id}/pay", **how)

    def fault(self, **rule):
        self.control("faults", **rule)

    def intent(self, payment):
        payment.refresh_from_db()
        return self.api.payment_intents.retrieve(payment.intent_id, {"expand": ["latest_charge"]})

    def events(self):
        """Oldest first, as the double keeps them."""
        return list(reversed(self.api.events.list({"limit": 100}).data))


@pytest.fixture
def provider(double, settings, monkeypatch):
    settings.STRIPE_SECRET_KEY, settings.STRIPE_WEBHOOK_SECRET = KEY, SECRET
    settings.STRIPE_API_BASE, settings.PAYMENTS_ON = double.public_url, True
    made = Provider(double)
    ask = Part._ask

    def outside_any_transaction(call):
        assert not connection.in_atomic_block, "the provider was called inside a transaction"
        made.calls.append(call)
        return ask(call)

    monkeypatch.setattr(Part, "_ask", staticmethod(outside_any_transaction))
    yield made
    made.control("faults", method="DELETE")
    made.control("clock", method="DELETE")


@pytest.fixture
def tariff(organization):
    made = Tariff.objects.create(
        organization=organization,
        name="Street",
        currency="EUR",
        hold="30",
        **flat(per_kwh="0.49", per_start="1.10"),
    )
    TariffAssignment.objects.create(tariff=made, organization=organization, valid_from=clock.now() - timedelta(days=1))
    return made


@pytest.fixture
def connector(linked):
    stations.status_reported(
        station_id=linked.pk,
        report=StatusReport(1, 1, ConnectorStatus.AVAILABLE, clock.now() - timedelta(minutes=5), clock.now()),
    )
    return Connector.objects.select_related("station__organization", "station__site", "evse").get(
        station=linked, evse__number=1
    )


def work():
    """Everything that workers would do now: deliveries, then money's tasks, until nothing is left."""
    for _ in range(10):
        done = delivery.deliver_due()
        done += billing.capture_due() + billing.refund_due()
        if not done:
            break


def later(**span):
    clock.advance(timedelta(**span))


class Car:
    """A station with a car, as the charger door would report it (2.x words)."""

    number = 0

    def __init__(self, station, evse=1):
        self.station, self.evse, self.register = station, evse, 5_000 * KWH
        self.seq = 0

    def answers_start(self, attempt, accepted=True):
        command = Command.objects.get(pk=attempt.command_id)
        stations.command_sent(command_id=command.pk)
        status = "Accepted" if accepted else "Rejected"
        stations.command_answered(command_id=command.pk, answer=Answer(accepted, status))

    def starts(self, attempt=None, token="", at=None, state=SessionState.CHARGING):
        Car.number += 1
        self.transaction = f"tx-{Car.number}"
        now = at or clock.now()
        return billing.begin(
            start=SessionStart(
                station_id=self.station.pk,
                protocol="ocpp2.0.1",
                at=now,
                received_at=clock.now(),
                transaction_id=self.transaction,
                evse=self.evse,
                connector=1,
                token_value=attempt.token_value if attempt else token,
                meter_start_mwh=self.register,
                remote_start_id=attempt.pk if attempt else None,
                state=state,
                seq_no=0,
            )
        )

    def draws(self, mwh, at=None, power=11_000):
        self.register += mwh
        now = at or clock.now()
        sessions.record(
            station_id=self.station.pk,
            transaction_id=self.transaction,
            evse=self.evse,
            samples=[Sample(now, energy_mwh=self.register, power_w=power)],
            received_at=clock.now(),
        )

    def ends(self, mwh=0, reason="EVDisconnected"):
        self.register += mwh
        return billing.finish(
            end=SessionEnd(
                station_id=self.station.pk,
                transaction_id=self.transaction,
                at=clock.now(),
                received_at=clock.now(),
                meter_stop_mwh=self.register,
                reason=reason,
                evse=self.evse,
                connector=1,
            )
        )

    @property
    def session(self):
        return ChargingSession.objects.get(station=self.station, transaction_id=self.transaction)


@pytest.fixture
def car(connector):
    return Car(connector.station)


def checkout(connector, **more):
    """A driver at the provider's page."""
    payment = billing.open_payment(connector=connector, email="driver@example.org", **more)
    billing.start_checkout(payment=payment)
    payment.refresh_from_db()
    return payment


def paid(provider, connector, **more):
    """A driver who has paid and come back: the hold stands, the start is asked for."""
    payment = checkout(connector, **more)
    provider.pays(payment)
    billing.refresh(payment=payment)
    payment.refresh_from_db()
    return payment


def stops_asked(session):
    return Command.objects.filter(kind="StopCharging", fields__transaction_id=session.transaction_id)


__all__ = ["Answer", "Attempt", "CommandState", "Payment"]
