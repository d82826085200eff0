"""The documented test cards and what each one does (the provider's page "Testing").

A card number comes in, a `Card` goes out: brand, last four digits, and the name of its behaviour. The number
itself and the security code go no further than `read()`; nothing stores or logs them.
"""

import hashlib
import re
from dataclasses import dataclass

from evcms.simulator.provider.errors import ApiError


@dataclass(frozen=True)
class Behaviour:
    """How payments with a card go.

    `challenge`: when 3-D Secure is asked for: never, always, unless_set_up (not for off-session payments after
    a set-up), not_off_session (the issuer counts the card as set up), attempt_fails (the check itself breaks).
    `declines`: payment → code and decline code; `on_attach`: the decline comes when the card is saved.
    """

    declines: tuple[str, str | None] | None = None
    on_attach: bool = False
    challenge: str = "never"
    dispute: str | None = None
    refund: str | None = None
    available_at_once: bool = False


@dataclass(frozen=True)
class Card:
    """What may be known of a card."""

    brand: str
    last4: str
    behaviour: str
    country: str = "US"
    funding: str = "credit"


def _declined(reason: str) -> Behaviour:
    return Behaviour(declines=("card_declined", reason), on_attach=True)


BEHAVIOURS = {
    "approve": Behaviour(),
    "approve_available": Behaviour(available_at_once=True),
    "generic_decline": _declined("generic_decline"),
    "insufficient_funds": _declined("insufficient_funds"),
    "lost_card": _declined("lost_card"),
    "stolen_card": _declined("stolen_card"),
    "card_velocity_exceeded": _declined("card_velocity_exceeded"),
    "fraudulent": _declined("fraudulent"),
    "expired_card": Behaviour(declines=("expired_card", None), on_attach=True),
    "incorrect_cvc": Behaviour(declines=("incorrect_cvc", None), on_attach=True),
    "processing_error": Behaviour(declines=("processing_error", None), on_attach=True),
    "decline_after_attach": Behaviour(declines=("card_declined", "generic_decline")),
    "challenge_unless_set_up": Behaviour(challenge="unless_set_up"),
    "challenge_always": Behaviour(challenge="always"),
    "challenge_not_off_session": Behaviour(challenge="not_off_session"),
    "challenge_then_insufficient_funds": Behaviour(
        challenge="always", declines=("card_declined", "insufficient_funds")
    ),
    "challenge_then_decline": Behaviour(challenge="always", declines=("card_declined", "generic_decline")),
    "challenge_breaks": Behaviour(challenge="attempt_fails", declines=("processing_error", None)),
    "dispute_fraudulent": Behaviour(dispute="fraudulent"),
    "dispute_not_received": Behaviour(dispute="product_not_received"),
    "refund_pending": Behaviour(refund="pending"),
    "refund_fails": Behaviour(refund="failed"),
}

# number → (brand, behaviour, payment method token)
_CARDS = {
    "4242424242424242": ("visa", "approve", "pm_card_visa"),
    "4000056655665556": ("visa", "approve", "pm_card_visa_debit"),
    "5555555555554444": ("mastercard", "approve", "pm_card_mastercard"),
    "2223003122003222": ("mastercard", "approve", ""),
    "5200828282828210": ("mastercard", "approve", "pm_card_mastercard_debit"),
    "378282246310005": ("amex", "approve", "pm_card_amex"),
    "6011111111111117": ("discover", "approve", "pm_card_discover"),
    "3056930009020004": ("diners", "approve", "pm_card_diners"),
    "3566002020360505": ("jcb", "approve", "pm_card_jcb"),
    "6200000000000005": ("unionpay", "approve", "pm_card_unionpay"),
    "4000002760000016": ("visa", "approve", "pm_card_de"),
    "4000005280000002": ("visa", "approve", "pm_card_nl"),
    "4000000000000077": ("visa", "approve_available", "pm_card_bypassPending"),
    "4000000000000002": ("visa", "generic_decline", "pm_card_visa_chargeDeclined"),
    "4000000000009995": ("visa", "insufficient_funds", "pm_card_visa_chargeDeclinedInsufficientFunds"),
    "4000000000009987": ("visa", "lost_card", "pm_card_visa_chargeDeclinedLostCard"),
    "4000000000009979": ("visa", "stolen_card", "pm_card_visa_chargeDeclinedStolenCard"),
    "4000000000006975": (
        "visa",
        "card_velocity_exceeded",
        "pm_card_visa_chargeDeclinedVelocityLimitExceeded",
    ),
    "4100000000000019": ("visa", "fraudulent", "pm_card_radarBlock"),
    "4000000000000069": ("visa", "expired_card", "pm_card_chargeDeclinedExpiredCard"),
    "4000000000000127": ("visa", "incorrect_cvc", "pm_card_chargeDeclinedIncorrectCvc"),
    "4000000000000119": ("visa", "processing_error", "pm_card_chargeDeclinedProcessingError"),
    "4000000000000341": ("visa", "decline_after_attach", "pm_card_chargeCustomerFail"),
    "4000002500003155": ("visa", "challenge_unless_set_up", "pm_card_authenticationRequiredOnSetup"),
    "4000002760003184": ("visa", "challenge_always", "pm_card_authenticationRequired"),
    "4000003800000446": (
        "visa",
        "challenge_not_off_session",
        "pm_card_authenticationRequiredSetupForOffSession",
    ),
    "4000008260003178": (
        "visa",
        "challenge_then_insufficient_funds",
        "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds",
    ),
    "4000000000003220": ("visa", "challenge_always", "pm_card_threeDSecure2Required"),
    "4000008400001629": ("visa", "challenge_then_decline", "pm_card_threeDSecureRequiredChargeDeclined"),
    "4000008400001280": ("visa", "challenge_breaks", "pm_card_threeDSecureRequiredProcessingError"),
    "4000000000003055": ("visa", "approve", "pm_card_threeDSecureOptional"),
    "4000000000000259": ("visa", "dispute_fraudulent", "pm_card_createDispute"),
    "4000000000002685": ("visa", "dispute_not_received", "pm_card_createDisputeProductNotReceived"),
    "4000000000007726": ("visa", "refund_pending", "pm_card_pendingRefund"),
    "4000000000005126": ("visa", "refund_fails", "pm_card_refundFail"),
}
_COUNTRY = {"4000002760000016": "DE", "4000005280000002": "NL", "4000002760003184": "DE"}

