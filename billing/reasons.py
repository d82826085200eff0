"""Why a payment did not become money, in words an operator understands; the codes are ours and the card networks'."""

from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from sessions.vocabulary import FailureCause

OURS: Final = {
    "not_started": gettext_lazy("no charging began in time"),
    "nothing_due": gettext_lazy("nothing had to be paid"),
    "hold_lost": gettext_lazy("the hold had expired or was cancelled"),
    "captured_elsewhere": gettext_lazy("charged at the provider, not here"),
    "no_answer": gettext_lazy("the payment provider did not answer"),
}
AT_READERS: Final = {  # nobody's card was refused: nobody tapped, or need not any more
    "reader_timeout": gettext_lazy("no card was tapped in time"),
    "unplugged": gettext_lazy("the car was unplugged before a card was tapped"),
    "paid_otherwise": gettext_lazy("somebody paid or started another way"),
    "not_possible": gettext_lazy("the connector could not be used any more"),
    "reader_offline": gettext_lazy("the card reader had no connection"),
    "reader_busy": gettext_lazy("the card reader was busy with something else"),
    "reader_gone": gettext_lazy("the card reader was taken away"),
}
TERMINALS: Final = {  # what a station's own terminal said, or did not
    "terminal_canceled": gettext_lazy("the station's terminal cancelled the payment"),
    "terminal_rejected": gettext_lazy("the station's terminal was refused the money"),
    "terminal_failed": gettext_lazy("the station's terminal could not take the money"),
    "terminal_nothing": gettext_lazy("the station's terminal took nothing"),
    "never_settled": gettext_lazy("the station's terminal never said what became of the money"),
}
CARD: Final = {  # https://docs.stripe.com/declines/codes
    "insufficient_funds": gettext_lazy("not enough money on the card"),
    "expired_card": gettext_lazy("the card has expired"),
    "incorrect_cvc": gettext_lazy("wrong security code"),
    "incorrect_number": gettext_lazy("wrong card number"),
    "lost_card": gettext_lazy("the card was reported lost"),
    "stolen_card": gettext_lazy("the card was reported stolen"),
    "card_velocity_exceeded": gettext_lazy("the card is over its limit"),
    "card_not_supported": gettext_lazy("the card does not allow this kind of payment"),
    "authentication_required": gettext_lazy("the driver did not confirm it with the bank"),
    "payment_intent_authentication_failure": gettext_lazy("the driver did not confirm it with the bank"),
    "processing_error": gettext_lazy("the bank could not process it"),
}
DECLINED: Final = {
    "declined",
    "card_declined",
    "generic_decline",
    "do_not_honor",
    "call_issuer",
    "fraudulent",
    "try_again_later",
}


DISPUTES: Final = {  # docs.stripe.com/disputes/categories
    "fraudulent": gettext_lazy("the cardholder says it was not him"),
    "unrecognized": gettext_lazy("the cardholder does not recognize it"),
    "duplicate": gettext_lazy("the cardholder says he paid twice"),
    "product_not_received": gettext_lazy("the cardholder says he got nothing"),
    "product_unacceptable": gettext_lazy("the cardholder says it was not as described"),
    "credit_not_processed": gettext_lazy("the cardholder waits for a refund"),
    "subscription_canceled": gettext_lazy("the cardholder says he had cancelled"),
    "general": gettext_lazy("the bank gives no reason"),
}
MOVEMENTS: Final = {  # docs.stripe.com/reports/balance-transaction-types
    "charge": gettext_lazy("payment"),
    "payment": gettext_lazy("payment"),
    "refund": gettext_lazy("refund"),
    "payment_refund": gettext_lazy("refund"),
    "refund_failure": gettext_lazy("refund that came back"),
    "adjustment": gettext_lazy("dispute or its reversal"),
    "stripe_fee": gettext_lazy("provider's fee"),
}


def of_dispute(code: str) -> str:
    return str(DISPUTES.get(code, code.replace("_", " ")))


def of_movement(kind: str) -> str:
    return str(MOVEMENTS.get(kind, kind.replace("_", " ")))


def in_words(code: str) -> str:
    """ "start_refused" → "the station refused the start"; a code that nobody knows stays as it is."""
    cause = code.removeprefix("start_")
    if cause != code:
        return str(FailureCause(cause).label) if cause in FailureCause else _("charging did not start")
    if code in DECLINED:
        return _("the bank declined the card")
    if code in CARD:
        return _("card declined: %(why)s") % {"why": CARD[code]}
    return str((OURS | AT_READERS | TERMINALS).get(code, code))
