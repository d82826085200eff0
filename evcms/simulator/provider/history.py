"""A past for the demo: payments that happened weeks ago, written by the very code that serves live calls.

So seeded objects equal live ones, and refunds, disputes and payouts work on them. Ids follow from the caller's
keys alone: seeding twice gives the same ids and writes nothing the second time. No events are sent for the past.

    with history(provider) as past:                    # one transaction; some thousand payments at a time
        paid = past.payment("session-17", amount=3000, taken=1172, currency="eur", at=…, taken_at=…)
        past.refund("refund-3", paid.charge, amount=200, at=…)
        past.payout("2026-11-21", "eur", at=…)
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from evcms.simulator.provider.errors import ApiError, JsonObject
from evcms.simulator.provider.provider import Call, Provider
from evcms.simulator.provider.resources import (
    checkout,
    customers,
    disputes,
    hosted,
    payment_intents,
    payment_methods,
    payments,
    payouts,
    refunds,
)


@dataclass(frozen=True)
class Paid:
    """Ids and money of one seeded payment; `fee` in the currency's smallest unit, empty ids where nothing came."""

    intent: str
    charge: str
    session: str
    status: str
    captured: int
    fee: int


class _PastCall(Call):
    """A call at a given time, whose ids follow from a key, and that tells nobody."""

    def __init__(self, provider: Provider, key: str, at: int) -> None:
        super().__init__(provider, None, None)
        self.now = at
        self._key = key
        self._made = 0

    def new_id(self, prefix: str) -> str:
        self._made += 1
        return past_id(prefix, f"{self._key}/{self._made}")

    def emit(self, kind: str, body: JsonObject, previous: JsonObject | None = None) -> None:
        return None


def past_id(prefix: str, key: str) -> str:
    return f"{prefix}_{hashlib.sha256(f'{prefix}/{key}'.encode()).hexdigest()[:24]}"


