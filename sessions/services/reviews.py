"""What did not add up, looked at by a person."""

from django.db import transaction

from evcms.core import audit, clock
from evcms.core.access import Access, Permission
from sessions.models import Discrepancy
from stations.queries import visible_sites


def resolve_discrepancy(*, access: Access, discrepancy: Discrepancy, note: str = "") -> bool:
    """Somebody has looked. False when somebody was faster. Raises PermissionDenied, Discrepancy.DoesNotExist."""
    access.demand(Permission.INCIDENTS)
    station = discrepancy.station
    visible = access.all_sites or station.site in visible_sites(access)
    if station.organization_id != access.organization.pk or not visible:
        raise Discrepancy.DoesNotExist
    with transaction.atomic():
        mine = Discrepancy.objects.filter(pk=discrepancy.pk, resolved_at=None).update(resolved_at=clock.now())
        if mine:
            audit.record(access, "discrepancy.resolved", discrepancy, kind=str(discrepancy.kind), note=note)
    return bool(mine)
