"""Every mWh in one place, the money beside it, and each kind of leak found: one is put in, one is told."""

import json
import sqlite3
from contextlib import contextmanager
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.models import F

from billing import services as billing
from billing.models import (
    Account,
    BalanceLine,
    Bill,
    FundingRule,
    JournalEntry,
    JournalLine,
    Payment,
    Payout,
    Receipt,
    Refund,
    Statement,
    TariffAssignment,
    WebhookEvent,
)
from billing.proof import Segment
from billing.queries import proof as proofs
from billing.services import Resolution, accounts, debts, payments, settlement
from evcms.core import clock
from evcms.core.access import Role
from sessions import services as sessions
from sessions.models import ChargingSession, Driver, IdToken
from sessions.vocabulary import SessionEnd
from stations import services as stations
from stations.models import Gateway
from stations.vocabulary import ConnectorStatus, StatusReport
from tests.billing.conftest import KWH, later, paid, work
from tests.billing.test_corrections import person

pytestmark = [pytest.mark.django_db(transaction=True)]


@pytest.fixture
def finance(organization):
    return person(organization, Role.OWNER)


def card(organization, value, source, account=None):
    driver = Driver.objects.create(organization=organization, name=value, email=f"{value.lower()}@example.org")
    token = IdToken.objects.create(organization=organization, value=value, folded=value, driver=driver)
    FundingRule.objects.create(organization=organization, token=token, source=source, account=account)
    return token


def leaves(car):
    """The plug is free again."""
    report = StatusReport(1, 1, ConnectorStatus.AVAILABLE, clock.now(), clock.now())
    stations.status_reported(station_id=car.station.pk, report=report)


def charge(car, token, kwh=10, minutes=60):
    car.starts(token=token)
    later(minutes=minutes)
    car.ends(kwh * KWH)
    work()
    leaves(car)
    later(minutes=5)
    return car.session


@pytest.fixture
def month(provider, tariff, connector, car, organization, finance, monkeypatch):
    """One session of every kind: by card, given back in part, on a balance, for a fleet, free, unpaid, let go."""
    made = {}
    monkeypatch.setattr(payments, "START_WITHIN", timedelta(days=1))  # the double's clock stands
    Gateway.objects.update(lease_until=clock.now() + timedelta(days=2))
    for name in ("card", "refunded"):
        payment = paid(provider, connector)
        car.starts(payment.attempt)
        later(minutes=60)
        car.ends(20 * KWH)
        work()
        leaves(car)
        later(minutes=5)
        made[name] = car.session
    billing.refund(payment=made["refunded"].payment, amount_minor=100, reason="goodwill", access=finance)
    work()
    balance = accounts.open_account(access=finance, kind="prepaid", name="Ann")
    accounts.adjust(access=finance, account=balance, amount_minor=5000, reason="opening", key="opening")
    card(organization, "PREPAID1", "prepaid", balance)
    made["prepaid"] = charge(car, "PREPAID1")
    fleet = accounts.open_account(access=finance, kind="fleet", name="Vans", legal_name="Vans B.V.")
    card(organization, "FLEET1", "fleet", fleet)
    made["fleet"] = charge(car, "FLEET1")
    policy = accounts.open_account(access=finance, kind="free", name="Staff", reason="Staff")
    card(organization, "STAFF1", "free", policy)
    made["free"] = charge(car, "STAFF1")
    made["unpaid"] = charge(car, "NOBODY1")
    made["waived"] = charge(car, "NOBODY2")
    debts.waive(debt=made["waived"].bill.debt, reason="the cable was stuck", access=finance)
    car.starts(token="NOBODY3")
    later(minutes=10)
    car.draws(1 * KWH)
    made["running"] = car.session
    later(hours=2)
    work()
    return made


def prove(organization, **more):
    now = clock.now()
    return proofs.prove(
        organization=organization, since=now - timedelta(days=20), until=now + timedelta(hours=1), **more
    )


def told(organization):
    return [leak.kind for leak in prove(organization).leaks]


