"""A driver who paid without a phone looks for the receipt: place, day, amount and card must all fit."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet

from billing.models import Receipt
from billing.vocabulary import PaymentKind, ReceiptKind
from evcms.core.money import to_minor

MOST: Final = 5
NEAR: Final = timedelta(days=1)  # zones lie up to a day apart


def find_receipts(*, place: str, day: date, amount: Decimal, card: str) -> list[Receipt]:
    """Receipts of charges that began or ended on `day` (on the site's wall clock) at `place` (the code on the sticker,
    the station, the EVSE id or the site), over `amount` (the price, or what the card was charged), paid with a card
    that ends in `card`, or under that reference of the station's terminal. Newest first; a few at most.
    """
    begin = datetime.combine(day, time(), UTC)
    rows = _around(begin - NEAR, begin + 2 * NEAR).filter(_at(place.strip()), _with(card.strip()))
    return [row for row in rows.order_by("-issued_at")[:200] if _fits(row, day, amount)][:MOST]


def _around(since: datetime, until: datetime) -> QuerySet[Receipt]:
    began = Q(bill__session__started_at__gte=since, bill__session__started_at__lt=until)
    ended = Q(bill__session__ended_at__gte=since, bill__session__ended_at__lt=until)
    whole = Receipt.objects.filter(refund=None)
    taken_back = whole.filter(kind=ReceiptKind.CREDIT).values("corrects")
    standing = whole.filter(kind=ReceiptKind.RECEIPT).exclude(pk__in=taken_back)
    return standing.filter(began | ended).select_related("payment", "bill__session__site", "organization")


def _at(place: str) -> Q:
    session = "bill__session"
    return (
        Q(**{f"{session}__connector__code__iexact": place})
        | Q(**{f"{session}__station__identity__iexact": place})
        | Q(**{f"{session}__station__name__iexact": place})
        | Q(**{f"{session}__evse__evse_id__iexact": place})
        | Q(**{f"{session}__site__name__iexact": place})
    )


def _with(card: str) -> Q:
    """Four digits are the card's; anything longer the reference on the terminal's slip."""
    if len(card) == 4 and card.isascii() and card.isdigit():
        return Q(payment__card__endswith=f" {card}")
    station = Q(payment__kind=PaymentKind.STATION)
    return station & (Q(payment__intent_id__iexact=card) | Q(payment__charge_id__iexact=card))


def _fits(receipt: Receipt, day: date, amount: Decimal) -> bool:
    session, wanted = receipt.bill.session if receipt.bill else None, to_minor(amount, receipt.currency)
    if session is None:
        return False
    paid = receipt.payment.captured_minor if receipt.payment else receipt.total_minor
    zone = ZoneInfo(session.site.time_zone if session.site else receipt.organization.time_zone)
    days = {at.astimezone(zone).date() for at in (session.started_at, session.ended_at) if at}
    return day in days and wanted in (receipt.total_minor, paid)
