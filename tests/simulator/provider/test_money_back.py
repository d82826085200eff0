"""Refunds, disputes, balance and payouts."""

from .conftest import client_of, control, hold
from .test_payment_intents import refused


def captured(api, taken=3000, card="pm_card_visa"):
    return api.payment_intents.capture(hold(api, card=card).id, {"amount_to_capture": taken})


def test_refunds_go_up_to_what_was_captured_and_no_further(api):
    intent = captured(api, taken=2000)
    first = api.refunds.create({"payment_intent": intent.id, "amount": 500, "reason": "requested_by_customer"})
    assert (first.status, first.amount, first.charge) == ("succeeded", 500, intent.latest_charge)
    error = refused(api.refunds.create, {"payment_intent": intent.id, "amount": 1501})
    assert "greater than unrefunded amount" in str(error)
    rest = api.refunds.create({"payment_intent": intent.id})
    assert rest.amount == 1500
    error = refused(api.refunds.create, {"charge": intent.latest_charge})
    assert error.code == "charge_already_refunded"
    charge = api.charges.retrieve(intent.latest_charge, {"expand": ["refunds"]})
    assert charge.refunded is True
    assert [each.id for each in charge.refunds.data] == [rest.id, first.id]
    assert len(api.refunds.list({"payment_intent": intent.id}).data) == 2


def test_a_hold_cannot_be_refunded(api):
    error = refused(api.refunds.create, {"payment_intent": hold(api).id})
    assert error.http_status == 400
    assert refused(api.refunds.create, {}).code == "parameter_missing"
    assert refused(api.refunds.create, {"charge": "a", "payment_intent": "b"}).http_status == 400


def test_refunds_may_arrive_late_or_fail(api, provider):
    late = api.refunds.create({"payment_intent": captured(api, card="pm_card_pendingRefund").id})
    broken = api.refunds.create({"payment_intent": captured(api, card="pm_card_refundFail").id})
    assert (late.status, broken.status) == ("pending", "succeeded")
    control(provider, "clock", advance=10)
    assert api.refunds.retrieve(late.id).status == "succeeded"
    failed = api.refunds.retrieve(broken.id, {"expand": ["charge"]})
    assert (failed.status, failed.charge.amount_refunded) == ("failed", 0)
    assert failed.failure_balance_transaction


def test_a_dispute_takes_the_money_and_a_won_one_brings_it_back(api, provider):
    intent = captured(api)
    opened = control(provider, "disputes", payment_intent=intent.id, reason="product_not_received")
    dispute = api.disputes.retrieve(opened["id"])
    assert (dispute.status, dispute.amount, dispute.payment_intent) == ("needs_response", 3000, intent.id)
    taken = dispute.balance_transactions[0]
    assert (taken.amount, taken.fee, taken.net) == (-3000, 2000, -5000)
    assert refused(api.refunds.create, {"payment_intent": intent.id}).code == "charge_disputed"
    sent = api.disputes.update(dispute.id, {"evidence": {"product_description": "11.72 kWh"}, "submit": True})
    assert (sent.status, sent.evidence.product_description) == ("under_review", "11.72 kWh")
    control(provider, f"disputes/{dispute.id}/close", status="won")
    won = api.disputes.retrieve(dispute.id)
    assert (won.status, [each.net for each in won.balance_transactions]) == ("won", [-5000, 3000])
    types = [event.type for event in api.events.list({"type": "charge.dispute.*"}).data]
    assert types[::-1] == [
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.updated",
        "charge.dispute.funds_reinstated",
        "charge.dispute.closed",
    ]


def test_the_disputing_card_disputes_when_captured(api):
    intent = captured(api, card="pm_card_createDispute")
    dispute = api.disputes.list({"payment_intent": intent.id}).data[0]
    assert dispute.reason == "fraudulent"
    assert api.disputes.close(dispute.id).status == "lost"


def test_a_payout_settles_every_movement_once_and_adds_up(api, provider):
    intent = captured(api)
    api.refunds.create({"payment_intent": intent.id, "amount": 700})
    payout = control(provider, "payouts", currency="eur")
    rows = api.balance_transactions.list({"payout": payout["id"]}).data
    assert sorted(row.type for row in rows) == ["charge", "payout", "refund"]
    assert sum(row.net for row in rows) == 0
    assert payout["amount"] == 3000 - (45 + 25) - 700
    assert api.payouts.retrieve(payout["id"]).status == "paid"
    assert control(provider, "payouts", currency="eur")["error"]["code"] == "balance_insufficient"
    failed = control(provider, f"payouts/{payout['id']}/fail")
    assert (failed["status"], failed["failure_code"]) == ("failed", "account_closed")
    assert control(provider, "payouts", currency="eur")["amount"] == payout["amount"]


def test_money_becomes_available_after_two_days(api, provider):
    captured(api)
    balance = api.balance.retrieve()
    assert (balance.available, balance.pending[0].amount) == ([], 2930)
    control(provider, "clock", advance=2 * 86_400 + 5)
    assert api.balance.retrieve().available[0].amount == 2930
    assert api.balance_transactions.list().data[0].status == "available"
    assert refused(api.payouts.create, {"amount": 3000, "currency": "eur"}).code == "balance_insufficient"
    assert api.payouts.create({"amount": 2930, "currency": "eur"}).automatic is False


def test_an_evidence_file_is_uploaded_and_sent(provider, tmp_path):
    api = client_of(provider.public_url, files=provider.public_url).v1
    pack = tmp_path / "evidence.pdf"
    pack.write_bytes(b"%PDF-1.7\r\n\x00\xff receipt and readings\r\n")
    with pack.open("rb") as content:
        stored = api.files.create({"purpose": "dispute_evidence", "file": content})
    assert (stored.filename, stored.size, stored.type) == ("evidence.pdf", pack.stat().st_size, "pdf")
    opened = control(provider, "disputes", payment_intent=captured(api).id)
    sent = api.disputes.update(opened["id"], {"evidence": {"uncategorized_file": stored.id}})
    assert (sent.status, sent.evidence.uncategorized_file) == ("under_review", stored.id)
    with pack.open("rb") as content:
        assert refused(api.files.create, {"purpose": "nonsense", "file": content}).param == "purpose"
