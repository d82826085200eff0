"""Top-ups, debts and statements paid by card: given back, disputed, lost, won; the balance, debt or statement says what
the journal says, and the provider's books agree.
"""

import io
import zipfile
from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from alerts.models import Incident
from billing import evidence
from billing import services as billing
from billing.gateways import gateway
from billing.models import (
    Account,
    BalanceLine,
    Bill,
    BillingSettings,
    Collection,
    Debt,
    Dispute,
    JournalEntry,
    Receipt,
    Refund,
    Statement,
    WebhookEvent,
)
from billing.queries import proof as proofs
from billing.services import accounts, collections, disputes, following, ledger, refunds, statements
from billing.services.reconcile import reconcile
from billing.vocabulary import (
    AccountKind,
    BillState,
    CollectionState,
    DebtState,
    DisputeState,
    FundingSource,
    LedgerAccount,
    Purpose,
    RefundState,
    StatementState,
)
from evcms.core import clock
from evcms.core.access import Role
from evcms.core.models import AuditEntry
from sessions import services as sessions
from tests.billing.conftest import KWH, Car, later, work
from tests.billing.saved import a_driver, a_token, tells
from tests.billing.test_crashes import Killed, killed_at
from tests.billing.world import forget
from tests.stations.conftest import make_access

pytestmark = pytest.mark.django_db(transaction=True)
SOON = timedelta(hours=1)


@pytest.fixture(autouse=True)
def fresh(provider):
    forget(provider.double)


def paid_by_page(provider, *, purpose, amount, organization, **about):
    row = collections.open_page(
        purpose=purpose, organization_id=organization.pk, amount_minor=amount, currency="EUR", **about
    )
    collections.start_page(collection=row)
    row.refresh_from_db()
    provider.control(f"sessions/{row.checkout_id}/pay")
    collections.refresh(collection=row)
    row.refresh_from_db()
    assert row.state == CollectionState.PAID
    return row


@pytest.fixture
def driver(organization):
    return a_driver(organization)


@pytest.fixture
def balance(driver):
    accounts.use_balance(driver=driver, yes=True)
    return accounts.own_balance(driver=driver)


@pytest.fixture
def top_up(provider, organization, driver, balance):
    return paid_by_page(
        provider, purpose=Purpose.TOP_UP, amount=5000, organization=organization, account=balance, driver=driver
    )


def spends(driver, station, kwh):
    """A session from the balance."""
    token = a_token(driver, value=f"04AA{Car.number:04d}")
    car = Car(station)
    car.starts(token=token.value)
    later(minutes=30)
    car.ends(kwh * KWH)
    work()
    return car.session


@pytest.fixture
def owed(provider, driver, tariff, car, organization):
    """A session that nobody paid: 6.00 owed."""
    token = a_token(driver)
    accounts.use_balance(driver=driver, yes=True)
    own = accounts.own_balance(driver=driver)
    Account.objects.filter(pk=own.pk).update(balance_minor=1)  # a cent lets it start
    car.starts(token=token.value)
    Account.objects.filter(pk=own.pk).update(balance_minor=0)
    later(minutes=30)
    car.ends(10 * KWH)
    work()
    debt = Debt.objects.get()
    assert debt.amount_minor == 600
    return debt


@pytest.fixture
def paid_debt(provider, organization, owed):
    row = paid_by_page(provider, purpose=Purpose.DEBT, amount=600, organization=organization, debt=owed)
    owed.refresh_from_db()
    assert owed.state == DebtState.PAID
    return row


@pytest.fixture
def statement(provider, owner, tariff, connector):
    made = accounts.open_account(
        access=owner, kind=AccountKind.FLEET, name="Taxis", legal_name="Taxi B.V.", email="books@taxi.example"
    )
    card = sessions.create_token(access=owner, value="04A1B2C3")
    accounts.set_funding(access=owner, source=FundingSource.FLEET, token=card, account=made)
    car = Car(connector.station)
    car.starts(token="04A1B2C3")
    later(minutes=30)
    car.ends(10 * KWH)
    work()
    ahead = statements.month_of(clock.now(), ZoneInfo("Europe/Amsterdam"))[1] - clock.now()
    clock.advance(ahead)
    provider.control("clock", advance=int(ahead.total_seconds()))
    billing.issue_statements()
    return Statement.objects.get()


