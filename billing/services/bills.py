"""Bills: opened with a frozen price when a session starts, priced for good when it ends."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from billing import lookup
from billing.events import BillNeedsReview
from billing.models import Bill
from billing.vocabulary import BillState, FundingSource
from evcms.core import clock, events, sql
from evcms.core.prepared import PreparedMany
from evcms.core.sqltime import stored
from sessions.models import ChargingSession

from . import funding, revenue


class _Begun(NamedTuple):
    """A session that has just started. What begins with "paid" is of the payment that it was started with."""

    session_id: int
    organization_id: int
    site_id: int | None
    station_id: int
    connector_id: int | None
    at: datetime
    currency: str
    snapshot_id: int | None
    paid_in: str | None
    paid_as: str | None
    token_id: int | None
    driver_id: int | None
    group_id: int | None
    time_zone: str | None
    frozen: bool | None

    @property
    def payer(self) -> funding.Payer:
        return funding.Payer(self.token_id, self.driver_id, self.group_id)

    @property
    def place(self) -> lookup.Place:
        return lookup.Place(
            self.organization_id, self.site_id, self.station_id, self.connector_id, self.group_id, self.at
        )

    @property
    def setting(self) -> lookup.Setting:
        return lookup.Setting(self.at.year, self.time_zone or "UTC", bool(self.frozen))

    def way(self, choice: funding.Choice) -> funding.Choice:
        """How it is paid; `choice` is for those that nobody has paid for yet."""
        return funding.Choice(FundingSource(self.paid_as)) if self.paid_as else choice


_BEGUN: Final = PreparedMany(
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
    begun = [_Begun(*row) for row in _BEGUN.tuples([(pk,) for pk in session_ids])]
    choices = funding.choose_many(each.payer for each in begun)
    ways = {each.session_id: each.way(choices[each.payer]) for each in begun}
    opened = stored(clock.now())
    sql.execute(
        _OPEN,
        [
            [each.session_id, each.organization_id, snapshot_id, currency, opened, str(way.source), way.account_id]
            for each, (snapshot_id, currency) in zip(begun, _prices(begun), strict=True)
            for way in [ways[each.session_id]]
        ],
    )
    return ways


def _prices(begun: Sequence[_Begun]) -> Iterator[tuple[int | None, str]]:
    """For each the frozen price, if there is any, and its currency."""
    tariffs = lookup.tariffs_at([each.place for each in begun])
    frozen: dict[tuple[int, lookup.Setting], int] = {}
    for each, tariff in zip(begun, tariffs, strict=True):
        if each.snapshot_id is not None or tariff is None:
            yield each.snapshot_id, each.paid_in or each.currency
            continue
        content = (tariff.pk, each.setting)
        if content not in frozen:
            frozen[content] = lookup.snapshot_of(tariff, each.setting).pk
        yield frozen[content], each.paid_in or tariff.currency


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
    revenue.keep(bill)


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
    revenue.keep(bill)
