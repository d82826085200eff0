"""Card readers for people: the list, and what stands at one station."""

from datetime import timedelta

from django.db.models import Case, Q, QuerySet, When

from billing.models import CardReader, Payment, TerminalReport
from billing.vocabulary import PaymentKind, ReaderState, ReportOutcome
from evcms.core import clock
from evcms.core.access import Access
from stations.models import Connector, Station
from stations.queries import visible_sites

RECENTLY = timedelta(days=30)
TO_DO = Q(outcome__in=(ReportOutcome.DIFFERS, ReportOutcome.CONFLICT, ReportOutcome.UNKNOWN), seen_at=None)


def readers(access: Access) -> QuerySet[CardReader]:
    """Readers at visible places, by place and name."""
    sites = visible_sites(access)
    here = Q(site__in=sites) | Q(station__site__in=sites)
    if access.all_sites:
        here |= Q(site=None, station=None) | Q(station__site=None)
    rows = CardReader.objects.filter(here, organization=access.organization, archived_at=None).distinct()
    return rows.select_related("site", "station__site", "asking__connector__evse").order_by(
        "site__name", "station__site__name", "station__identity", "label", "pk"
    )


def readers_of(station: Station) -> list[CardReader]:
    """What a driver can pay at here: the station's own readers, else those of its site."""
    near = Q(station=station)
    if station.site_id:
        near |= Q(site_id=station.site_id, station=None)
    rows = CardReader.objects.filter(near, archived_at=None).select_related("asking__connector__evse", "site")
    found = list(rows.order_by("label"))
    return [row for row in found if row.station_id] or found


def reader_at(connector: Connector) -> bool:
    """Can a driver pay with a card at the station, without a phone?"""
    return any(reader.state == ReaderState.ONLINE for reader in readers_of(connector.station))


def taps(reader: CardReader) -> QuerySet[Payment]:
    """What was asked for at a reader lately, newest first."""
    since = clock.now() - RECENTLY
    rows = Payment.objects.filter(reader=reader, kind=PaymentKind.READER, created_at__gt=since)
    return rows.select_related("connector__station", "connector__evse").order_by("-created_at", "-id")


def reports(access: Access) -> QuerySet[TerminalReport]:
    """What stations' own terminals reported, at visible places; what waits for a person first."""
    rows = TerminalReport.objects.filter(station__organization=access.organization)
    if not access.all_sites:
        rows = rows.filter(station__site__in=visible_sites(access))
    rows = rows.select_related("station__site", "payment", "seen_by")
    return rows.annotate(open=Case(When(TO_DO, then=0), default=1)).order_by("open", "-received_at", "-pk")


def reports_to_do(access: Access) -> int:
    return reports(access).filter(TO_DO).count()
