"""Maintenance windows: planned → running → ended, or cancelled."""

from datetime import datetime, timedelta
from typing import Final

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from evcms.core import audit, clock
from evcms.core.access import Access, Permission
from evcms.core.events import broadcast, publish
from stations import queries
from stations.events import (
    MaintenanceCancelled,
    MaintenanceEnded,
    MaintenanceMoved,
    MaintenancePlanned,
    MaintenanceStarted,
)
from stations.models import MaintenanceWindow, Site, Station, WindowState

from . import taking
from .configuration import full_clean, see_site, see_station

LONGEST: Final = timedelta(days=90)
LATEST: Final = timedelta(days=1)  # work that has begun already may be entered so late; what is older was not announced
OPEN_WINDOWS: Final = (WindowState.PLANNED, WindowState.RUNNING)


def plan_maintenance(
    *,
    access: Access,
    title: str,
    starts_at: datetime,
    ends_at: datetime,
    site: Site | None = None,
    station: Station | None = None,
    note: str = "",
) -> MaintenanceWindow:
    """Planned work on a station, a site, or (neither) all of the organization. Raises ValidationError by field.

    A window that has begun already runs at once.
    """
    access.demand(Permission.INCIDENTS)
    check_place(access, site, station)
    must_see(access, site, station)
    window = MaintenanceWindow(
        organization=access.organization,
        site=None if station else site,
        station=station,
        title=title.strip(),
        note=note.strip(),
        starts_at=starts_at,
        ends_at=ends_at,
        created_by=access.user,
    )
    full_clean(window, wrong_plan(starts_at, ends_at), exclude=["organization", "created_by"])
    with transaction.atomic():
        window.save()
        audit.record(access, "maintenance.planned", window, starts_at=str(starts_at), ends_at=str(ends_at))
        publish(MaintenancePlanned(window_id=window.pk))
        tell(window)
        _start_due(window)
    return window


def check_place(access: Access, site: Site | None, station: Station | None) -> None:
    """What a person can put right in the form; rows of others are refused by `must_see`."""
    if station is not None and site is not None and station.site_id != site.pk:
        raise ValidationError({"station": [_("%(station)s does not stand there.") % {"station": station}]})
    if station is None and site is None and not access.all_sites:
        raise ValidationError({"site": [_("Choose one of your sites, or a station.")]})


def must_see(access: Access, site: Site | None, station: Station | None) -> None:
    if station is not None:
        see_station(access, station)
    elif site is not None:
        see_site(access, site)
    elif not access.all_sites:
        raise PermissionDenied(_("Choose one of your sites."))


def wrong_plan(starts_at: datetime, ends_at: datetime) -> dict[str, list[str]]:
    """By field, why nobody may plan a window so; drivers read it as announced."""
    errors = _wrong_times(starts_at, ends_at)
    if not errors and starts_at < clock.now() - LATEST:
        errors["starts_at"] = [_("It would have begun more than a day ago: nobody announced that.")]
    return errors


def _wrong_times(starts_at: datetime, ends_at: datetime) -> dict[str, list[str]]:
    errors: dict[str, list[str]] = {}
    if ends_at <= starts_at:
        errors["ends_at"] = [_("The end must be after the beginning.")]
    elif ends_at <= clock.now():
        errors["ends_at"] = [_("This window is over already.")]
    elif ends_at - starts_at > LONGEST:
        errors["ends_at"] = [_("A window lasts %(days)d days at most.") % {"days": LONGEST.days}]
    return errors


