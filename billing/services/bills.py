"""Bills: opened with a frozen price when a session starts, priced for good when it ends."""

from typing import Final

from django.db import transaction

from billing import lookup
from billing.events import BillNeedsReview
from billing.models import Bill
from billing.vocabulary import BillState
from evcms.core import clock, events
from evcms.core.prepared import Prepared
from sessions.models import ChargingSession

_STARTED: Final = (
    "organization_id", "site_id", "station_id", "connector_id", "started_at", "organization__currency",
    "attempt__payment__snapshot_id", "attempt__payment__currency",
)  # fmt: skip
_SESSION: Final = Prepared(lambda pk: ChargingSession.objects.filter(pk=pk).values_list(*_STARTED), int)


def open_bill(*, session_id: int) -> None:
    """Freezes the price of a session that has just started; a second call changes nothing.

    The terms of its payment win (the driver saw them), else the most particular tariff in force. Without any, the bill
    has no snapshot: it ends in REVIEW, never as a silent zero.
    """
    session = dict(zip(_STARTED, _SESSION.tuples(session_id)[0], strict=True))
    snapshot_id = session["attempt__payment__snapshot_id"]
    currency = session["attempt__payment__currency"] or session["organization__currency"]
    with transaction.atomic():
        if snapshot_id is None:
            tariff = lookup.tariff_in_force(
                organization_id=session["organization_id"], site_id=session["site_id"],
                station_id=session["station_id"], connector_id=session["connector_id"], at=session["started_at"],
            )
            if tariff:
                snapshot_id, currency = lookup.snapshot_of(tariff).pk, tariff.currency
        Bill.objects.bulk_create(
            [Bill(session_id=session_id, organization_id=session["organization_id"], snapshot_id=snapshot_id,
                  currency=currency)],
            ignore_conflicts=True,
        )


def lock(session_id: int) -> Bill:
    return Bill.objects.select_for_update(of=("self",)).select_related("session", "snapshot").get(session_id=session_id)


def close(bill: Bill, state: BillState, reason: str, *, shortfall: int = 0) -> None:
    """The price stands. `shortfall`: what of it nobody has paid, with the reason."""
    bill.state, bill.reason, bill.shortfall_minor = state, reason[:160], shortfall
    bill.final_at = bill.final_at or clock.now()
    bill.save()


def review(bill: Bill, reason: str) -> None:
    """A person must look; `alerts` hears of it."""
    close(bill, BillState.REVIEW, reason, shortfall=bill.shortfall_minor)
    events.publish(BillNeedsReview(bill_id=bill.pk, reason=bill.reason))


def paid(bill: Bill, captured_minor: int) -> None:
    """The provider has taken `captured_minor`. A bill in review stays there: money does not answer its question."""
    bill.shortfall_minor = max(0, bill.total_minor - captured_minor)
    if captured_minor > bill.total_minor:
        bill.state, bill.reason = BillState.REVIEW, "more was captured than the price"
    elif bill.state != BillState.REVIEW:
        bill.state = BillState.PAID
    bill.save()
