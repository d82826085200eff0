"""Webhooks: verified, read for what they are about, and that fetched.

A new kind of object: a line in OBJECTS (it is a subject of its own) and a finder by the prefix of its id in FINDERS.
"""

import json
from collections.abc import Callable
from typing import Any, Final

import stripe

from billing.gateways.base import About, BadNotice, Found, GatewayError, Hold, HoldStatus, Notice, SavedCard

from .cards import CardPart
from .disputes import DisputePart
from .holds import HoldPart
from .pages import PagePart
from .payouts import PayoutPart
from .readers import ReaderPart

TOLERANCE = 300  # seconds a signed webhook may be old (docs.stripe.com/webhooks/signature)
OBJECTS: Final = frozenset({
    "checkout.session", "payment_intent", "dispute", "payout", "terminal.reader", "setup_intent", "payment_method",
})  # fmt: skip


class NoticePart(PagePart, CardPart, DisputePart, PayoutPart, ReaderPart, HoldPart):
    _webhook_secret: str
    _live: bool

    def find(self, object_id: str) -> Found | None:
        """Takes the ids that `read_notice` gives."""
        finder = next((find for prefix, find in FINDERS.items() if object_id.startswith(prefix)), None)
        try:
            found = finder(self, object_id) if finder else None
        except GatewayError as error:
            if error.code == "resource_missing":
                return None
            raise
        return found if found and found.reference else None

    def read_notice(self, body: bytes, signature: str) -> Notice:
        try:
            stripe.WebhookSignature.verify_header(body, signature, self._webhook_secret, TOLERANCE)
            event = json.loads(body)
            about, live = event["data"]["object"], event["livemode"]
            notice = Notice(str(event["id"]), str(event["type"]), _subject(about))
        except (stripe.SignatureVerificationError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise BadNotice(f"{type(error).__name__}: not a signed, recent event") from error
        if bool(live) != self._live:
            raise BadNotice("a live event for a test key, or the other way round")
        return notice


def _find_page(part: NoticePart, object_id: str) -> Found:
    page = part.page(object_id)
    hold = part.hold(page.intent_id) if page.intent_id else None
    setup = part.setup(page.setup_id) if page.setup_id else None
    card = part.card(setup.method_id) if setup and setup.method_id else _paid_with(part, hold)
    return Found(page.reference, page, hold, page.about, setup=setup, card=card)


def _paid_with(part: NoticePart, hold: Hold | None) -> SavedCard | None:
    """The card of a collection: its page may have saved it with the customer."""
    if hold is None or hold.about != About.COLLECTION or hold.status != HoldStatus.CAPTURED or not hold.method_id:
        return None
    return part.card(hold.method_id)


def _find_hold(part: NoticePart, object_id: str) -> Found:
    hold = part.hold(object_id)
    return Found(hold.reference, None, hold, hold.about, card=_paid_with(part, hold))


def _find_setup(part: NoticePart, object_id: str) -> Found:
    setup = part.setup(object_id)
    card = part.card(setup.method_id) if setup.method_id else None
    return Found(setup.reference, about=About.SETUP, setup=setup, card=card)


def _find_card(part: NoticePart, object_id: str) -> Found:
    return Found(object_id, about=About.SETUP, card=part.card(object_id))


def _find_dispute(part: NoticePart, object_id: str) -> Found:
    return Found(object_id, claim=part.dispute(object_id))


def _find_payout(part: NoticePart, object_id: str) -> Found:
    return Found(object_id, transfer=part.transfer(object_id))


def _find_tap(part: NoticePart, object_id: str) -> Found | None:
    """What a reader was asked last: the hold that a card was tapped for."""
    asked = part.reader(object_id)
    return _find_hold(part, asked.intent_id) if asked.intent_id else None


FINDERS: Final[dict[str, Callable[[NoticePart, str], Found | None]]] = {
    "cs_": _find_page,
    "pi_": _find_hold,
    "seti_": _find_setup,
    "pm_": _find_card,
    "du_": _find_dispute,
    "dp_": _find_dispute,
    "po_": _find_payout,
    "tmr_": _find_tap,
}


def _subject(about: dict[str, Any]) -> str:
    """The object that an event is about, or the PaymentIntent that it belongs to. Any: the provider's JSON."""
    if about.get("object") in OBJECTS:
        return str(about["id"])
    intent = about.get("payment_intent")
    if isinstance(intent, dict):
        intent = intent.get("id")
    return str(intent or "")
