"""Reads about what stations report of themselves, for pages and API: cut to what a membership may see."""

from typing import TypeVar

from django.db.models import Model, Q, QuerySet

from evcms.core.access import Access

from . import queries
from .models import FirmwareFile, FirmwareUpdate, LogUpload, Monitor, SecurityEvent, Station, StationEvent

M = TypeVar("M", bound=Model)


def firmware_files(access: Access) -> QuerySet[FirmwareFile]:
    """Those still offered. Who does not see all sites is offered what is made for models that he sees."""
    rows = FirmwareFile.objects.filter(organization=access.organization, archived_at=None)
    if not access.all_sites:
        models = queries.stations(access).exclude(model="").order_by().values("model")
        rows = rows.filter(model__in=models)
    return rows.select_related("created_by")


def firmware_for(access: Access, station: Station) -> QuerySet[FirmwareFile]:
    """Those that may be meant for this station; what neither names a vendor nor a model may be for any."""
    fits = (Q(vendor="") | Q(vendor__iexact=station.vendor)) & (Q(model="") | Q(model__iexact=station.model))
    return firmware_files(access).filter(fits)


def security_events(access: Access) -> QuerySet[SecurityEvent]:
    return _seen(access, SecurityEvent.objects.all())


def firmware_updates(access: Access) -> QuerySet[FirmwareUpdate]:
    return _seen(access, FirmwareUpdate.objects.all()).select_related("station", "file")


def log_uploads(access: Access) -> QuerySet[LogUpload]:
    return _seen(access, LogUpload.objects.all())


def station_events(access: Access) -> QuerySet[StationEvent]:
    return _seen(access, StationEvent.objects.all())


def monitors(access: Access) -> QuerySet[Monitor]:
    return _seen(access, Monitor.objects.all())


def _seen(access: Access, rows: QuerySet[M]) -> QuerySet[M]:
    """Of the organization's stations at visible sites, archived ones too."""
    rows = rows.filter(station__organization=access.organization)
    if not access.all_sites:
        rows = rows.filter(station__site__grants__membership=access.membership)
    return rows.select_related("station")
