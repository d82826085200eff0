"""A card reader asks for a tap: a car is plugged in, nobody has paid, and no phone is needed.

    a car waits (billing.waiting) → Payment(READER) and the reader's `asking`, one transaction
      → the hold is made → the reader is told to ask → a tap → the hold stands → `payment_authorized` starts the station
      → or 90 s pass, the car leaves, somebody else pays, the reader goes off: the hold is given up

One reader asks for one car at a time; the others wait their turn. Nothing is remembered outside the rows: each look at
a reader begins with what the provider says of it, so a worker that dies anywhere is followed by one that goes on. Looks
come every two seconds while a reader is busy, and at once when a webhook speaks of it.
"""

from datetime import timedelta
from typing import Final

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils import translation
from django.utils.translation import gettext as _

from billing import availability, lookup, waiting
from billing.gateways import PaymentsOff, gateway
from billing.gateways.base import Asking, GatewayError, HoldStatus, Reader
from billing.models import CardReader, Payment
from billing.vocabulary import PaymentKind, PaymentState, ReaderState, Refusal
from evcms.core import clock, events
from stations.models import Connector

from . import moves, payments, screens, settlement

log = structlog.get_logger(__name__)

LEASE: Final = timedelta(seconds=60)  # longer than the calls of one look take
LOOK_AGAIN: Final = timedelta(seconds=2)
AFTER_TROUBLE: Final = timedelta(seconds=10)
MOST: Final = 50  # readers of one round; the next one, two seconds later, takes others
MOST_CARDS: Final = 3  # refused cards before a car has to wait its turn again
FORGOTTEN_AFTER: Final = timedelta(minutes=3)
ASKED = (PaymentState.CREATED, PaymentState.CHECKOUT)
ALIVE = Q(archived_at=None) | Q(asking__isnull=False)  # one that was taken away while it asked is looked at once more


def run_readers() -> int:
    """Every two seconds: readers that are due, and resting ones at which a car waits. Returns how many there were."""
    try:
        gateway()
    except PaymentsOff:
        return 0
    for reader in waiting.readers_with_cars()[:MOST]:
        if waiting.next_car(reader) is not None:
            CardReader.objects.filter(pk=reader.pk, due_at=None).update(due_at=clock.now())
    due = CardReader.objects.filter(ALIVE, due_at__lte=clock.now()).order_by("due_at")
    ids = list(due.values_list("pk", flat=True)[:MOST])
    for pk in ids:
        try:
            look_at(reader_id=pk)
        except Exception:  # one broken row must not hide the others; it is due again
            log.exception("card reader not looked at", reader=pk)
    return len(ids) + _give_up_forgotten()


def wake(*, payment: Payment) -> None:
    """Something was heard of a payment: its reader is looked at now. In the caller's transaction."""
    if payment.reader_id is not None:
        CardReader.objects.filter(pk=payment.reader_id, archived_at=None).update(due_at=clock.now())
        events.nudge("billing.readers")


def settled(*, payment_id: int) -> None:
    """The money of a reader's payment is in: its screen shows the receipt."""
    payment = Payment.objects.filter(pk=payment_id, kind=PaymentKind.READER).first()
    if payment is not None:
        wake(payment=payment)


def look_at(*, reader_id: int) -> None:
    """One step of a reader that is due. Calls the provider, so never inside a transaction."""
    reader = _claim(reader_id)
    if reader is None:
        return
    try:
        payment = reader.asking or _next(reader)
        wait = _follow(reader, payment) if payment else screens.rest(reader)
    except GatewayError as error:
        wait = _trouble(reader, error)
    due_at = None if wait is None else clock.now() + wait
    CardReader.objects.filter(pk=reader.pk).update(due_at=due_at)


def _claim(reader_id: int) -> CardReader | None:
    rows = CardReader.objects.select_related("asking", "organization", "station", "site")
    reader = rows.filter(ALIVE, pk=reader_id, due_at__lte=clock.now()).first()
    if reader is None:
        return None
    mine = CardReader.objects.filter(pk=reader.pk, due_at=reader.due_at)
    return reader if mine.update(due_at=clock.now() + LEASE) else None


# A car's turn ---------------------------------------------------------------------------------------------------------


def _next(reader: CardReader) -> Payment | None:
    """Opens the payment of the car whose turn it is; None when no car waits, or the reader is off."""
    connector = waiting.next_car(reader) if reader.state != ReaderState.OFFLINE else None
    return _open(reader, connector) if connector else None


def _open(reader: CardReader, connector: Connector) -> Payment | None:
    tariff = availability.tariff_at(connector, clock.now())
    if tariff is None:
        return None
    with transaction.atomic():
        row = CardReader.objects.select_for_update(of=("self",)).get(pk=reader.pk)
        if row.asking_id is not None or row.archived_at is not None:
            return None
        payment = Payment.objects.create(
            organization_id=reader.organization_id,
            kind=PaymentKind.READER,
            reader=row,
            connector=connector,
            snapshot=lookup.snapshot_of(tariff, lookup.setting_here(connector)),
            currency=tariff.currency,
            hold_minor=payments.hold_of(tariff),
            language=reader.organization.language or "en",
        )
        moves.note(payment, PaymentState.CREATED, text=reader.label, amount=payment.hold_minor)
        row.asking, row.asked_at = payment, clock.now()
        row.save(update_fields=["asking", "asked_at"])
    reader.asking, reader.asked_at = payment, row.asked_at
    return payment


