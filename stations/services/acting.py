"""Who confirmed work that goes on without him, as he stands now."""

from evcms.core.access import Access, Permission
from stations.models import BulkAction, ImportRun


def acting(row: BulkAction | ImportRun, needed: Permission) -> Access | None:
    """None when he left or lost the permission. `row` comes with its organization, membership and user."""
    member = row.membership
    if member is None or not member.user.is_active:
        return None
    access = Access(organization=row.organization, membership=member, user=member.user, actor=row.actor)
    return access if access.can(needed) else None
