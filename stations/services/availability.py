"""Keeps the interval store: follows what stations said, their links and the exclusions, behind the hot path.

Nothing is written while a charger waits. A run first *notices* (marks get `dirty_since`: from where a station must
be derived) and then *derives* (rows from there on, by `stations.uptime`; only what differs is written). Both may run
twice, late, side by side, or die between: a mark is cleared in the transaction that wrote its rows.

Why no report is missed: the writer locks a station's row before it inserts its changes, so within a station their ids
rise in the order of commits and the last one seen is a safe mark. Across stations they do not, so the common
`AvailabilityProgress`, which only saves reading the whole log each time, stays ten minutes behind.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import F, Max, Min, Q, Value
from django.db.models.functions import Coalesce

from evcms.core import clock
from stations.models import (
    AvailabilityMark,
    AvailabilityProgress,
    Connection,
    Exclusion,
    MaintenanceWindow,
    Station,
    StatusChange,
    WindowState,
)
from stations.vocabulary import ExclusionKind

from .intervals import derive, whole_second

EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
SETTLED: Final = timedelta(minutes=10)  # no transaction of a gateway lasts longer
CHUNK: Final = 25  # stations in one transaction
MARKED: Final = 200  # marks in one statement
MOVED: Final = ("dirty_since", "change_id", "link_id", "offline_since")  # of a mark
COUNTS: Final = (WindowState.RUNNING, WindowState.ENDED)


def derive_availability(*, most: int | None = None) -> int:
    """Brings the store up to now; returns how many stations were derived. `most`: stations in this run at most."""
    notice()
    done = 0
    while most is None or done < most:
        with transaction.atomic():
            dirty = AvailabilityMark.objects.exclude(dirty_since=None).order_by("dirty_since", "pk")
            marks = list(dirty.select_for_update(skip_locked=True)[:CHUNK])
            if not marks:
                return done
            derive(marks)
        done += len(marks)
    return done


def touch(station_ids: Iterable[int], since: datetime) -> None:
    """What these stations' ports did after `since` must be derived anew: in the caller's transaction."""
    _mark(dict.fromkeys(station_ids, since))


def touch_place(exclusion: Exclusion, since: datetime) -> None:
    """As `touch`, for all stations of an exclusion's place."""
    rows = Station.objects.filter(organization=exclusion.organization_id)
    if exclusion.evse_id or exclusion.station_id:
        rows = Station.objects.filter(Q(pk=exclusion.station_id) | Q(evses=exclusion.evse_id))
    elif exclusion.site_id:
        rows = rows.filter(site=exclusion.site_id)
    touch(rows.values_list("pk", flat=True), since)


# Noticing ------------------------------------------------------------------------------------------


def notice() -> None:
    """Marks every station of which something is new."""
    follow_windows()
    _notice_changes()
    _notice_links()
    now = clock.now()
    with transaction.atomic():
        due = AvailabilityMark.objects.filter(due_at__lte=now)
        touch(due.values_list("station_id", flat=True), now)


def follow_windows() -> None:
    """Announced maintenance that has begun excuses outage: its exclusion has its times, however they moved.

    What was not announced before it began excuses nothing; a window that was called off before it began never did.
    """
    mine = MaintenanceWindow.objects.filter(state__in=COUNTS, created_at__lte=F("starts_at"))
    fits = Q(exclusion__starts_at=F("starts_at"), exclusion__ends_at=F("ends_at"), exclusion__voided_at=None)
    for window in mine.exclude(fits):
        with transaction.atomic():
            old = Exclusion.objects.filter(window=window).first()
            row, _new = Exclusion.objects.update_or_create(window=window, defaults=_as_exclusion(window))
            touch_place(row, min(old.starts_at, row.starts_at) if old else row.starts_at)


