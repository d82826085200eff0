"""Planting the demo: once and whole, kept by later starts, and of use to people afterwards."""

import json
import shutil
import sqlite3
import stat
from collections import defaultdict
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
import stripe
from django.core.management import CommandError, call_command
from django.db import connection

from alerts.models import Destination, EscalationLevel, Recipient, StationHealth, Subscription
from billing import queries as billing_queries
from billing import services as billing
from billing.gateways import gateway
from billing.models import (
    BalanceLine,
    CardReader,
    CustomerRun,
    Debt,
    Dispute,
    Enrolment,
    Payment,
    PaymentMethod,
    Payout,
    ProofRun,
    Receipt,
    Refund,
    StatementCorrection,
)
from billing.queries import customer_runs
from billing.queries.proof import prove
from billing.services import ledger
from billing.services.funding import judge
from billing.vocabulary import LedgerAccount
from evcms.core import clock
from evcms.core.access import Access, Role
from evcms.core.models import ApiToken, Membership, Organization, User
from evcms.core.services import token_digest
from evcms.demo import people, seed
from evcms.environment import demo_webhook_secret
from evcms.simulator import fleet
from evcms.simulator.history import build_history
from evcms.simulator.provider import running
from sessions.models import ChargingSession, Discrepancy, Driver, IdToken, UsageHour
from sessions.vocabulary import Verdict
from stations import passwords
from stations.models import Connector, MaintenanceWindow, Station

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def scratch(settings, folder, monkeypatch, provider):
    """An empty data folder; three days instead of ninety."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    settings.DATA_DIR, settings.MAP_BASE_FILE = folder, folder / "map" / "streets.geojson"
    monkeypatch.setattr(seed, "DAYS", 3)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The same for all tests: rows and files name it."""
    return tmp_path_factory.mktemp("demo") / "var"


@pytest.fixture(scope="module")
def planted_once(tmp_path_factory):
    """Where the rows and files of the first planting are kept, once there was one."""
    return tmp_path_factory.mktemp("planted")


@pytest.fixture
def planted(scratch, planted_once):
    """The data folder after one planting, which takes three seconds: the others get a copy of its rows and files."""
    if connection.vendor != "sqlite":
        plant()
        return scratch
    rows, files = planted_once / "rows.sqlite3", planted_once / "files"
    connection.ensure_connection()
    if not files.exists():
        plant()
        copy_rows(connection.connection, rows)
        shutil.copytree(scratch, files)
    else:
        copy_rows(rows, connection.connection)
        shutil.copytree(files, scratch, dirs_exist_ok=True)
    return scratch


def copy_rows(source, target):
    """A SQLite database, page by page; each end a connection or a path."""
    with ExitStack() as opened:
        ends = [
            opened.enter_context(closing(sqlite3.connect(end))) if isinstance(end, Path) else end
            for end in (source, target)
        ]
        ends[0].backup(ends[1])


def plant():
    said = StringIO()
    call_command("demo", stdout=said)
    return said.getvalue()


def kept():
    logins = people.folder() / "logins.json"
    return ChargingSession.objects.count(), Payment.objects.count(), logins.read_text()


def private(path):
    return stat.S_IMODE(path.stat().st_mode) == 0o600


def test_one_command_plants_a_network_that_people_and_chargers_can_enter(planted):
    left = json.loads((planted / "demo" / "logins.json").read_text())
    for login in left["logins"]:
        assert User.objects.get(email=login["email"]).check_password(left["password"])
    assert ApiToken.objects.filter(digest=token_digest(left["api_token"])).exists()
    assert Connector.objects.filter(code=left["try"], station__approval="accepted").exists()
    stations = fleet.read(planted / "demo" / "fleet.json")
    assert len(stations) == 60
    for station in stations:
        row = Station.objects.get(identity=station.identity)
        assert passwords.verify(row.password_digest, station.password.encode())
        codes = {plug.code for plug in station.connectors if plug.code}
        assert codes <= set(row.connectors.values_list("code", flat=True))
    assert private(planted / "demo" / "logins.json")
    assert private(planted / "demo" / "fleet.json")
    assert json.loads((planted / "map" / "streets.geojson").read_text())["type"] == "FeatureCollection"
    assert MaintenanceWindow.objects.filter(state="planned", starts_at__gt=clock.now()).count() == 1