@pytest.fixture
def paid_statement(provider, organization, statement):
    return paid_by_page(provider, purpose=Purpose.STATEMENT, amount=600, organization=organization, statement=statement)


def disputed(provider, row, **how):
    found = provider.control("disputes", charge=row.charge_id, **how)
    disputes.follow_dispute(claim=gateway().dispute(found["id"]))
    return Dispute.objects.get(provider_id=found["id"])


def judged(provider, dispute, verdict):
    provider.control(f"disputes/{dispute.provider_id}/close", status=verdict)
    for _twice in range(2):
        disputes.follow_dispute(claim=gateway().dispute(dispute.provider_id))
    dispute.refresh_from_db()


def given_back(provider, row):
    return sorted(refund.amount for refund in provider.api.refunds.list({"payment_intent": row.intent_id}).data)


def books(organization, *names):
    return tuple(ledger.balance(name, organization_id=organization.pk) for name in names)


def all_adds_up(organization):
    """Balanced, each account the sum of its lines, nothing lost, by our books and the provider's."""
    billing.read_books()
    later(hours=50)
    now = clock.now()
    since = now - timedelta(days=100)
    proof = proofs.prove(organization=organization, since=since, until=now, provider=True)
    assert proof.leaks == ()
    assert proof.exact, proof.to_json()
    at_provider = sum(line.net_minor for line in BalanceLine.objects.filter(organization=organization))
    assert books(organization, LedgerAccount.CARD_CLEARING) == (at_provider,)
    assert not BalanceLine.objects.filter(organization=None).exists()


# Refunds


def test_of_a_top_up_only_what_is_free_on_the_balance_goes_back(
    provider, top_up, balance, driver, linked, tariff, owner, organization
):
    spends(driver, linked, 10)  # 6.00
    assert refunds.refundable(top_up) == 4400
    with pytest.raises(ValidationError, match=r"at most 44\.00"):
        billing.refund_collection(collection=top_up, amount_minor=4401, reason="moved away", access=owner)
    row = billing.refund_collection(collection=top_up, reason="moved away", access=owner)
    balance.refresh_from_db()
    assert (row.amount_minor, balance.balance_minor, balance.held_minor) == (4400, 4400, 4400)
    work()
    for each in (row, balance, top_up):
        each.refresh_from_db()
    assert (row.state, top_up.refunded_minor, given_back(provider, top_up)) == (RefundState.DONE, 4400, [4400])
    assert (balance.balance_minor, balance.held_minor) == (0, 0)
    assert books(organization, LedgerAccount.PREPAID, LedgerAccount.CARD_CLEARING) == (0, 600)
    assert AuditEntry.objects.get(action="collection.refund").detail["reason"] == "moved away"
    with pytest.raises(ValidationError, match="Nothing is left"):
        billing.refund_collection(collection=top_up, reason="again", access=owner)
    all_adds_up(organization)


def test_what_a_running_session_has_set_aside_does_not_go_back(
    provider, top_up, driver, linked, tariff, owner, organization
):
    token = a_token(driver)
    car = Car(linked)
    car.starts(token=token.value)  # 30.00 set aside
    assert refunds.refundable(top_up) == 2000
    billing.refund_collection(collection=top_up, reason="now", access=owner)
    work()
    later(minutes=30)
    car.ends(10 * KWH)
    work()
    assert refunds.refundable(Collection.objects.get()) == 2400
    all_adds_up(organization)


def test_a_refund_that_waits_keeps_its_money_from_being_spent(
    provider, top_up, balance, driver, linked, tariff, owner, organization
):
    BillingSettings.objects.create(organization=organization, refund_limit_minor=1000)
    row = billing.refund_collection(collection=top_up, reason="moved away", access=owner)
    assert row.state == RefundState.WAITING
    token = a_token(driver)
    assert not Car(linked).starts(token=token.value).decision.accepted
    with pytest.raises(ValidationError, match="somebody else must"):
        billing.decide_refund(refund=row, approve=True, access=owner)
    second = make_access(organization, Role.FINANCE)
    billing.decide_refund(refund=row, approve=False, access=second)
    balance.refresh_from_db()
    assert (balance.balance_minor, balance.held_minor) == (5000, 0)
    again = billing.refund_collection(collection=top_up, reason="moved away", access=owner)
    billing.decide_refund(refund=again, approve=True, access=second)
    work()
    balance.refresh_from_db()
    assert (balance.balance_minor, balance.held_minor) == (0, 0)
    all_adds_up(organization)