def _as_exclusion(window: MaintenanceWindow) -> dict[str, object]:
    return {
        "organization_id": window.organization_id,
        "site_id": None if window.station_id else window.site_id,
        "station_id": window.station_id,
        "kind": ExclusionKind.MAINTENANCE,
        "starts_at": window.starts_at,
        "ends_at": window.ends_at,
        "reason": window.title,
        "created_by_id": window.created_by_id,
        "created_at": window.created_at,
    }


def _notice_changes() -> None:
    progress, _made = AvailabilityProgress.objects.get_or_create(pk=1)
    fresh = StatusChange.objects.filter(pk__gt=progress.change_id).order_by()
    settled = fresh.filter(received_at__lt=clock.now() - SETTLED).aggregate(last=Max("pk"))["last"]
    seen = Coalesce("station__availability_mark__change_id", Value(0))
    news = fresh.annotate(seen=seen).filter(pk__gt=F("seen")).values_list("station_id")
    rows = list(news.annotate(first=Min("happened_at"), last=Max("pk")))
    _mark_some_by_some({pk: first for pk, first, _last in rows}, changes={pk: last for pk, _first, last in rows})
    if settled:  # after the marks: who dies between reads some changes again
        AvailabilityProgress.objects.filter(pk=1, change_id__lt=settled).update(change_id=settled)


def _notice_links() -> None:
    """A link that opened or closed shows in the station's row; what lies before the last known end stands."""
    none = Value(EVER)
    rows = Station.objects.order_by().annotate(
        link_now=Coalesce("connection_id", Value(0)),
        link_seen=Coalesce("availability_mark__link_id", Value(0)),
        dark_now=Coalesce("offline_since", none),
        dark_seen=Coalesce("availability_mark__offline_since", none),
    )
    changed = rows.exclude(link_now=F("link_seen"), dark_now=F("dark_seen"))
    names = ("pk", "connection_id", "offline_since", "availability_mark__link_id", "availability_mark__offline_since")
    found = list(changed.values_list(*names))
    old = [link for *_rest, link, _dark in found if link]
    ends = dict(Connection.objects.filter(pk__in=old).values_list("pk", "closed_at"))
    since = {pk: ends.get(link) or dark or EVER for pk, _link, _now, link, dark in found}
    _mark_some_by_some(since, links={pk: (link, dark) for pk, link, dark, _old, _seen in found})


Changes = Mapping[int, int]  # station → the last change seen
Links = Mapping[int, tuple[int | None, datetime | None]]  # station → its connection, since when it is offline


def _mark_some_by_some(
    since: Mapping[int, datetime], *, changes: Changes | None = None, links: Links | None = None
) -> None:
    """As `_mark`, in transactions of its own. Who dies between has marked the first; the next run marks the others."""
    ids = sorted(since)
    for place in range(0, len(ids), MARKED):
        with transaction.atomic():
            _mark({pk: since[pk] for pk in ids[place : place + MARKED]}, changes=changes, links=links)


def _mark(since: Mapping[int, datetime], *, changes: Changes | None = None, links: Links | None = None) -> None:
    """Never forward: what was dirty stays so. In the caller's transaction; marks are locked in station order."""
    ids = sorted(since)
    for place in range(0, len(ids), MARKED):
        some = ids[place : place + MARKED]
        fresh = [AvailabilityMark(station_id=pk) for pk in some]
        AvailabilityMark.objects.bulk_create(fresh, ignore_conflicts=True)
        marks = list(AvailabilityMark.objects.select_for_update().filter(station__in=some).order_by("station_id"))
        for mark in marks:
            said = whole_second(since[mark.station_id])
            mark.dirty_since = min(mark.dirty_since or said, said)
            if changes:
                mark.change_id = max(mark.change_id, changes[mark.station_id])
            if links:
                mark.link_id, mark.offline_since = links[mark.station_id]
        AvailabilityMark.objects.bulk_create(marks, update_conflicts=True, unique_fields=["pk"], update_fields=MOVED)