class History:
    """Writes the past of one provider, inside the caller's transaction (see `history`)."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    def _call(self, key: str, at: int) -> _PastCall:
        return _PastCall(self._provider, key, at)

    def customer(self, key: str, *, at: int, email: str | None = None, name: str | None = None) -> str:
        """A customer's id."""
        identifier = past_id("cus", f"{key}/1")[:18]
        if self._provider.store.get(identifier) is None:
            customers.new(self._call(key, at), {"email": email, "name": name})
        return identifier

    def card(self, key: str, customer: str, *, at: int, number: str = "4242424242424242") -> str:
        """A card on file that was set up for later payments; returns the payment method's id."""
        identifier = past_id("pm", f"{key}/1")
        if self._provider.store.get(identifier) is None:
            call = self._call(key, at)
            method = payment_methods.read_card(call, _details(number), None)
            payment_methods.attach_to(call, method | {"_set_up": True}, customer)
        return identifier

    def payment(
        self,
        key: str,
        *,
        amount: int,
        currency: str,
        at: int,
        taken: int | None = None,
        taken_at: int | None = None,
        number: str = "4242424242424242",
        customer: str | None = None,
        method: str | None = None,
        description: str | None = None,
        metadata: dict[str, str] | None = None,
        page: JsonObject | None = None,
    ) -> Paid:
        """A hold of `amount` at `at`, and what became of it.

        `taken` > 0 is captured at `taken_at`, 0 releases the hold, None leaves it standing. A declining test card
        leaves the failed attempt. `method` pays off-session with a card on file. `page` (parameters of a Checkout
        Session, such as success_url and line_items) lets the hold come from the hosted page.
        """
        prefix = "cs_test" if page else "pi"
        first = self._provider.store.get(past_id(prefix, f"{key}/1"))
        if first is None:
            call = self._call(key, at)
            terms = {"customer": customer, "description": description, "metadata": metadata or {}}
            intent = (
                self._on_page(call, page, terms, number)
                if page
                else self._direct(call, amount, currency, terms, method, number)
            )
            self._end(key, intent, taken, taken_at or at)
            first = self._provider.store.get(past_id(prefix, f"{key}/1")) or {}
        return self._paid(first)

    def _direct(
        self, call: Call, amount: int, currency: str, terms: JsonObject, method: str | None, number: str
    ) -> JsonObject:
        intent = payments.built(call.new_id("pi"), amount=amount, currency=currency, created=call.now)
        chosen = method or payment_methods.read_card(call, _details(number), None)["id"]
        given = {name: value for name, value in terms.items() if value}
        payment_intents.prepare(call, intent, given | {"capture_method": "manual", "payment_method": chosen})
        return _tried(call, intent["id"], lambda: payments.confirm(call, call.save(intent), _terms(method)))

    def _on_page(self, call: Call, page: JsonObject, terms: JsonObject, number: str) -> JsonObject:
        data = {name: terms[name] for name in ("description", "metadata") if terms[name]}
        given = page | {"mode": "payment", "payment_intent_data": data | {"capture_method": "manual"}}
        if terms["customer"]:
            given["customer"] = terms["customer"]
        session = checkout.create(call, given)
        email = session["customer_email"] or "driver@example.com"
        return _tried(
            call,
            session["id"],
            lambda: hosted.submit(call, session, card=_details(number), email=email, name=None),
        )

    def _end(self, key: str, intent: JsonObject, taken: int | None, at: int) -> None:
        if intent["status"] != "requires_capture" or taken is None:
            return
        call = self._call(f"{key}/end", at)
        if taken:
            payment_intents.capture(call, {"amount_to_capture": taken}, intent["id"])
        else:
            payments.cancel(call, intent, "abandoned")

    def _paid(self, first: JsonObject) -> Paid:
        store = self._provider.store
        intent = first if first["object"] == "payment_intent" else store.get(first["payment_intent"] or "") or {}
        charge = store.get(intent.get("latest_charge") or "") or {}
        booked = store.get(charge.get("balance_transaction") or "") or {}
        return Paid(
            intent=intent.get("id", ""),
            charge=charge.get("id", ""),
            session=first["id"] if first["object"] == "checkout.session" else "",
            status=str(intent.get("status", first["status"])),
            captured=intent.get("amount_received", 0),
            fee=booked.get("fee", 0),
        )

    def close_page(self, key: str, session: str, *, at: int) -> None:
        """Nobody finished this page: it expires at `at`, with the intent that a declined card left."""
        body = self._provider.store.get(session)
        if body is not None:
            checkout.expire_open(self._call(f"{key}/close", at), body)

    def refund(self, key: str, charge: str, *, amount: int, at: int, metadata: dict[str, str] | None = None) -> str:
        """Give back captured money; returns the refund's id."""
        identifier = past_id("re", f"{key}/1")
        if self._provider.store.get(identifier) is None:
            refunds.create(self._call(key, at), {"charge": charge, "amount": amount, "metadata": metadata or {}})
        return identifier

    def dispute(self, key: str, charge: str, *, reason: str, at: int) -> JsonObject:
        """The cardholder's bank takes a captured charge back; returns the dispute."""
        store = self._provider.store
        known = store.get(past_id("du", f"{key}/1"))
        return known or disputes.open_for(self._call(key, at), store.get(charge) or {}, reason=reason)

    def payout(self, key: str, currency: str, *, at: int) -> str | None:
        """Pay out what had become available by then; None when there was nothing."""
        identifier = past_id("po", f"{key}/1")
        if self._provider.store.get(identifier) is None:
            try:
                payouts.pay_out(self._call(key, at), currency, available_by=at)
            except ApiError:
                return None
        return identifier


def _terms(method: str | None) -> payments.Terms:
    return payments.Terms(off_session=method is not None, challenged=True)


def _details(number: str) -> JsonObject:
    return {"number": number, "exp_month": 12, "exp_year": 2034, "cvc": "1234" if number[:2] in ("34", "37") else "123"}


def _tried(call: Call, identifier: str, attempt: Callable[[], JsonObject]) -> JsonObject:
    """The intent after the attempt, whether it was approved or declined."""
    try:
        return attempt()
    except ApiError:
        body = call.store.get(identifier) or {}
        return body if body["object"] == "payment_intent" else call.store.get(body["payment_intent"] or "") or body


@contextmanager
def history(provider: Provider) -> Iterator[History]:
    """Write a piece of the past in one transaction."""
    with provider.lock, provider.store.transaction():
        yield History(provider)
