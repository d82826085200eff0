"""The seeded past: same objects as live ones, same ids each time."""

from evcms.simulator.provider import history

from .conftest import control, page_params

DAY = 86_400


def shape(body):
    """Member names and kinds of an object, at any depth; free-form metadata aside."""
    if isinstance(body, dict):
        return {name: shape(value) for name, value in body.items() if name != "metadata"}
    return [shape(each) for each in body] if isinstance(body, list) else type(body).__name__


def page():
    given = page_params()
    return {name: given[name] for name in ("success_url", "cancel_url", "line_items")}


def seeded(provider, **more):
    at = provider.now() - 30 * DAY
    with history(provider) as past:
        return past.payment(
            "session-1", amount=3000, taken=1172, currency="eur", at=at, taken_at=at + 1800, page=page(),
            metadata={"payment": "p-1"}, **more,
        )  # fmt: skip


def test_a_seeded_payment_equals_a_live_one(api, provider):
    old = seeded(provider)
    session = api.checkout.sessions.create(page_params())
    control(provider, f"sessions/{session.id}/pay")
    live = api.checkout.sessions.retrieve(session.id)
    api.payment_intents.capture(live.payment_intent, {"amount_to_capture": 1172})
    for kind, ours, theirs in [
        ("sessions", old.session, session.id),
        ("intents", old.intent, live.payment_intent),
    ]:
        stored = [provider.store.get(identifier) for identifier in (ours, theirs)]
        assert shape(stored[0]) == shape(stored[1]), kind
    expand = {"expand": ["latest_charge.balance_transaction", "payment_method"]}
    past, present = (api.payment_intents.retrieve(each, expand) for each in (old.intent, live.payment_intent))
    assert past.latest_charge.amount_captured == present.latest_charge.amount_captured == 1172
    assert past.latest_charge.balance_transaction.net == present.latest_charge.balance_transaction.net
    assert (old.captured, old.fee) == (1172, past.latest_charge.balance_transaction.fee)
    assert past.created == provider.now() - 30 * DAY or abs(past.created - provider.now() + 30 * DAY) < 5


def test_seeding_twice_changes_nothing(api, provider):
    first = seeded(provider)
    api.refunds.create({"payment_intent": first.intent, "amount": 100})
    assert seeded(provider) == first
    assert api.charges.retrieve(first.charge).amount_refunded == 1828 + 100
    assert len(api.charges.list().data) == 1


def test_the_past_can_be_declined_released_refunded_disputed_and_paid_out(api, provider):
    at = provider.now() - 30 * DAY
    with history(provider) as past:
        paid = past.payment("a", amount=3000, taken=3000, currency="eur", at=at)
        declined = past.payment("b", amount=3000, currency="eur", at=at, number="4000000000009995")
        released = past.payment("c", amount=3000, taken=0, currency="eur", at=at)
        refund = past.refund("r", paid.charge, amount=500, at=at + DAY)
        payout = past.payout("p", "eur", at=at + 4 * DAY)
        assert past.payout("q", "eur", at=at + 5 * DAY) is None
    assert (declined.status, released.status) == ("requires_payment_method", "canceled")
    assert api.refunds.retrieve(refund).amount == 500
    rows = api.balance_transactions.list({"payout": payout}).data
    assert sum(row.net for row in rows) == 0
    assert control(provider, "disputes", charge=paid.charge, amount=2500)["status"] == "needs_response"


def test_a_seeded_card_on_file_pays_today(api, provider):
    at = provider.now() - 30 * DAY
    with history(provider) as past:
        customer = past.customer("driver-1", at=at, email="driver@example.com")
        method = past.card("driver-1", customer, at=at)
        before = past.payment("s", amount=2000, taken=800, currency="eur", at=at, customer=customer, method=method)
    assert before.captured == 800
    intent = api.payment_intents.create(
        {
            "amount": 2000, "currency": "eur", "customer": customer, "payment_method": method,
            "off_session": True, "confirm": True, "capture_method": "manual",
        }
    )  # fmt: skip
    assert intent.status == "requires_capture"


def test_finished_objects_are_loaded_in_bulk_once(provider, api):
    made = {"object": "customer", "created": 1_700_000_000, "email": "old@example.com", "metadata": {}}
    batch = [made | {"id": f"cus_old{each}"} for each in range(500)]
    assert provider.load(batch) == 500
    assert provider.load(batch) == 0
    assert api.customers.retrieve("cus_old7").email == "old@example.com"