def listens():
    """Drivers with and without an account, one who reads once a day; a chat room in the chain, a partner's system."""
    drivers = Recipient.objects.filter(audience="driver")
    assert [who.digest for who in drivers.order_by("digest")].count("daily") == 1
    mine = drivers.get(driver__isnull=False)
    assert [way.channel for way in mine.destinations.all()] == ["email", "sms"]
    wishes = Subscription.objects.filter(ended_at=None)
    assert {wish.topic for wish in wishes} == {"free", "broken", "repaired", "maintenance", "price"}
    assert wishes.filter(area__isnull=False, recipient=mine).count() == 1
    assert not wishes.filter(confirmed_at=None).exists()
    levels = EscalationLevel.objects.order_by("position")
    assert [level.recipient.name if level.recipient else "" for level in levels] == ["", "Control room", "Anna de Wit"]
    assert set(Destination.objects.values_list("channel", flat=True)) == {"email", "sms", "chat", "webhook"}
    partner = Destination.objects.get(channel="webhook")
    assert partner.keys["secrets"][0]["value"] == demo_webhook_secret()  # which the inbox knows, too


def test_its_past_adds_up(scratch, settings, monkeypatch):
    settings.DEMO_INBOX_URL = "http://127.0.0.1:8026"
    monkeypatch.setattr(customer_runs, "MOST_AT_ONCE", 10)
    plant()
    assert [model.objects.exclude(due_at=None).exists() for model in (ProofRun, CustomerRun)] == [True, True]
    assert StationHealth.objects.count() == Station.objects.filter(approval="accepted").count()
    listens()
    numbers = list(Receipt.objects.order_by("issued_at", "sequence").values_list("sequence", flat=True))
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) > 50
    assert sorted(Discrepancy.objects.values_list("kind", flat=True)) == ["conflicting_stop"]
    assert not ChargingSession.objects.filter(ended_at=None).exists()
    sold = sum(ChargingSession.objects.values_list("energy_mwh", flat=True))
    assert sold == sum(UsageHour.objects.values_list("energy_mwh", flat=True))
    organization, now = Organization.objects.get(), clock.now()
    proof = prove(organization=organization, since=now - timedelta(days=40), until=now)
    assert proof.leaks == ()
    assert proof.proven
    assert {
        (part.segment, part.sessions, part.energy_mwh, part.billed, part.owed) for part in proof.parts
    } == one_by_one()
    assert all(row.total_minor == row.payment.captured_minor for row in Receipt.objects.select_related("payment"))


def one_by_one():
    """The parts of a proof, each session looked at alone."""
    found = defaultdict(lambda: [0, 0, 0, 0])
    for session in ChargingSession.objects.select_related("bill__account"):
        bill, segments = session.bill, {"unpaid": "failed"}
        segment = segments.get(bill.state, bill.state)
        why = {"paid": bill.source, "invoiced": bill.account and bill.account.name}.get(segment, bill.reason)
        why = bill.account.reason if bill.source == "free" else why
        if bill.waived_minor and bill.waived_minor == bill.total_minor:
            segment, why = "waived", bill.waived_reason
        owed = ledger.balance(LedgerAccount.RECEIVABLE, bill=bill)
        for place, value in enumerate((1, session.energy_mwh, bill.total_minor, owed)):
            found[segment, why][place] += value
    return {(segment, *sums) for (segment, _why), sums in found.items()}


@pytest.mark.long
def test_the_provider_has_paid_out_every_week_and_each_payout_adds_up(scratch, settings, monkeypatch):
    monkeypatch.setattr(seed, "DAYS", 16)
    monkeypatch.setattr(seed, "build_history", of_the_motorway)
    plant()
    sent = list(Payout.objects.order_by("created_at"))
    assert [(row.created_at.weekday(), row.state) for row in sent] == [(0, "paid")] * len(sent)
    assert len(sent) >= 1
    with running(database=str(scratch / "provider.sqlite3")) as double:
        settings.STRIPE_API_BASE = double.public_url
        Payout.objects.update(due_at=clock.now())
        assert billing.payouts_due() == len(sent)
    for row in Payout.objects.all():
        assert row.difference_minor == 0
        assert row.lines.exclude(organization=None).count() == row.lines.count() > 0


def of_the_motorway(**said):
    whole = build_history(**said)
    return replace(whole, sessions=tuple(one for one in whole.sessions if one.site == "VZO"), outages=(), attempts=())


def test_a_bank_disputes_a_top_up_and_waits_for_an_answer(planted, settings):
    dispute = Dispute.objects.select_related("collection__account").get()
    top_up, account = dispute.collection, dispute.collection.account
    assert (top_up.state, top_up.disputed_minor, dispute.state) == ("paid", top_up.amount_minor, "needs_response")
    assert account.held_minor == account.balance_minor == dispute.aside_minor < top_up.amount_minor
    with running(database=str(planted / "provider.sqlite3")) as double:
        settings.STRIPE_API_BASE = double.public_url
        assert gateway().dispute(dispute.provider_id).taken_minor == top_up.amount_minor
        billing.read_books()
        assert not BalanceLine.objects.filter(organization=None).exists()
        now = clock.now()
        proof = prove(organization=Organization.objects.get(), since=now - timedelta(days=40), until=now, provider=True)
        assert proof.leaks == ()