def test_the_same_form_sent_twice_is_one_refund(provider, top_up, owner):
    for _twice in range(2):
        billing.refund_collection(collection=top_up, amount_minor=100, reason="x", access=owner, request_key="k")
    work()
    assert given_back(provider, top_up) == [100]


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.TECHNICIAN, Role.VIEWER])
def test_only_finance_and_owners_give_back(provider, top_up, organization, rival, role):
    for access in (make_access(organization, role), make_access(rival, Role.OWNER)):
        with pytest.raises(PermissionDenied):
            billing.refund_collection(collection=top_up, reason="x", access=access)


@pytest.mark.parametrize(
    ("module", "name", "after"),
    [(following, "follow_refunds", False), (following, "_follow_refund", True), (refunds, "_claim", True)],
)
def test_a_worker_that_dies_gives_a_top_up_back_once(
    provider, top_up, balance, owner, organization, monkeypatch, module, name, after
):
    billing.refund_collection(collection=top_up, amount_minor=2000, reason="x", access=owner)
    killed_at(monkeypatch, module, name, after=after)
    with pytest.raises(Killed):
        billing.refund_due()
    for _ in range(6):
        later(minutes=2)
        billing.sweep()
    balance.refresh_from_db()
    assert (given_back(provider, top_up), balance.balance_minor, balance.held_minor) == ([2000], 3000, 0)
    all_adds_up(organization)


def test_a_refund_that_the_provider_refuses_frees_what_was_kept_aside(provider, top_up, balance, owner):
    billing.refund_collection(collection=top_up, amount_minor=2000, reason="x", access=owner)
    provider.fault(status=400, match="POST /v1/refunds", count=3)
    billing.refund_due()
    balance.refresh_from_db()
    row = Refund.objects.get()
    assert (row.state, balance.balance_minor, balance.held_minor) == (RefundState.FAILED, 5000, 0)


def test_one_made_at_the_provider_shrinks_the_balance_and_one_that_comes_back_fills_it_again(
    provider, top_up, balance, organization, client
):
    made = provider.api.refunds.create({"payment_intent": top_up.intent_id, "amount": 900})
    tells(client, provider, made.id)
    balance.refresh_from_db()
    top_up.refresh_from_db()
    assert (balance.balance_minor, balance.held_minor, top_up.refunded_minor) == (4100, 0, 900)
    given = gateway().refunds(top_up.intent_id)
    failed = [each.__class__(**{**each.__dict__, "status": "failed"}) for each in given]
    for _twice in range(2):
        following.follow_refunds(charge=top_up, given_back=failed)
    balance.refresh_from_db()
    top_up.refresh_from_db()
    assert (balance.balance_minor, balance.held_minor, top_up.refunded_minor) == (5000, 0, 0)
    assert books(organization, LedgerAccount.PREPAID) == (-5000,)


def test_a_debt_that_was_paid_goes_back_as_goodwill(provider, paid_debt, owed, owner, organization):
    billing.refund_collection(collection=paid_debt, amount_minor=200, reason="sorry", access=owner)
    work()
    paid_debt.refresh_from_db()
    owed.refresh_from_db()
    assert (paid_debt.refunded_minor, owed.state) == (200, DebtState.PAID)
    assert books(organization, LedgerAccount.RECEIVABLE, LedgerAccount.CARD_CLEARING) == (0, 400)
    all_adds_up(organization)


@pytest.mark.parametrize("came_back", [False, True])
def test_goodwill_on_a_debt_paid_in_part_has_its_credit_note_once_the_receipt_comes(
    provider, owed, owner, organization, came_back
):
    first = paid_by_page(provider, purpose=Purpose.DEBT, amount=400, organization=organization, debt=owed)
    billing.refund_collection(collection=first, amount_minor=200, reason="sorry", access=owner)
    work()
    assert not Receipt.objects.exists()
    if came_back:
        failed = [replace(each, status="failed") for each in gateway().refunds(first.intent_id)]
        following.follow_refunds(charge=first, given_back=failed)
    paid_by_page(provider, purpose=Purpose.DEBT, amount=200, organization=organization, debt=owed)
    receipt, *notes = Receipt.objects.order_by("pk")
    assert receipt.total_minor == 600
    assert [(note.corrects, note.total_minor) for note in notes] == ([] if came_back else [(receipt, -200)])
    now = clock.now()
    found = proofs.prove(organization=organization, since=now - timedelta(days=100), until=now + SOON)
    assert found.leaks == ()
    assert found.exact