def test_every_kwh_is_in_one_segment_and_its_money_in_the_books(month, organization):
    proof = prove(organization)
    assert proof.leaks == ()
    assert {segment: energy // KWH for segment, energy, _ in proof.segments} == {
        "unmetered": 0, "open": 1, "failed": 10, "disputed": 0, "waived": 10, "free": 10, "prepaid": 10,
        "invoiced": 10, "paid": 40,
    }  # fmt: skip
    assert proof.remainder_mwh == 0
    assert proof.total_mwh == 91 * KWH
    books = {book.name: (book.rows, book.journal) for book in proof.books}
    assert books == {
        "billed": (2 * 1090 + 4 * 600, 2 * 1090 + 4 * 600), "captured": (2180, 2180), "refunded": (100, 100),
        "from balances": (600, 600), "invoiced": (600, 600), "waived": (600, 600),
    }  # fmt: skip
    assert proof.proven
    waived = next(part for part in proof.parts if part.segment == Segment.WAIVED)
    assert waived.detail == "the cable was stuck – owner@example.org"
    failed = next(part for part in proof.parts if part.segment == Segment.FAILED)
    assert failed.owed == 600
    for part in proof.parts:
        rows = proofs.sessions_of(organization, proof.since, proof.until)
        assert proofs.in_segment(rows, part.segment, part.detail).count() == part.sessions


def test_the_command_says_it_and_ends_with_0_or_1(month, organization):
    said = StringIO()
    call_command("prove", stdout=said)
    assert "proven: every kWh" in said.getvalue()
    Receipt.objects.filter(sequence=1).update(total_minor=1)
    said = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("prove", "--json", "--organization", organization.slug, stdout=said)
    assert ended.value.code == 1
    assert [leak["kind"] for leak in json.loads(said.getvalue())[organization.slug]["leaks"]] == ["receipt_amount"]


# Leaks ----------------------------------------------------------------------------------------------------------------