MESSAGES = {
    "card_declined": "Your card was declined.",
    "insufficient_funds": "Your card has insufficient funds.",
    "expired_card": "Your card has expired.",
    "incorrect_cvc": "Your card's security code is incorrect.",
    "processing_error": "An error occurred while processing your card. Try again in a little bit.",
    "authentication_required": "Your card was declined. This transaction requires authentication.",
}


def _card(number: str) -> Card:
    brand, behaviour, _ = _CARDS[number]
    funding = "debit" if number in ("4000056655665556", "5200828282828210") else "credit"
    return Card(brand, number[-4:], behaviour, _COUNTRY.get(number, "US"), funding)


TOKENS = {token: _card(number) for number, (_, _, token) in _CARDS.items() if token}


def read(number: str, *, exp_month: int, exp_year: int, cvc: str | None, today: tuple[int, int]) -> Card:
    """The card behind what a person typed; `today` is (year, month). Raises the card error that the page shows."""
    digits = re.sub(r"[ -]", "", number)
    if not digits.isdigit() or not 12 <= len(digits) <= 19 or not _luhn(digits):
        raise refusal("incorrect_number", "Your card number is incorrect.", "number")
    if not 1 <= exp_month <= 12:
        raise refusal("invalid_expiry_month", "Your card's expiration month is invalid.", "exp_month")
    if (full_year(exp_year), exp_month) < today:
        raise refusal("invalid_expiry_year", "Your card's expiration year is invalid.", "exp_year")
    if cvc is not None and not re.fullmatch(r"\d{4}" if digits[:2] in ("34", "37") else r"\d{3}", cvc):
        raise refusal("invalid_cvc", "Your card's security code is invalid.", "cvc")
    if digits not in _CARDS:
        raise refusal(
            "card_declined",
            "Your card was declined. Your request was in test mode, but used a non test card. "
            "For a list of valid test cards, visit: https://stripe.com/docs/testing.",
            "",
            decline_code="test_mode_live_card",
        )
    return _card(digits)


def refusal(code: str, message: str, param: str, *, decline_code: str | None = None) -> ApiError:
    error = ApiError(message, status=402, kind="card_error", code=code, param=param or None)
    if decline_code:
        error.error["decline_code"] = decline_code
    return error


def message(code: str, decline_code: str | None) -> str:
    return MESSAGES.get(decline_code or "") or MESSAGES.get(code, MESSAGES["card_declined"])


def fingerprint(card: Card) -> str:
    """Same card, same fingerprint; made of what is kept, so it reveals nothing more."""
    return hashlib.sha256(f"{card.brand}{card.last4}{card.behaviour}".encode()).hexdigest()[:16]


def full_year(year: int) -> int:
    return year + 2000 if year < 100 else year


def _luhn(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (1 + place % 2)
        total += doubled - 9 * (doubled > 9)
    return total % 10 == 0
