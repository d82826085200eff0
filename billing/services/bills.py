"""Bills: opened with a frozen price when a session starts, priced for good when it ends."""

from collections.abc import Sequence
from typing import Any, Final

from billing import lookup
from billing.events import BillNeedsReview
from billing.models import Bill
from billing.vocabulary import BillState, FundingSource
from evcms.core import clock, events, sql
from evcms.core.prepared import PreparedMany
from evcms.core.sqltime import stored
from sessions.models import ChargingSession

from . import funding

_PLACES: Final = PreparedMany(
    lambda session_ids: ChargingSession.objects.filter(pk__in=session_ids).order_by("pk").values_list(
        "pk", "organization_id", "site_id", "station_id", "connector_id", "started_at", "organization__currency",
        "attempt__payment__snapshot_id", "attempt__payment__currency", "attempt__payment__kind", "id_token_id",
        "driver_id", "driver__group_id", "site__time_zone", "site__pricing__frozen",
    ),
    int,
)  # fmt: skip


# Written out: Django takes a third of a millisecond to build it, the database 0.02
_OPEN: Final = """
    INSERT INTO billing_bill (session_id, organization_id, snapshot_id, currency, created_at, state, net_minor,
        tax_minor, total_minor, shortfall_minor, waived_minor, waived_reason, reason, source, account_id)
    VALUES (%s, %s, %s, %s, %s, 'open', 0, 0, 0, 0, 0, '', '', %s, %s) ON CONFLICT DO NOTHING
"""


def open_bill(*, session_id: int) -> funding.Choice:
    return open_bills(session_ids=[session_id])[session_id]


def open_bills(*, session_ids: Sequence[int]) -> dict[int, funding.Choice]:
    """Freezes the prices of sessions that have just started, in the caller's transaction; a second call does nothing.
    Says how each of them is paid.

    The terms of its payment win (the driver saw them), else the most particular tariff in force. Without any, the bill
    has no snapshot: it ends in REVIEW, never as a silent zero.
    """
    opened = stored(clock.now())
    drafts = [_draft(place, opened) for place in _PLACES.tuples([(pk,) for pk in session_ids])]
    sql.execute(_OPEN, [row for row, _ in drafts])
    return {row[0]: choice for row, choice in drafts}


def _draft(place: Sequence[Any], opened: Any) -> tuple[list[Any], funding.Choice]:
    """A bill's row, and how it is paid. Any: what columns hold."""
    session, organization, site, station, connector, at, currency, snapshot, paid_in, kind, *rest = place
    token, driver, group, zone, frozen = rest
    choice = (
        funding.Choice(FundingSource(kind))
        if kind
        else funding.choose(token_id=token, driver_id=driver, group_id=group)
    )
    if snapshot is None:
        tariff = lookup.tariff_in_force(
            organization_id=organization,
            site_id=site,
            station_id=station,
            connector_id=connector,
            at=at,
            group_id=group,
        )
        if tariff:
            here = lookup.Setting(at.year, zone or "UTC", bool(frozen))
            snapshot, currency = lookup.snapshot_of(tariff, here).pk, tariff.currency
    account = choice.account.pk if choice.account else None
    row = [session, organization, snapshot, paid_in or currency, opened, str(choice.source), account]
    return row, choice


def fund(*, session_id: int) -> funding.Choice | None:
    """A session that was plugged in first has its token now: the open bill gets its way to pay; None: it had one."""
    session = ChargingSession.objects.select_related("driver").get(pk=session_id)
    driver = session.driver
    choice = funding.choose(
        token_id=session.id_token_id, driver_id=session.driver_id, group_id=driver.group_id if driver else None
    )
    open_ = Bill.objects.filter(session=session, state=BillState.OPEN, source=FundingSource.NONE)
    return choice if open_.update(source=choice.source, account=choice.account) else None


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
