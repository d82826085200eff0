"""What a reader's screen says: the price before the tap, how it ended, where the receipt is. Never decides anything."""

from datetime import timedelta
from typing import Final

import structlog
from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing import wording
from billing.gateways import gateway
from billing.gateways.base import GatewayError, ScreenLine
from billing.models import CardReader, Payment
from billing.reckoning import terms_of_snapshot
from billing.vocabulary import PaymentKind, PaymentState
from evcms.core import clock
from evcms.core.figures import amount
from stations.models import Connector

log = structlog.get_logger(__name__)

READ_IT: Final = timedelta(seconds=6)  # how long the end of one turn stays before the next
RECEIPT_STAYS: Final = timedelta(seconds=20)
LONGEST_LINE: Final = 120  # characters; a screen has no more
ENDS: Final = {
    "reader_timeout": gettext_lazy("No card was tapped in time. Plug in again to pay here."),
    "unplugged": gettext_lazy("The car was unplugged. Nothing is charged."),
    "paid_otherwise": gettext_lazy("Charging was started another way. Nothing is charged here."),
    "not_possible": gettext_lazy("Charging is not possible here at the moment. Nothing is charged."),
    "declined": gettext_lazy("The card was declined. Nothing is charged."),
    "reader_offline": gettext_lazy("The card reader has no connection. Nothing is charged."),
    "reader_busy": gettext_lazy("The card reader is busy. Nothing is charged."),
    "reader_gone": gettext_lazy("The card reader was taken away. Nothing is charged."),
    "hold_lost": gettext_lazy("The payment was cancelled. Nothing is charged."),
}


def show_price(reader: CardReader, payment: Payment, *, refused: bool = False) -> None:
    """Which plug, the price in the legal order (AFIR art. 5), what is held. In the caller's language."""
    place = Connector.objects.select_related("station", "evse").get(pk=payment.connector_id)
    held = amount(payment.hold_minor, payment.currency)
    lines = [_("The card was declined. Please try another one.")] if refused else []
    lines.append(_("Charging at %(place)s") % {"place": place})
    lines += [line.sentence for line in wording.price_lines(terms_of_snapshot(payment.snapshot))]
    lines.append(_("Up to %(amount)s is held; you pay only what you charge, the rest is freed.") % {"amount": held})
    _show(reader, lines, payment)


def show_end(reader: CardReader, payment: Payment) -> None:
    with translation.override(payment.language):
        if payment.state == PaymentState.EXPIRED:
            text = str(ENDS.get(payment.error_code, _("Nothing is charged.")))
        elif payment.state in (PaymentState.RELEASING, PaymentState.RELEASED, PaymentState.FAILED):
            text = payment.error_text or _("Nothing is charged.")
        else:
            text = _("Thank you, charging starts. Unplug to end it; the receipt is shown here.")
        _show(reader, [text], payment)


def rest(reader: CardReader) -> timedelta | None:
    """Nobody waits: a fresh receipt, else the invitation. Returns when to look again; None: when a car comes."""
    fresh = Payment.objects.filter(
        reader=reader, kind=PaymentKind.READER, state=PaymentState.CAPTURED,
        settled_at__gt=clock.now() - RECEIPT_STAYS,
    ).order_by("-settled_at").first()  # fmt: skip
    with translation.override(reader.organization.language or "en"):
        if fresh:
            _show_receipt(reader, fresh)
            return RECEIPT_STAYS
        _show(reader, [_("Plug in first, then pay here with your card or phone.")], None)
    return None


def _show_receipt(reader: CardReader, payment: Payment) -> None:
    receipt = payment.receipt
    lines = [
        _("%(amount)s paid with %(card)s.") % {
            "amount": amount(payment.captured_minor, payment.currency), "card": payment.card or _("card"),
        },
        _("Receipt %(number)s") % {"number": receipt.number} if receipt else "",
        _("Find it at %(url)s") % {"url": f"{settings.PUBLIC_URL}/receipt"},
    ]  # fmt: skip
    _show(reader, [line for line in lines if line], payment, total=payment.captured_minor)


def _show(reader: CardReader, texts: list[str], payment: Payment | None, *, total: int = 0) -> None:
    """A screen that cannot be written stops nothing."""
    currency = payment.currency if payment else reader.organization.currency
    lines = [ScreenLine(text[:LONGEST_LINE]) for text in texts]
    try:
        gateway().show(reader.provider_id, lines, currency=currency, total_minor=total)
    except GatewayError as error:
        log.info("screen not written", reader=reader.provider_id, code=error.code)
