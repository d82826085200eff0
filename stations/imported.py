"""Reads about tables that people brought."""

import uuid

from django.db.models import QuerySet

from evcms.core.access import Access
from stations import queries
from stations.models import ImportChange, ImportKind, ImportRun, ImportState


def runs(access: Access) -> QuerySet[ImportRun]:
    """Newest first; none for who does not see all sites, as he may not import. Without the files themselves."""
    rows = ImportRun.objects.filter(organization=access.organization).defer("content")
    return rows if access.all_sites else rows.none()


def choice(access: Access, run: str) -> list[tuple[str, str]]:
    """This stored file, as a choice of a filter; none where there is no such."""
    try:
        key = uuid.UUID(run)
    except ValueError:
        return []
    found = runs(access).filter(pk=key, state=ImportState.DONE).values_list("name", flat=True)
    return [(run, name) for name in found]


def identities(access: Access, run: str) -> QuerySet[ImportChange, str]:
    """Of the stations that a stored file made or changed (`run`: one of `choice`)."""
    rows = ImportChange.objects.filter(run__in=runs(access), run=run, kind=ImportKind.STATION)
    return rows.order_by().values_list("name", flat=True)


def locked_out(access: Access, run: str) -> queries.Stations:
    """Of them those that are turned away until somebody sets their password."""
    return queries.stations(access).filter(queries.LOCKED_OUT, identity__in=identities(access, run)).order_by()


def moves(run: ImportRun) -> QuerySet[ImportChange]:
    """Stations that exist and go to another site."""
    return run.changes.filter(moves=True)
