"""Maintenance that comes again: its windows are made AHEAD of time, so that they show and are announced like others."""

from datetime import date, datetime, time, timedelta
from typing import Final

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils.translation import gettext as _

from evcms.core import audit, clock
from evcms.core.access import Access, Permission
from evcms.core.events import publish
from stations import queries, recurrence
from stations.events import MaintenancePlanned
from stations.models import MaintenancePlan, MaintenanceWindow, Rhythm, Site, Station, WindowState

from .configuration import full_clean
from .maintenance import LONGEST, cancel_maintenance, check_place, must_see, tell

AHEAD: Final = timedelta(days=45)


def plan_recurring(
    *,
    access: Access,
    title: str,
    rhythm: str,
    every: int,
    starts_on: date,
    at: time,
    minutes: int,
    time_zone: str,
    ends_on: date | None = None,
    site: Site | None = None,
    station: Station | None = None,
    note: str = "",
) -> MaintenancePlan:
    """Planned work that comes again, with its first windows. Raises ValidationError by field."""
    access.demand(Permission.INCIDENTS)
    check_place(access, site, station)
    must_see(access, site, station)
    plan = MaintenancePlan(
        organization=access.organization,
        site=None if station else site,
        station=station,
        title=title.strip(),
        note=note.strip(),
        rhythm=rhythm,
        every=every,
        starts_on=starts_on,
        ends_on=ends_on,
        at=at,
        minutes=minutes,
        time_zone=time_zone,
        created_by=access.user,
    )
    full_clean(plan, _wrong(plan), exclude=["organization", "created_by"])
    with transaction.atomic():
        plan.save()
        audit.record(access, "maintenance_plan.created", plan, rhythm=rhythm, starts_on=str(starts_on))
        _extend(plan)
    return plan


def _wrong(plan: MaintenancePlan) -> dict[str, list[str]]:
    errors: dict[str, list[str]] = {}
    if not 1 <= plan.every <= 12:
        errors["every"] = [_("Every 1 to 12 weeks or months.")]
    if not 0 < plan.minutes <= min(LONGEST, recurrence.WEEK * 0.9).total_seconds() / 60:
        errors["minutes"] = [_("A window of a rhythm lasts from a minute to six days.")]
    if plan.ends_on and plan.ends_on < plan.starts_on:
        errors["ends_on"] = [_("The last day must not be before the first.")]
    elif plan.ends_on and plan.ends_on < clock.now().date():
        errors["ends_on"] = [_("All of its days are over already.")]
    return errors


def end_plan(*, access: Access, plan: MaintenancePlan) -> int:
    """No more windows; those that have not begun are called off. Returns how many were."""
    access.demand(Permission.INCIDENTS)
    if not queries.plans(access).filter(pk=plan.pk).exists():
        raise PermissionDenied(_("There is no such plan."))
    must_see(access, plan.site, plan.station)
    with transaction.atomic():
        if not MaintenancePlan.objects.filter(pk=plan.pk, ended_at=None).update(ended_at=clock.now()):
            return 0
        audit.record(access, "maintenance_plan.ended", plan)
        ahead = list(plan.windows.filter(state=WindowState.PLANNED))
        return sum(cancel_maintenance(access=access, window=window) for window in ahead)


def extend_plans() -> int:
    """Makes the windows of the next weeks; returns how many. Twice, or by two workers, makes each once."""
    made = 0
    for plan in MaintenancePlan.objects.filter(ended_at=None).select_related("organization", "site", "station"):
        with transaction.atomic():
            made += _extend(plan)
    return made


def _extend(plan: MaintenancePlan) -> int:
    now = clock.now()
    horizon = (now + AHEAD).date()
    until = min(horizon, plan.ends_on) if plan.ends_on else horizon
    known = set(plan.windows.values_list("slot", flat=True))
    made = 0
    rhythm = recurrence.days(plan.starts_on, monthly=plan.rhythm == Rhythm.MONTHLY, every=plan.every, until=until)
    for day in rhythm:
        begin, end = recurrence.span(day, plan.at, plan.minutes, plan.time_zone)
        if end > now and begin not in known:
            made += _window(plan, begin, end)
    return made


def _window(plan: MaintenancePlan, begin: datetime, end: datetime) -> int:
    window, created = MaintenanceWindow.objects.get_or_create(
        plan=plan,
        slot=begin,
        defaults={
            "starts_at": begin,
            "organization": plan.organization,
            "site": plan.site,
            "station": plan.station,
            "title": plan.title,
            "note": plan.note,
            "ends_at": end,
            "created_by": plan.created_by,
        },
    )
    if created:
        publish(MaintenancePlanned(window_id=window.pk))
        tell(window)
    return int(created)
