"""The house itself: deliveries that died, messages that reached nobody, sites above their grid limit."""

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Count
from django.utils.translation import gettext as _

from alerts.models import Notification
from alerts.rulebook import Spot
from alerts.vocabulary import IncidentKind, NotificationState
from evcms.core.delivery import dead_deliveries
from sessions import signs
from stations import fleet

from .finding import Finding, View


def dead(view: View) -> Iterator[Finding]:
    kind = IncidentKind.DEAD_DELIVERY
    for subscriber, error in dead_deliveries():
        yield Finding(
            kind=kind,
            key=f"delivery:{subscriber}",
            spot=Spot(None),
            title=_("%(subscriber)s failed for the last time") % {"subscriber": subscriber},
            since=view.now,
            detail={"error": error},
        )
    for span in view.book.spans(kind):
        yield from _to_nobody(view, span)


def _to_nobody(view: View, span: timedelta) -> Iterator[Finding]:
    """One bad address is shown with its owner; several messages of one organization are trouble."""
    kind = IncidentKind.DEAD_DELIVERY
    rows = Notification.objects.filter(state=NotificationState.FAILED, created_at__gte=view.now - span).order_by()
    for organization_id, count in rows.values_list("organization_id").annotate(count=Count("pk")):
        setting = view.book.setting(kind, Spot(organization_id))
        if setting.duration != span or count < setting.threshold:
            continue
        yield Finding(
            kind=kind,
            key=f"notifications:{organization_id}",
            spot=Spot(organization_id),
            title=_("Several messages could not be brought to anybody"),
            since=view.now,
        )


def site_power(view: View) -> Iterator[Finding]:
    """Above the limit now and at the beginning of the span: one peak is none."""
    kind = IncidentKind.SITE_POWER
    limits = fleet.grid_limits()
    over = _over(view, limits, signs.site_power())
    for site_id in sorted(over):
        spot = view.site_spot(limits[site_id].organization_id, site_id)
        setting = view.book.setting(kind, spot)
        before = _over(view, limits, signs.site_power(at=view.now - setting.duration)) if setting.duration else over
        if site_id not in before:
            continue
        limit = limits[site_id]
        yield Finding(
            kind=kind,
            key=f"site_power:{site_id}",
            spot=spot,
            title=_("%(site)s draws more than its limit of %(limit)s kW")
            % {"site": limit.site, "limit": f"{limit.limit_w / 1000:g}"},
            since=view.now - setting.duration,
            detail={"limit_w": limit.limit_w},
        )


def _over(view: View, limits: dict[int, fleet.GridLimit], power: dict[int, int]) -> set[int]:
    found = set()
    for site_id, power_w in power.items():
        limit = limits.get(site_id)
        if limit is None:
            continue
        percent = view.book.setting(IncidentKind.SITE_POWER, view.site_spot(limit.organization_id, site_id)).threshold
        if power_w * 100 > limit.limit_w * percent:
            found.add(site_id)
    return found
