"""Reads about tables that people brought."""

from django.db.models import QuerySet

from evcms.core.access import Access
from stations.models import ImportRun


def runs(access: Access) -> QuerySet[ImportRun]:
    """Newest first; none for who does not see all sites, as he may not import. Without the files themselves."""
    rows = ImportRun.objects.filter(organization=access.organization).defer("content")
    return rows if access.all_sites else rows.none()