def _follow(reader: CardReader, payment: Payment) -> timedelta:
    """One look at a payment that the reader asks for."""
    if payment.state not in ASKED:
        return _over(reader, payment)
    seen = gateway().reader(reader.provider_id)
    note_seen(reader, seen)
    if payment.intent_id and seen.intent_id == payment.intent_id and seen.asking == Asking.DONE:
        return _tapped(reader, payment)
    why = _why_stop(reader, payment, seen)
    if why:
        return _withdraw(reader, payment, seen, why)
    if seen.asking == Asking.WAITING:
        if seen.intent_id == payment.intent_id:
            _asked(payment)
        return LOOK_AGAIN  # or it is busy with what somebody else told it: it gets free, or the time is up
    return _ask(reader, payment, refused=seen.asking == Asking.FAILED and seen.intent_id == payment.intent_id)


def _why_stop(reader: CardReader, payment: Payment, seen: Reader) -> str:
    """The code that a payment is given up with; empty while the reader goes on asking."""
    if reader.archived_at is not None:
        return "reader_gone"
    if not seen.online:
        return "reader_offline"
    if not waiting.plugged_in(payment.connector_id):
        return "unplugged"
    refusal = waiting.why_not(_connector(payment))
    if refusal is not None:
        return "paid_otherwise" if refusal == Refusal.OCCUPIED else "not_possible"
    if payment.tries >= MOST_CARDS and seen.asking == Asking.FAILED:
        return "declined"
    asked_for = clock.now() - (reader.asked_at or payment.created_at)
    if asked_for < timedelta(seconds=settings.CARD_READER_TIMEOUT):
        return ""
    busy = seen.asking == Asking.WAITING and seen.intent_id != payment.intent_id
    return "reader_busy" if busy else "reader_timeout"


def _connector(payment: Payment) -> Connector:
    return Connector.objects.select_related("station__organization", "station__site", "evse").get(
        pk=payment.connector_id
    )


# Asking ---------------------------------------------------------------------------------------------------------------


def _ask(reader: CardReader, payment: Payment, *, refused: bool) -> timedelta:
    """Makes the hold, shows the price, asks. Each time has its own key: what came of the last one was read back."""
    provider = gateway()
    with translation.override(payment.language):
        if not payment.intent_id:
            _make_hold(payment)
        elif provider.hold(payment.intent_id).status != HoldStatus.OPEN:
            return _tapped(reader, payment)
        Payment.objects.filter(pk=payment.pk).update(tries=F("tries") + 1)
        payment.tries += 1
        screens.show_price(reader, payment, refused=refused)
        key = f"{payment.public_id}-ask-{payment.tries}-{int(clock.now().timestamp())}"
        provider.ask_tap(reader.provider_id, payment.intent_id, key=key)
    _asked(payment)
    return LOOK_AGAIN


def _make_hold(payment: Payment) -> None:
    place = str(_connector(payment))
    hold = gateway().create_present_hold(
        reference=payment.public_id,
        amount_minor=payment.hold_minor,
        currency=payment.currency,
        title=_("Charging at %(place)s") % {"place": place},
        key=f"{payment.public_id}-present",
    )
    Payment.objects.filter(pk=payment.pk).update(intent_id=hold.intent_id)
    payment.intent_id = hold.intent_id


def _asked(payment: Payment) -> None:
    """The reader asks: the payment waits for the driver."""
    with transaction.atomic():
        row = moves.lock(payment.pk)
        if row.state == PaymentState.CREATED:
            moves.move(row, PaymentState.CHECKOUT, tries=payment.tries)


def _tapped(reader: CardReader, payment: Payment) -> timedelta:
    """A card was accepted: what the provider says of the hold counts, as with a webhook."""
    _apply(payment)
    payment.refresh_from_db()
    return _over(reader, payment) if payment.state not in ASKED else LOOK_AGAIN


def _apply(payment: Payment) -> HoldStatus:
    hold = gateway().hold(payment.intent_id)
    if hold.status == HoldStatus.HELD:
        payments.payment_authorized(payment_id=payment.pk, hold=hold)
    elif hold.status == HoldStatus.RELEASED:
        _expire(payment, "hold_lost")
    elif hold.status == HoldStatus.CAPTURED:
        settlement.capture_seen(payment_id=payment.pk, hold=hold)
    return hold.status


# Ends -----------------------------------------------------------------------------------------------------------------


