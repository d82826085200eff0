"""The audit log as one person may read it."""

from django.db.models import Q, QuerySet

from evcms.core.access import Access
from evcms.core.models import AuditEntry
from stations import queries
from stations.models import Site, Station


def audit_log(access: Access) -> QuerySet[AuditEntry]:
    """All of the organization; without all sites what was done to one's own sites and stations, and by oneself."""
    rows = AuditEntry.objects.filter(organization=access.organization).select_related("user", "organization")
    if access.all_sites:
        return rows
    sites = queries.visible_sites(access).values_list("pk", flat=True)
    stations = Station.objects.filter(site__in=sites).values_list("pk", flat=True)
    at_sites = Q(object_type=Site._meta.label, object_id__in=[str(pk) for pk in sites])
    at_stations = Q(object_type=Station._meta.label, object_id__in=[str(pk) for pk in stations])
    return rows.filter(at_sites | at_stations | Q(user=access.user))
