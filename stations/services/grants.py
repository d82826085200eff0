"""Which sites a member without all sites may see."""

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from evcms.core import audit
from evcms.core.access import Access, Permission
from evcms.core.models import Membership
from stations.models import Site, SiteGrant


def grant_site(*, access: Access, membership: Membership, site: Site) -> SiteGrant:
    """Opens the site to the member; a second time changes nothing. Raises PermissionDenied, ValidationError."""
    access.demand(Permission.PEOPLE)
    if {membership.organization_id, site.organization_id} != {access.organization.pk}:
        raise ValidationError(_("Member and site must belong to the same organization."))
    with transaction.atomic():
        grant, new = SiteGrant.objects.get_or_create(membership=membership, site=site)
        if new:
            audit.record(access, "site.granted", site, member=str(membership.user))
    return grant


def revoke_site(*, access: Access, grant: SiteGrant) -> None:
    """Closes it again. Raises PermissionDenied, ValidationError."""
    access.demand(Permission.PEOPLE)
    if grant.site.organization_id != access.organization.pk:
        raise ValidationError(_("Member and site must belong to the same organization."))
    with transaction.atomic():
        audit.record(access, "site.revoked", grant.site, member=str(grant.membership.user))
        grant.delete()
