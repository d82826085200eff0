"""The double's own interface under /_double/: things that in life the world does, done on request."""

import re
from collections.abc import Callable

from evcms.simulator.provider import faults, webhooks
from evcms.simulator.provider.errors import ApiError, JsonObject, required
from evcms.simulator.provider.provider import Call, Provider
from evcms.simulator.provider.rendering import shown
from evcms.simulator.provider.resources import disputes, hosted, payments, payouts, setup_intents, terminal

Action = Callable[[Provider, JsonObject, str], JsonObject]


def open_dispute(provider: Provider, wanted: JsonObject, _name: str) -> JsonObject:
    """{payment_intent | charge, reason?, amount?}"""

    def effect(call: Call) -> JsonObject:
        charge = _charge(call, wanted)
        amount = int(wanted["amount"]) if wanted.get("amount") else None
        return disputes.open_for(call, charge, reason=wanted.get("reason") or "fraudulent", amount=amount)

    return provider.effect(effect)


def _charge(call: Call, wanted: JsonObject) -> JsonObject:
    if wanted.get("payment_intent"):
        intent = call.fetch("payment_intent", wanted["payment_intent"], "payment_intent")
        return call.fetch("charge", intent["latest_charge"] or "", "charge")
    return call.fetch("charge", wanted.get("charge") or "", "charge")


def close_dispute(provider: Provider, wanted: JsonObject, name: str) -> JsonObject:
    """{status: won | lost}"""
    return provider.effect(
        lambda call: disputes.judge(call, call.fetch("dispute", name), wanted.get("status") or "lost")
    )


def pay_out(provider: Provider, wanted: JsonObject, _name: str) -> JsonObject:
    """{currency}"""
    if not wanted.get("currency"):
        raise required("currency")
    return provider.effect(lambda call: payouts.pay_out(call, str(wanted["currency"]).lower()))


def fail_payout(provider: Provider, _wanted: JsonObject, name: str) -> JsonObject:
    return provider.effect(lambda call: payouts.fail(call, call.fetch("payout", name)))


def refuse_next(provider: Provider, wanted: JsonObject, _name: str) -> JsonObject:
    """{code? = card_declined, decline_code? = generic_decline, count? = 1}: the next payments are declined."""
    order = {
        "code": wanted.get("code") or "card_declined",
        "decline_code": wanted.get("decline_code") or "generic_decline",
        "count": int(wanted.get("count", 1)),
    }
    provider.effect(lambda call: call.store.set_setting("refuse_next", order))
    return order


def expire_hold(provider: Provider, _wanted: JsonObject, name: str) -> JsonObject:
    def effect(call: Call) -> JsonObject:
        intent = call.fetch("payment_intent", name)
        if intent["status"] != "requires_capture":
            raise payments.unexpected_state(intent, "expired", ("requires_capture",))
        payments.expire_hold(call, call.fetch("charge", intent["latest_charge"]))
        return call.fetch("payment_intent", name)

    return provider.effect(effect)


def set_webhooks(provider: Provider, wanted: JsonObject, _name: str) -> JsonObject:
    """{paused?: bool, delay?: seconds, drop_next?: n, duplicate_next?: n}; what is not named stays as it is."""

    def effect(call: Call) -> JsonObject:
        known = {"paused": bool, "delay": float, "drop_next": int, "duplicate_next": int}
        for name in wanted.keys() - known.keys():
            raise ApiError(f"Unknown webhook fault: {name}", param=name)
        current = call.store.setting("webhook_faults", {})
        current |= {name: kind(wanted[name]) for name, kind in known.items() if name in wanted}
        call.store.set_setting("webhook_faults", current)
        return current

    return provider.effect(effect)


def replay(provider: Provider, wanted: JsonObject, _name: str) -> JsonObject:
    """{event} | {type: "payment_intent.*"} | {}: queue events again for every endpoint."""
    return {"replayed": webhooks.replay(provider, wanted)}


def order_fault(provider: Provider, wanted: JsonObject, _name: str) -> JsonObject:
    return {"rules": faults.order(provider, wanted)}


def clear_faults(provider: Provider, _wanted: JsonObject, _name: str) -> JsonObject:
    faults.clear(provider)
    return {"rules": []}


def move_clock(provider: Provider, wanted: JsonObject, _name: str) -> JsonObject:
    """{advance: seconds}: holds and pages whose time comes expire at once."""
    provider.advance(int(wanted.get("advance", 0)))
    provider.tick()
    return {"now": provider.now()}