def change_maintenance(
    *, access: Access, window: MaintenanceWindow, title: str, note: str, starts_at: datetime, ends_at: datetime
) -> bool:
    """Other words or other times for a window that is planned; one that runs keeps its beginning.

    Where it is stays. A beginning is never moved into the past: it would excuse outage that nobody announced.
    Returns whether it was moved. Raises ValidationError by field.
    """
    access.demand(Permission.INCIDENTS)
    must_see(access, window.site, window.station)
    with transaction.atomic():
        row = queries.windows(access).select_for_update(of=("self",)).filter(pk=window.pk).first()
        if row is None:
            raise PermissionDenied(_("There is no such window."))
        moved = (row.starts_at, row.ends_at) != (starts_at, ends_at)
        wrong = _wrong_times(starts_at, ends_at) | _wrong_move(row, starts_at)
        row.title, row.note, row.starts_at, row.ends_at = title.strip(), note.strip(), starts_at, ends_at
        full_clean(row, wrong, exclude=["organization", "created_by", "plan"])
        row.revision += moved
        row.changed_at = clock.now()
        row.save(update_fields=["title", "note", "starts_at", "ends_at", "revision", "changed_at"])
        audit.record(access, "maintenance.changed", row, starts_at=str(starts_at), ends_at=str(ends_at))
        if moved:
            publish(MaintenanceMoved(window_id=row.pk))
        tell(row)
    return moved


def _wrong_move(row: MaintenanceWindow, starts_at: datetime) -> dict[str, list[str]]:
    if row.state not in OPEN_WINDOWS:
        return {"starts_at": [_("This window is over already.")]}
    if starts_at == row.starts_at:
        return {}
    if row.state == WindowState.RUNNING:
        return {"starts_at": [_("It has begun: its beginning stays.")]}
    return {"starts_at": [_("Not into the past.")]} if starts_at < clock.now() else {}


def cancel_maintenance(*, access: Access, window: MaintenanceWindow) -> bool:
    """Calls a planned window off, or ends a running one early. False when it had ended before."""
    access.demand(Permission.INCIDENTS)
    if not queries.windows(access).filter(pk=window.pk).exists():
        raise PermissionDenied(_("There is no such window."))
    must_see(access, window.site, window.station)
    with transaction.atomic():
        planned = MaintenanceWindow.objects.filter(pk=window.pk, state=WindowState.PLANNED)
        if planned.update(state=WindowState.CANCELLED, changed_at=clock.now()):
            audit.record(access, "maintenance.cancelled", window)
            publish(MaintenanceCancelled(window_id=window.pk))
        elif _move(window.pk, WindowState.RUNNING, WindowState.ENDED, ends_at=_end_of(window)):
            audit.record(access, "maintenance.ended_early", window)
            publish(MaintenanceEnded(window_id=window.pk))
        else:
            return False
        tell(window)
    return True


def _end_of(window: MaintenanceWindow) -> datetime:
    """Now, but later than the beginning: a window has length."""
    return max(clock.now(), window.starts_at + timedelta(seconds=1))


def run_maintenance() -> int:
    """Starts and ends windows whose time has come; returns how many moved. A window slept through starts and ends."""
    now = clock.now()
    due = MaintenanceWindow.objects.filter(state=WindowState.PLANNED, starts_at__lte=now)
    over = MaintenanceWindow.objects.filter(state=WindowState.RUNNING, ends_at__lte=now)
    moved = 0
    for window in [*due, *over]:
        with transaction.atomic():
            moved += _start_due(window)
            moved += _end_due(window)
    return moved


def _start_due(window: MaintenanceWindow) -> bool:
    if window.starts_at > clock.now() or not _move(window.pk, WindowState.PLANNED, WindowState.RUNNING):
        return False
    window.state = WindowState.RUNNING
    taking.begin(window)
    publish(MaintenanceStarted(window_id=window.pk))
    tell(window)
    return True


def _end_due(window: MaintenanceWindow) -> bool:
    if window.ends_at > clock.now() or not _move(window.pk, WindowState.RUNNING, WindowState.ENDED):
        return False
    window.state = WindowState.ENDED
    publish(MaintenanceEnded(window_id=window.pk))
    tell(window)
    return True


def _move(window_id: int, before: WindowState, after: WindowState, **more: datetime) -> bool:
    return MaintenanceWindow.objects.filter(pk=window_id, state=before).update(state=after, **more) == 1


def tell(window: MaintenanceWindow) -> None:
    groups = [f"org.{window.organization_id}", "map"]
    if window.station_id:
        groups.append(f"station.{window.station_id}")
    broadcast("maintenance", {"window_id": window.pk}, groups=groups)
