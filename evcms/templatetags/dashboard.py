"""`{% load dashboard %}`: figures that only operators' pages need."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import template
from django.utils import formats, timezone

from billing.models import Bill
from billing.vocabulary import BillState
from evcms.core import clock
from evcms.core.figures import amount
from evcms.dashboard import trywords
from sessions.models import ChargingSession
from stations.models import Connection, Station
from stations.queries import never_connected
from stations.vocabulary import Approval

from . import figures

register = template.Library()


@register.filter
def rule_text(rule: str) -> str:
    """The rule of sessions.verdicts that decided, in words."""
    return trywords.rule_text(rule)


@register.filter
def at_second(moment: datetime | None, zone: Any = None) -> str:  # Any: a zone's name or nothing
    """'13:05:09.123' of today, '21 Nov 13:05:09.123' of other days: the log is read to the millisecond."""
    if moment is None:
        return figures.NOTHING
    tz = ZoneInfo(zone) if zone else None
    local, today = timezone.localtime(moment, tz), timezone.localtime(clock.now(), tz)
    day = "" if local.date() == today.date() else f"{formats.date_format(local, 'j M')} "
    return f"{day}{local:%H:%M:%S}.{local.microsecond // 1000:03d}"


@register.filter
def milliseconds(microseconds: int) -> str:
    """How long an answer took: '0.4 ms', '12 ms'."""
    if microseconds < 10_000:
        return f"{microseconds / 1000:.1f} ms"
    return f"{microseconds // 1000} ms"


@register.filter
def lasted(link: Connection) -> str:
    """How long a link held; a dash when a lost gateway never closed it."""
    end = link.closed_at or (clock.now() if link.gateway.ended_at is None else None)
    return figures.duration(end - link.opened_at) if end else figures.NOTHING


@register.filter
def link_state(station: Station) -> str:
    """The word for its link, for `status_badge`: a row of stations.queries.with_online."""
    if station.approval != Approval.ACCEPTED:
        return station.approval
    if station.online:  # type: ignore[attr-defined]
        return "online"
    return "never_connected" if never_connected(station) else "offline"


@register.filter
def spent(session: ChargingSession) -> str:
    """From plug to plug; up to now while it runs."""
    return figures.duration((session.ended_at or clock.now()) - session.started_at)


@register.filter
def price(session: ChargingSession) -> str:
    """Of a row that has its bill at hand: the final price; while it runs the price up to now, where the page has asked
    (`charges.priced`). Empty before, and where no price was in force: nothing is known, and that is not 0.00.
    """
    bill: Bill | None = getattr(session, "bill", None)
    if bill and bill.final_at:
        return "" if unpriced(session) else amount(bill.total_minor, bill.currency)
    return getattr(session, "so_far", "")


@register.filter
def unpriced(session: ChargingSession) -> bool:
    """Over, and no tariff was in force: a person has to say what it costs. Of a row that has its bill at hand."""
    bill: Bill | None = getattr(session, "bill", None)
    return bill is not None and bill.state == BillState.REVIEW and bill.snapshot_id is None
