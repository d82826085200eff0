"""Trouble with money: payments that fail, holds that lapse, readers without a connection."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from django.utils.translation import gettext as _

from alerts.vocabulary import IncidentKind
from billing import signs

from .finding import Finding, View

MANY: Final = 10  # payments, before a share of them says something
MOST: Final = 60  # % that failed


def payments_failing(view: View) -> Iterator[Finding]:
    """In a row, or most of many. A reader says it before its site, a site before the organization."""
    for span in view.book.spans(IncidentKind.PAYMENT_FAILURES):
        yield from _payments_failing(view, span)


def _payments_failing(view: View, span: timedelta) -> Iterator[Finding]:
    kind = IncidentKind.PAYMENT_FAILURES
    rows = signs.payment_tries(since=view.now - span)
    said: set[int] = set()
    for row in sorted(rows, key=lambda row: (row.reader_id is None, row.site_id is None)):
        spot = view.site_spot(row.organization_id, row.site_id)
        setting = view.book.setting(kind, spot)
        if setting.duration != span:
            continue
        in_a_row = row.in_a_row >= setting.threshold
        if not in_a_row and not (row.tried >= MANY and row.failed * 100 >= MOST * row.tried):
            continue
        if row.site_id is None and row.organization_id in said:
            continue
        said.add(row.organization_id)
        where = f"reader:{row.reader_id}" if row.reader_id else f"site:{row.site_id}" if row.site_id else "all"
        title = _("Payments fail at card reader %(reader)s") % {"reader": row.reader} if row.reader_id else None
        yield Finding(
            kind=kind,
            key=f"payments:{row.organization_id}:{where}",
            spot=spot,
            title=title or (_("Payments fail at one site") if row.site_id else _("Payments fail")),
            since=view.now,
            detail={"code": row.code},
        )


def holds_lapsing(view: View) -> Iterator[Finding]:
    kind = IncidentKind.HOLD_LAPSING
    longest = view.book.largest_threshold(kind)
    for row in signs.lapsing_holds(before=view.now + timedelta(hours=longest)):
        station = view.stations.get(row.station_id)
        spot = view.spot(station) if station else view.site_spot(row.organization_id, None)
        if row.until > view.now + timedelta(hours=view.book.setting(kind, spot).threshold):
            continue
        yield Finding(
            kind=kind,
            key=f"hold:{row.payment_id}",
            spot=spot,
            title=_("An amount held for %(place)s is about to be freed by the bank") % {"place": row.place},
            since=view.now,
            station_ids=(row.station_id,),
            connector_id=row.connector_id,
            detail={"payment": row.public_id, "until": row.until.isoformat()},
        )


def readers_offline(view: View) -> Iterator[Finding]:
    for row in signs.offline_readers():
        station = view.stations.get(row.station_id or 0)
        spot = view.spot(station) if station else view.site_spot(row.organization_id, row.site_id)
        yield Finding(
            kind=IncidentKind.READER_OFFLINE,
            key=f"reader_offline:{row.reader_id}",
            spot=spot,
            title=_("Card reader %(reader)s has no connection") % {"reader": row.label},
            since=row.since,
            station_ids=(station.id,) if station else (),
            in_maintenance=station.in_maintenance if station else False,
        )