def test_who_paid_a_part_has_a_receipt_once_the_rest_is_let_go(provider, owed, owner, organization):
    first = paid_by_page(provider, purpose=Purpose.DEBT, amount=400, organization=organization, debt=owed)
    billing.refund_collection(collection=first, amount_minor=100, reason="sorry", access=owner)
    work()
    billing.waive(debt=owed, reason="the cable was stuck", access=owner)
    receipt, note = Receipt.objects.order_by("pk")
    said = receipt.document
    assert (receipt.total_minor, said["paid"], said["open"], note.total_minor) == (600, 400, 200, -100)
    assert said["open_reason"] == "an amount was let go"
    bill = Bill.objects.get()
    assert (bill.state, bill.shortfall_minor, bill.waived_minor) == (BillState.PAID, 200, 200)
    all_adds_up(organization)


def test_a_debt_paid_twice_has_a_refund_row_and_the_journal_knows_the_surplus(provider, owed, organization):
    how = {"purpose": Purpose.DEBT, "organization_id": organization.pk, "amount_minor": 600, "currency": "EUR"}
    rows = [collections.open_page(**how, debt=owed)]
    later(minutes=11)
    rows.append(collections.open_page(**how, debt=owed))
    for row in rows:
        collections.start_page(collection=row)
        row.refresh_from_db()
        provider.control(f"sessions/{row.checkout_id}/pay")
        collections.refresh(collection=row)
    assert books(organization, LedgerAccount.SURPLUS) == (-600,)
    work()
    again = Refund.objects.get()
    assert (again.collection, again.reason, again.state) == (rows[1], "paid twice", RefundState.DONE)
    assert books(organization, LedgerAccount.SURPLUS, LedgerAccount.RECEIVABLE) == (0, 0)
    all_adds_up(organization)


def test_a_statement_goes_back_only_as_far_as_the_fleet_has_paid_too_much(provider, paid_statement, owner):
    with pytest.raises(ValidationError, match="Nothing is left"):
        billing.refund_collection(collection=paid_statement, reason="x", access=owner)


# Disputes


def test_a_disputed_top_up_is_kept_aside_and_won_is_as_before(
    provider, top_up, balance, driver, linked, tariff, organization
):
    spends(driver, linked, 10)
    row = disputed(provider, top_up)
    balance.refresh_from_db()
    top_up.refresh_from_db()
    assert (row.aside_minor, balance.balance_minor, balance.held_minor) == (4400, 4400, 4400)
    assert (top_up.disputed_minor, refunds.refundable(top_up)) == (5000, 0)
    assert books(organization, LedgerAccount.DISPUTED, LedgerAccount.PREPAID) == (5000, -4400)
    assert not Car(linked).starts(token=a_token(driver).value).decision.accepted
    judged(provider, row, "won")
    balance.refresh_from_db()
    top_up.refresh_from_db()
    assert (balance.balance_minor, balance.held_minor, top_up.disputed_minor) == (4400, 0, 0)
    assert books(organization, LedgerAccount.DISPUTED) == (0,)
    all_adds_up(organization)


def test_a_lost_top_up_is_off_the_balance_and_what_was_spent_is_owed(
    provider, top_up, balance, driver, linked, tariff, organization
):
    spends(driver, linked, 10)
    row = disputed(provider, top_up)
    judged(provider, row, "lost")
    balance.refresh_from_db()
    assert (row.state, balance.balance_minor, balance.held_minor) == (DisputeState.LOST, -600, 0)
    assert books(organization, LedgerAccount.PREPAID, LedgerAccount.WRITTEN_OFF) == (600, 0)
    assert not Car(linked).starts(token=a_token(driver).value).decision.accepted
    all_adds_up(organization)


