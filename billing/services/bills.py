"""Bills: opened with a frozen price when a session starts, priced for good when it ends."""

from typing import Final

from billing import lookup
from billing.events import BillNeedsReview
from billing.models import Bill
from billing.vocabulary import BillState, FundingSource
from evcms.core import clock, events, sql
from evcms.core.prepared import Prepared
from evcms.core.sqltime import stored
from sessions.models import ChargingSession

from . import funding

_PLACE: Final = Prepared(
    lambda session_id: ChargingSession.objects.filter(pk=session_id).order_by().values_list(
        "organization_id", "site_id", "station_id", "connector_id", "started_at", "organization__currency",
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
    """Freezes the price of a session that has just started, in the caller's transaction; a second call changes nothing.
    Says how it is paid.

    The terms of its payment win (the driver saw them), else the most particular tariff in force. Without any, the bill
    has no snapshot: it ends in REVIEW, never as a silent zero.
    """
    found = _PLACE.tuples(session_id)[0]
    organization, site, station, connector, at, currency, snapshot, paid_in, kind, token, driver, group, *here = found
    choice = (
        funding.Choice(FundingSource(kind))
        if kind
        else funding.choose(token_id=token, driver_id=driver, group_id=group)
    )
    if snapshot is None:
        tariff = lookup.tariff_in_force(
            organization_id=organization, site_id=site, station_id=station, connector_id=connector, at=at,
            group_id=group,
        )  # fmt: skip
        if tariff:
            setting = lookup.Setting(at.year, here[0] or "UTC", bool(here[1]))
            snapshot, currency = lookup.snapshot_of(tariff, setting).pk, tariff.currency
    opened = stored(clock.now())
    account = choice.account.pk if choice.account else None
    row = [session_id, organization, snapshot, paid_in or currency, opened, str(choice.source), account]
    sql.execute(_OPEN, [row])
    return choice


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