def raw(statement, *values):
    """Somebody with the database's own tools, who cares for no service, trigger or foreign key."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA foreign_keys = OFF")
        cursor.execute(statement, values)
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA foreign_keys = ON")


def behind_the_seal(statement, *values):
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'billing_journal%'")
        kept = cursor.fetchall()
        for name, _ in kept:
            cursor.execute(f"DROP TRIGGER {name}")
        cursor.execute("PRAGMA foreign_keys = OFF")
        cursor.execute(statement, values)
        cursor.execute("PRAGMA foreign_keys = ON")
        for _, sql in kept:
            cursor.execute(sql)


def balance_line(payment, **fields):
    values = {
        "provider_id": f"txn_{BalanceLine.objects.count()}", "organization": payment.organization, "payment": payment,
        "kind": "charge", "currency": "EUR", "amount_minor": 1090, "net_minor": 1060, "fee_minor": 30,
        "at": clock.now() - timedelta(hours=2),
    }  # fmt: skip
    BalanceLine.objects.create(**values | fields)


def lost_webhook(month, provider, connector, car, **_):
    car.ends(0)
    work()
    leaves(car)
    payment = paid(provider, connector)
    later(hours=3)
    balance_line(payment)


def no_bill(month, **_):
    raw("DELETE FROM billing_debt WHERE bill_id = %s", month["unpaid"].bill.pk)
    behind_the_seal("DELETE FROM billing_journalline WHERE entry_id IN "
                    "(SELECT id FROM billing_journalentry WHERE bill_id = %s)", month["unpaid"].bill.pk)  # fmt: skip
    behind_the_seal("DELETE FROM billing_journalentry WHERE bill_id = %s", month["unpaid"].bill.pk)
    raw("DELETE FROM billing_bill WHERE id = %s", month["unpaid"].bill.pk)


def no_tariff(month, car, **_):
    TariffAssignment.objects.all().delete()
    car.ends(0)
    charge(car, "NOBODY4")
    later(hours=2)


def never_captured(month, provider, connector, car, **_):
    car.ends(0)
    work()
    leaves(car)
    payment = paid(provider, connector)
    car.starts(payment.attempt)
    later(minutes=60)
    car.ends(20 * KWH)
    settlement.settle_session(session_id=car.session.pk)
    later(hours=3)


def orphan(month, car, connector, **_):
    car.ends(0)
    work()
    later(hours=1)
    sessions.end(end=SessionEnd(
        station_id=connector.station_id, transaction_id="nobody", at=clock.now(), received_at=clock.now(),
        meter_stop_mwh=car.register + 5 * KWH, evse=1, connector=1,
    ))  # fmt: skip
    car.register += 5 * KWH
    charge(car, "NOBODY5")
    later(hours=2)


def register_gap(month, car, **_):
    car.ends(0)
    work()
    later(hours=1)
    car.register += 5 * KWH
    charge(car, "NOBODY5")


def no_money(month, **_):
    raw("DELETE FROM billing_payment WHERE id = %s", month["card"].payment.pk)


def receipt_doubled(month, organization, **_):
    billing_receipt = Receipt.objects.get(payment=month["card"].payment)
    billing_receipt.pk, billing_receipt.public_id, billing_receipt.corrects = None, "doubled", billing_receipt
    billing_receipt.sequence = Receipt.objects.count() + 1
    billing_receipt.corrects_id = Receipt.objects.get(payment=month["card"].payment).pk
    billing_receipt.save()
    raw("UPDATE billing_receiptcounter SET last = last + 1")


def number_gap(month, **_):
    raw("UPDATE billing_receiptcounter SET last = last + 1")


def receipt_missing(month, **_):
    last = Receipt.objects.latest("sequence")
    last.delete()
    raw("UPDATE billing_receiptcounter SET last = last - 1")


def receipt_amount(month, **_):
    Receipt.objects.filter(payment=month["card"].payment).update(total_minor=900)


def entry_missing(month, **_):
    entry = JournalEntry.objects.get(kind="capture", bill=month["card"].bill)
    behind_the_seal("DELETE FROM billing_journalline WHERE entry_id = %s", entry.pk)
    behind_the_seal("DELETE FROM billing_journalentry WHERE id = %s", entry.pk)


def line_altered(month, **_):
    line = JournalLine.objects.filter(entry__kind="price", account="revenue").first()
    behind_the_seal("UPDATE billing_journalline SET amount_minor = amount_minor + 1 WHERE id = %s", line.pk)


def refund_unknown(month, **_):
    balance_line(month["card"].payment, kind="refund", amount_minor=-500, net_minor=-500, refund=None, source_id="re_1")


def refund_unposted(month, **_):
    entry = JournalEntry.objects.get(kind="refund")
    behind_the_seal("DELETE FROM billing_journalline WHERE entry_id = %s", entry.pk)
    behind_the_seal("DELETE FROM billing_journalentry WHERE id = %s", entry.pk)


def hold_open(month, **_):
    payment = month["card"].payment
    entry = JournalEntry.objects.get(kind="capture", bill=month["card"].bill)
    assert entry
    Payment.objects.filter(pk=payment.pk).update(state="authorized")


def trace(month, **_):
    Bill.objects.filter(pk=month["fleet"].bill.pk).update(trace=month["free"].bill.trace | {"total": 599})


def energy(month, **_):
    ChargingSession.objects.filter(pk=month["card"].pk).update(energy_mwh=F("energy_mwh") - 500_000)


def twice(month, connector, **_):
    row = ChargingSession.objects.get(pk=month["unpaid"].pk)
    row.pk, row.public_id, row.transaction_id, row.start_key, row.attempt = None, "twice", "twice", None, None
    row.save()


def balance(month, **_):
    Account.objects.filter(kind="prepaid").update(balance_minor=F("balance_minor") + 1)


def statement(month, organization, **_):
    bill = month["fleet"].bill
    account = Account.objects.get(kind="fleet")
    Statement.objects.create(
        organization=organization, account=account, starts_at=bill.final_at - timedelta(days=5), sequence=1,
        ends_at=bill.final_at + timedelta(days=5), year=2026, currency="EUR", net_minor=0, tax_minor=0, total_minor=0,
        document={}, due_on=clock.now().date(),
    )  # fmt: skip


def payout_difference(month, **_):
    payout = Payout.objects.create(
        provider_id="po_1", currency="EUR", amount_minor=100, state="paid", created_at=clock.now(), difference_minor=7
    )
    balance_line(month["card"].payment, payout=payout)


def hours(month, **_):
    raw("UPDATE charging_usagehour SET energy_mwh = energy_mwh + 1 WHERE id = (SELECT MIN(id) FROM charging_usagehour)")


def webhook_waiting(month, **_):
    WebhookEvent.objects.create(
        provider_id="evt_1", kind="charge.captured", received_at=clock.now() - timedelta(hours=9)
    )


def unsealed(month, **_):
    raw("DROP TRIGGER billing_journalentry_no_update")


def refund_sum(month, **_):
    Payment.objects.filter(pk=month["refunded"].payment.pk).update(refunded_minor=50)


LEAKS = {
    lost_webhook: "lost_webhook", no_bill: "no_bill", no_tariff: "no_tariff", never_captured: "never_captured",
    orphan: "orphan", register_gap: "register_gap", no_money: "no_money", receipt_doubled: "receipt_doubled",
    number_gap: "number_gap", receipt_missing: "receipt_missing", receipt_amount: "receipt_amount",
    entry_missing: "unposted", line_altered: "unbalanced", refund_unknown: "refund_unknown",
    refund_unposted: "unposted", hold_open: "hold_open", trace: "trace", energy: "energy", twice: "twice",
    balance: "balance", statement: "statement", payout_difference: "payout_difference", hours: "hours",
    webhook_waiting: "webhook_waiting", unsealed: "unsealed", refund_sum: "refund_sum",
}  # fmt: skip


@contextmanager
def undone(car):
    """Afterwards the database file, the car and the clock are as before: each leak has the same month to itself."""
    kept, known, offset = sqlite3.connect(":memory:"), vars(car).copy(), clock.offset()
    connection.connection.backup(kept)
    yield
    connection.close()
    connection.ensure_connection()
    kept.backup(connection.connection)
    kept.close()
    vars(car).clear()
    vars(car).update(known)
    clock.set_offset(offset)


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="the tools that break it speak SQLite")
@pytest.mark.parametrize("number", range(3))
def test_a_leak_is_found_and_no_other_is_told(number, month, organization, provider, connector, car):
    found = {}
    for leak in list(LEAKS)[number::3]:
        with undone(car):
            leak(month=month, organization=organization, provider=provider, connector=connector, car=car)
            found[leak.__name__] = told(organization)
    assert found == {leak.__name__: [LEAKS[leak]] for leak in list(LEAKS)[number::3]}
    assert told(organization) == []


def test_energy_that_left_without_a_session_is_unmetered(month, organization, car):
    register_gap(month=month, car=car)
    proof = prove(organization)
    assert proof.energy(Segment.UNMETERED) == 5 * KWH
    assert proof.remainder_mwh == 0


def test_the_provider_is_asked_when_somebody_wants_it(month, organization, provider, connector, car):
    car.ends(0)
    work()
    leaves(car)
    payment = paid(provider, connector)
    provider.api.payment_intents.capture(payment.intent_id, {"amount_to_capture": 500})
    later(hours=3)
    assert [leak.kind for leak in prove(organization, provider=True).leaks] == ["lost_webhook"]


def test_a_corrected_bill_leaves_no_leak(month, organization, finance):
    bill = Bill.objects.get(session=month["card"])
    billing.resolve_bill(bill=bill, resolution=Resolution.ENERGY, reason="meter", access=finance, energy_mwh=10 * KWH)
    work()
    assert prove(organization).leaks == ()
    assert Refund.objects.count() == 2


def test_nobody_changes_what_was_posted(month):
    from django.db import DatabaseError, transaction

    for rows in (JournalEntry.objects.all(), JournalLine.objects.all()):
        changes = {"kind": "x"} if rows.model is JournalEntry else {"amount_minor": 1}
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            rows.update(**changes)


@pytest.mark.postgres
def test_on_postgresql_nobody_deletes_what_was_posted_either(month):
    from django.db import DatabaseError, transaction

    if connection.vendor == "postgresql":
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            JournalLine.objects.all().delete()


def test_a_new_database_proves_nothing_is_lost(organization):
    proof = prove(organization)
    assert proof.proven
    assert proof.total_mwh == 0