@pytest.mark.parametrize(("verdict", "state"), [("lost", RefundState.REJECTED), ("won", RefundState.WAITING)])
def test_a_refund_that_waits_while_the_bank_decides_is_over_when_the_bank_has_given_it(
    provider, top_up, balance, owner, organization, verdict, state
):
    BillingSettings.objects.update_or_create(organization=organization, defaults={"refund_limit_minor": 100})
    row = billing.refund_collection(collection=top_up, amount_minor=301, reason="sorry", access=owner)
    judged(provider, disputed(provider, top_up), verdict)
    row.refresh_from_db()
    balance.refresh_from_db()
    assert row.state == state
    assert (balance.balance_minor, balance.held_minor) == ((0, 0) if verdict == "lost" else (5000, 301))


def test_a_top_up_partly_given_back_and_then_disputed_is_counted_once(provider, top_up, balance, owner, organization):
    billing.refund_collection(collection=top_up, amount_minor=2000, reason="x", access=owner)
    work()
    row = disputed(provider, top_up, amount=3000)
    judged(provider, row, "lost")
    balance.refresh_from_db()
    assert (balance.balance_minor, balance.held_minor) == (0, 0)
    all_adds_up(organization)


def test_a_disputed_debt_is_open_again_when_it_is_lost(provider, paid_debt, owed, organization, driver):
    bill = Bill.objects.get()
    row = disputed(provider, paid_debt)
    proof = proofs.prove(organization=organization, since=bill.created_at, until=clock.now() + SOON)
    assert {part.segment for part in proof.parts} == {"disputed"}
    owed.refresh_from_db()
    assert owed.state == DebtState.PAID  # until the bank has decided
    judged(provider, row, "lost")
    owed.refresh_from_db()
    bill.refresh_from_db()
    assert (owed.state, owed.collected_minor, owed.amount_minor) == (DebtState.OPEN, 0, 600)
    assert (bill.state, bill.shortfall_minor) == (BillState.UNPAID, 600)
    assert books(organization, LedgerAccount.RECEIVABLE, LedgerAccount.DISPUTED) == (600, 0)
    assert not Collection.objects.exclude(pk=paid_debt.pk).exists()  # nobody's card is charged for it
    again = paid_by_page(provider, purpose=Purpose.DEBT, amount=600, organization=organization, debt=owed)
    owed.refresh_from_db()
    bill.refresh_from_db()
    assert (again.state, owed.state, bill.state) == (CollectionState.PAID, DebtState.PAID, BillState.PAID)
    assert bill.receipts.count() == 1
    all_adds_up(organization)


@pytest.mark.parametrize(("verdict", "paid", "state"), [("won", 600, "paid"), ("lost", 0, "issued")])
def test_a_disputed_statement_is_owed_again_only_when_it_is_lost(
    provider, paid_statement, statement, organization, verdict, paid, state
):
    row = disputed(provider, paid_statement)
    judged(provider, row, verdict)
    statement.refresh_from_db()
    assert (statement.paid_minor, statement.state) == (paid, StatementState(state))
    assert statement.account.balance_minor == 600 - paid
    assert books(organization, LedgerAccount.FLEET_RECEIVABLE) == (600 - paid,)
    all_adds_up(organization)


def test_a_dispute_comes_by_webhook_in_any_order_or_is_read_back(provider, top_up, organization, client):
    found = provider.control("disputes", charge=top_up.charge_id)
    provider.control(f"disputes/{found['id']}/close", status="lost")
    tells(client, provider, found["id"], times=2, reverse=True)
    row = Dispute.objects.get()
    assert (row.collection, row.state, row.payment) == (top_up, DisputeState.LOST, None)
    assert not WebhookEvent.objects.filter(applied_at=None).exists()
    before = JournalEntry.objects.count()
    reconcile(since=top_up.created_at, until=clock.now() + SOON)
    assert JournalEntry.objects.filter(kind="dispute").count() == 1
    assert JournalEntry.objects.exclude(kind="fee").count() == before


def test_a_lost_webhook_of_a_dispute_is_made_up_for_at_night(provider, top_up, organization):
    provider.control("disputes", charge=top_up.charge_id)
    changes = reconcile(since=top_up.created_at, until=clock.now() + SOON).changes
    assert any("none → needs_response" in each for each in changes)
    all_adds_up(organization)


def test_finance_hears_of_it_without_the_drivers_name(provider, top_up):
    row = disputed(provider, top_up)
    work()
    incident = Incident.objects.get(key=f"dispute:{row.pk}")
    assert incident.title == "A cardholder disputes a payment: top-up"
    judged(provider, row, "won")
    work()
    incident.refresh_from_db()
    assert incident.resolved_at


