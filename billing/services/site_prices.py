"""What money must know of a site: whether a session keeps the price of its start, and what its energy costs."""

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from billing.models import DECIMAL, SitePricing
from evcms.core import audit
from evcms.core.access import Access, Permission
from stations.models import Site
from stations.queries import visible_sites


def set_site_pricing(*, access: Access, site: Site, frozen: bool, energy_cost: str) -> SitePricing:
    """Sessions that run keep what held when they began. Raises PermissionDenied, ValidationError."""
    access.demand(Permission.TARIFFS)
    if not visible_sites(access).filter(pk=site.pk).exists():
        raise PermissionDenied(_("This place is not yours."))
    cost = energy_cost.strip().replace(",", ".") or "0"
    try:
        DECIMAL(cost)
    except ValidationError as error:
        raise ValidationError({"energy_cost": error.messages}) from error
    with transaction.atomic():
        row, _new = SitePricing.objects.select_for_update().get_or_create(site=site)
        changes = {"frozen": [row.frozen, frozen], "energy_cost": [row.energy_cost, cost]}
        changed = {name: values for name, values in changes.items() if values[0] != values[1]}
        if changed:
            row.frozen, row.energy_cost = frozen, cost
            row.save()
            audit.record(access, "site.priced", site, **changed)
    return row