def test_a_bill_of_a_paid_statement_was_corrected_and_the_fleet_has_its_credit(scratch, monkeypatch):
    monkeypatch.setattr(seed, "DAYS", 33)  # a whole month
    monkeypatch.setattr(seed, "build_history", of_the_depot)
    plant()
    correction = StatementCorrection.objects.get()
    assert correction.total_minor < 0
    assert (correction.statement.kind, correction.listed_on.kind) == ("month", "credit")
    assert correction.bill.total_minor < correction.statement.total_minor
    now = clock.now()
    assert prove(organization=Organization.objects.get(), since=now - timedelta(days=99), until=now).proven


def of_the_depot(**said):
    """The depot's alone: they are a fleet's, and quickly loaded."""
    whole = build_history(**said)
    return replace(whole, sessions=tuple(one for one in whole.sessions if one.site == "DEP"), outages=(), attempts=())


def test_a_second_start_keeps_the_data_and_meters_go_on_where_they_stood(planted):
    before = kept()
    session = ChargingSession.objects.select_related("station").latest("ended_at")
    ChargingSession.objects.filter(pk=session.pk).update(meter_last_mwh=session.meter_last_mwh + 7_000_000)
    said = plant()
    assert "kept" in said
    after = kept()
    assert before == after
    stations = {station.identity: station for station in fleet.read(planted / "demo" / "fleet.json")}
    registers = {plug.register_mwh for plug in stations[session.station.identity].connectors}
    assert session.meter_last_mwh + 7_000_000 in registers


def test_money_of_the_past_can_be_given_back(planted, settings):
    finance = Membership.objects.select_related("user", "organization").get(role=Role.FINANCE)
    access = Access(finance.organization, finance, finance.user, "finance")
    payment = Payment.objects.filter(state="captured").latest("settled_at")
    with running(database=str(planted / "provider.sqlite3")) as double:
        settings.STRIPE_API_BASE = double.public_url
        billing.refund(payment=payment, reason="goodwill", amount_minor=100, access=access)
        billing.refund_due()
        payment.refresh_from_db()
        assert Refund.objects.get(payment=payment).state == "done"
        assert payment.refunded_minor == 100
        assert double.store.get(payment.charge_id)["amount_refunded"] >= 100


def test_another_network_is_never_touched(scratch):
    Organization.objects.create(name="Real Charging", slug="real")
    with pytest.raises(CommandError, match="real network"):
        plant()
    assert Organization.objects.count() == 1
    assert not Station.objects.exists()


def test_outside_the_demo_the_command_refuses(scratch, settings):
    settings.DEMO = settings.TESTING = False
    with pytest.raises(CommandError, match="make demo"):
        plant()


def test_a_card_reader_stands_at_the_charger_that_is_kept_free(planted):
    left = json.loads((planted / "demo" / "logins.json").read_text())
    reader = CardReader.objects.get()
    assert reader.provider_id == left["reader"]
    assert reader.station == Connector.objects.get(code=left["try"]).station
    with running(database=str(planted / "provider.sqlite3")) as double:
        known = stripe.StripeClient("sk_test_demo", base_addresses={"api": double.public_url}).v1.terminal.readers
        assert [each.label for each in known.list().data] == [reader.label]


def test_a_driver_with_a_card_on_file_taps_plugs_in_and_owes_nothing_and_another_one_owes(planted):
    daan = Driver.objects.get(email="driver@marenhaven.example")
    card = PaymentMethod.objects.get(driver=daan)
    assert (card.card, card.state, card.is_default) == ("Visa •••• 4242", "active", True)
    car = Enrolment.objects.get(driver=daan)
    assert (car.state, car.token.type) == ("confirmed", "MacAddress")
    for token in IdToken.objects.filter(driver=daan):
        assert judge([token]) == [None]
    ways = {visit.session.id_token.type for visit in billing_queries.visits(daan)}
    assert ways == {"ISO14443", "MacAddress"}  # his card at home, his car at the motorway
    paid = [visit for visit in billing_queries.visits(daan) if visit.receipt]
    assert len(paid) >= 3
    assert all(visit.payment.method == card for visit in paid)
    with running(database=str(planted / "provider.sqlite3")) as double:
        known = stripe.StripeClient("sk_test_demo", base_addresses={"api": double.public_url}).v1
        for method in PaymentMethod.objects.all():
            assert known.payment_methods.retrieve(method.method_id).customer == method.customer_id
    debt = Debt.objects.get(state="open")
    assert debt.amount_minor == debt.bill.total_minor > 0
    assert debt.driver.payment_methods.get().state == "refused"
    assert judge([debt.bill.session.id_token]) == [Verdict.NO_CREDIT]