def right_clock(provider: Provider, _wanted: JsonObject, _name: str) -> JsonObject:
    """Back to the real time."""
    provider.right_clock()
    return {"now": provider.now()}


def pay_session(provider: Provider, wanted: JsonObject, name: str) -> JsonObject:
    """{number?, email?, authenticate?: pass | fail}: what a person would do on the hosted page."""
    card = {"number": wanted.get("number") or "4242424242424242", "exp_month": 12, "exp_year": 99, "cvc": "123"}

    def submit(call: Call) -> JsonObject:
        session = call.fetch("checkout.session", name)
        email = wanted.get("email") or session["customer_email"] or "driver@example.com"
        return hosted.submit(call, session, card=card, email=email, name=None)

    intent = provider.effect(submit)
    if intent["status"] == "requires_action":
        passed = wanted.get("authenticate", "pass") == "pass"
        provider.effect(lambda call: authenticate(call, intent["id"], passed=passed))
    return provider.effect(lambda call: call.fetch("checkout.session", name))


def authenticate(call: Call, identifier: str, *, passed: bool) -> JsonObject:
    """End the 3-D Secure step of an intent and complete the session that it belongs to."""
    intent = call.store.get(identifier) or {}
    kind = {"payment_intent": payments, "setup_intent": setup_intents}.get(intent.get("object", ""))
    if kind is None:
        raise ApiError(f"No such intent: '{identifier}'", status=404, code="resource_missing", param="intent")
    intent = kind.authenticate(call, intent, passed=passed)
    session = call.store.get(intent.get("_session") or "")
    return hosted.settled(call, session, intent) if session else intent


def tap(provider: Provider, wanted: JsonObject, name: str) -> JsonObject:
    """{number?}: hold a card to a reader."""
    number = wanted.get("number") or terminal.DEFAULT_CARD
    return provider.effect(lambda call: terminal.tap(call, call.fetch("terminal.reader", name), number))


def set_reader(provider: Provider, wanted: JsonObject, name: str) -> JsonObject:
    """{status: online | offline}"""
    if wanted.get("status") not in ("online", "offline"):
        raise ApiError("Invalid status: must be one of online or offline", param="status")
    return provider.effect(lambda call: call.save(call.fetch("terminal.reader", name) | {"status": wanted["status"]}))


def load(provider: Provider, wanted: JsonObject, _name: str) -> JsonObject:
    """{objects: […]}: see Provider.load."""
    return {"loaded": provider.load(wanted.get("objects") or [])}


def state(provider: Provider, _wanted: JsonObject, _name: str) -> JsonObject:
    with provider.lock:
        store = provider.store
        return {
            "status": "ok",
            "now": provider.now(),
            "deliveries": store.deliveries(limit=500),
            "faults": store.setting("faults", {"rules": []})["rules"],
            "webhook_faults": store.setting("webhook_faults", {}),
        }


_ACTIONS: list[tuple[str, str, Action]] = [
    ("GET", r"state", state),
    ("POST", r"disputes", open_dispute),
    ("POST", r"disputes/(\w+)/close", close_dispute),
    ("POST", r"payouts", pay_out),
    ("POST", r"payouts/(\w+)/fail", fail_payout),
    ("POST", r"refuse-next", refuse_next),
    ("POST", r"holds/(\w+)/expire", expire_hold),
    ("POST", r"webhooks", set_webhooks),
    ("POST", r"webhooks/replay", replay),
    ("POST", r"faults", order_fault),
    ("DELETE", r"faults", clear_faults),
    ("POST", r"clock", move_clock),
    ("DELETE", r"clock", right_clock),
    ("POST", r"sessions/(\w+)/pay", pay_session),
    ("POST", r"readers/(\w+)/tap", tap),
    ("POST", r"readers/(\w+)", set_reader),
    ("POST", r"load", load),
]


def perform(provider: Provider, method: str, path: str, wanted: JsonObject) -> JsonObject:
    """Run one request of the interface; `path` is what follows /_double/."""
    for verb, pattern, action in _ACTIONS:
        matched = re.fullmatch(pattern, path)
        if matched and verb == method:
            return shown(action(provider, wanted, matched[1] if matched.groups() else ""))
    raise ApiError(f"The double has no such request: {method} /_double/{path}", status=404)