def files_of(dispute):
    with zipfile.ZipFile(io.BytesIO(evidence.pack(dispute))) as files:
        return {name: files.read(name) for name in files.namelist()}


def test_the_pack_of_a_top_up_lists_what_was_charged_from_it(provider, top_up, driver, linked, tariff, owner):
    spends(driver, linked, 10)
    row = disputed(provider, top_up)
    read = files_of(row)
    assert read["evidence.pdf"].startswith(b"%PDF")
    assert b"10.00 kWh" in read["sessions.csv"]
    said = evidence.statement(row, pack_file="", receipt_file="")
    assert "1 charging sessions (10.00 kWh) were paid from this balance" in said.summary
    assert "entered and confirmed the card on the payment provider's own page" in said.agreement
    assert "50.00" in said.activity
    billing.send_evidence(dispute=row, access=owner)
    billing.answer_due()
    row.refresh_from_db()
    assert row.state == DisputeState.UNDER_REVIEW


def test_the_pack_of_a_debt_has_its_session_and_of_a_statement_the_statement(provider, paid_debt, car):
    read = files_of(disputed(provider, paid_debt))
    assert read["receipt.pdf"].startswith(b"%PDF")
    assert car.session.public_id.encode() in read["session.json"]


def test_the_pack_of_a_statement_has_its_sessions_and_its_paper(provider, paid_statement):
    read = files_of(disputed(provider, paid_statement))
    assert read["receipt.pdf"].startswith(b"%PDF")
    assert b"10.00 kWh" in read["sessions.csv"]


# Leaks: each is injected, and found


@pytest.mark.parametrize("what", ["posting", "refund", "dispute", "row", "seen"])
def test_what_is_lost_of_a_collection_is_found(provider, top_up, owner, organization, what):
    billing.refund_collection(collection=top_up, amount_minor=1000, reason="x", access=owner)
    work()
    later(hours=2)
    assert not proofs.prove(organization=organization, since=top_up.created_at, until=clock.now() + SOON).leaks
    if what == "posting":
        Collection.objects.update(amount_minor=5001)
    elif what == "refund":
        Refund.objects.update(state=RefundState.FAILED)
    elif what == "dispute":
        Collection.objects.update(disputed_minor=7)
    elif what == "row":
        Collection.objects.update(refunded_minor=0)
    else:
        billing.read_books()
        Collection.objects.update(state=CollectionState.EXPIRED)
    leaks = proofs.prove(organization=organization, since=top_up.created_at, until=clock.now() + SOON).leaks
    assert [leak.about for leak in leaks if leak.about.startswith("collection:")] == [f"collection:{top_up.pk}"]


# Pages


def test_finance_gives_a_top_up_back_on_its_page(provider, top_up, balance, client, organization):
    client.force_login(make_access(organization, Role.FINANCE).user)
    assert "50.00 €" in client.get("/money/collections/?purpose=top_up").text
    assert "Nothing fits" in client.get("/money/collections/?purpose=debt").text
    path = f"/money/collections/{top_up.public_id}/"
    assert "50.00 € of it is still free on the balance" in client.get(path).text
    too_much = client.post(f"{path}refund/", {"amount": "50.01", "reason": "x", "request_key": "k"})
    assert too_much.status_code == 422
    assert "at most 50.00 €" in too_much.text
    client.post(f"{path}refund/", {"amount": "12,50", "reason": "moved away", "request_key": "k"})
    work()
    page = client.get(path).text
    assert "moved away" in page
    assert "37.50 € of it is still free" in page
    assert path in client.get(f"/payers/{balance.public_id}/").text
    assert "top_up" in client.get("/money/collections/?export=csv").text


def test_a_disputed_top_up_is_on_every_page_that_it_concerns(provider, top_up, balance, client, organization):
    client.force_login(make_access(organization, Role.FINANCE).user)
    row = disputed(provider, top_up)
    assert "Disputed by the cardholder: 50.00 €" in client.get(f"/money/collections/{top_up.public_id}/").text
    assert "top-up" in client.get("/money/disputes/").text
    page = client.get(f"/money/disputes/{row.public_id}/").text
    assert "Kept aside on the balance" in page
    assert f"/money/collections/{top_up.public_id}/" in page