def _withdraw(reader: CardReader, payment: Payment, seen: Reader, why: str) -> timedelta:
    """The reader stops asking first, so that no tap can come after the hold was read; then the hold is given up."""
    if seen.online and seen.asking == Asking.WAITING and seen.intent_id == payment.intent_id:
        gateway().stop_asking(reader.provider_id)
    put_away(payment, why)
    payment.refresh_from_db()
    return _over(reader, payment)


def put_away(payment: Payment, why: str) -> None:
    """Gives up a payment that no reader asks for any more; a card that was tapped meanwhile is heard first."""
    if payment.intent_id:
        if _apply(payment) != HoldStatus.OPEN:
            return
        gateway().cancel(payment.intent_id, f"{payment.public_id}-cancel-unasked")
    _expire(payment, why)


def _expire(payment: Payment, why: str) -> None:
    with transaction.atomic():
        row = moves.lock(payment.pk)
        if row.state in ASKED:
            text = screens.ENDS.get(why, "")
            moves.move(row, PaymentState.EXPIRED, text=str(text), error_code=why, error_text=str(text), due_at=None)


def _over(reader: CardReader, payment: Payment) -> timedelta:
    """The reader is free for the next car; the screen says how this one's turn ended."""
    with transaction.atomic():
        mine = CardReader.objects.filter(pk=reader.pk, asking=payment)
        mine.update(asking=None, asked_at=None)
    reader.asking = None
    screens.show_end(reader, payment)
    _tell(reader)
    return screens.READ_IT


def _trouble(reader: CardReader, error: GatewayError) -> timedelta:
    """The provider refuses, or does not answer. A reader that is off gives its car's turn up at the next look."""
    log.info("card reader", reader=reader.provider_id, code=error.code, text=error.text)
    offline = error.code == "terminal_reader_offline"
    gone = error.code == "resource_missing"
    changes: dict[str, object] = {"error_text": error.text[:255]}
    if offline or gone:
        changes["state"] = ReaderState.OFFLINE
    CardReader.objects.filter(pk=reader.pk).update(**changes)
    refused = error.permanent and not error.unknown and not error.code.startswith("terminal_reader")
    if reader.asking and (refused or gone):
        _refused(reader, reader.asking, error)
    return LOOK_AGAIN if offline and reader.asking else AFTER_TROUBLE


def _refused(reader: CardReader, payment: Payment, error: GatewayError) -> None:
    """A final no to the payment itself, or a reader that the provider does not know any more."""
    with transaction.atomic():
        row = moves.lock(payment.pk)
        if row.state in ASKED:
            moves.move(
                row, PaymentState.FAILED, text=error.text, error_code=error.code[:80], error_text=error.text[:255],
                due_at=None, settled_at=clock.now(),
            )  # fmt: skip
        CardReader.objects.filter(pk=reader.pk, asking=payment).update(asking=None, asked_at=None)


def note_seen(reader: CardReader, seen: Reader) -> None:
    """Whether the provider reaches the reader; one that comes back is due at once."""
    state = ReaderState.ONLINE if seen.online else ReaderState.OFFLINE
    changes: dict[str, object] = {"state": state, "location_id": seen.location_id[:80]}
    if seen.online:
        changes |= {"seen_at": clock.now(), "error_text": ""}
    if state != reader.state and seen.online:
        changes["due_at"] = clock.now()
    CardReader.objects.filter(pk=reader.pk).update(**changes)
    if state != reader.state:
        reader.state = state
        _tell(reader)


def _tell(reader: CardReader) -> None:
    """Open pages of the operator look again."""
    groups = [f"org.{reader.organization_id}"]
    if reader.station_id:
        groups.append(f"station.{reader.station_id}")
    told = {"reader": reader.pk, "state": str(reader.state), "station_id": reader.station_id}
    events.broadcast("reader.changed", told, groups=groups)


def watch_readers() -> int:
    """Every half minute or so: which readers does the provider reach? One listing for all of them."""
    rows = {reader.provider_id: reader for reader in CardReader.objects.filter(archived_at=None)}
    if not rows:
        return 0
    try:
        seen = {each.reader_id: each for each in gateway().readers()}
    except (PaymentsOff, GatewayError) as error:
        log.info("card readers not listed", error=str(error))
        return 0
    for provider_id, reader in rows.items():
        note_seen(reader, seen.get(provider_id) or Reader(provider_id, reader.label, "", "", online=False))
    return len(rows)


def _give_up_forgotten() -> int:
    """Payments that a reader was to ask for and none asks any more: it was archived, or changed by hand."""
    asking = CardReader.objects.filter(asking__isnull=False).values("asking_id")
    border = clock.now() - FORGOTTEN_AFTER
    rows = Payment.objects.filter(kind=PaymentKind.READER, state__in=ASKED, created_at__lt=border)
    forgotten = list(rows.exclude(pk__in=asking)[:MOST])
    for payment in forgotten:
        try:
            put_away(payment, "reader_gone")
        except GatewayError as error:
            log.info("forgotten payment not read", payment=payment.public_id, code=error.code)
    return len(forgotten)
