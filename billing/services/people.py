"""Who may move money by hand: a member with MONEY, or staff of the installation. Both are audited."""

from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext as _

from evcms.core import audit
from evcms.core.access import Access, Permission
from evcms.core.models import User

from .moves import Charged


def demand(charge: Charged, access: Access | None, staff: User | None) -> None:
    """Raises PermissionDenied with a sentence."""
    if access is not None:
        access.demand(Permission.MONEY)
        if access.organization.pk != charge.organization_id:
            raise PermissionDenied(_("This payment is not yours."))
    elif staff is None or not staff.is_staff:
        raise PermissionDenied(_("Only finance or staff may do this."))


def record(action: str, charge: Charged, access: Access | None, staff: User | None, **detail: object) -> None:
    if access is not None:
        audit.record(access, action, charge, **detail)
    elif staff is not None:
        audit.record_staff(staff, action, charge, **detail)
