"""What this room's pages share."""

from collections.abc import Callable

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext as _

from evcms.core.access import Access, Permission


def access_of(request: HttpRequest, permission: Permission = Permission.VIEW) -> Access:
    """The request's access. Raises PermissionDenied for somebody who is in no organization, or may not."""
    access: Access | None = getattr(request, "access", None)
    if access is None:
        raise PermissionDenied(_("You are not a member of any organization."))
    access.demand(permission)
    return access


def attempt(request: HttpRequest, act: Callable[[], object], done: str = "") -> bool:
    """Does it, and says what went wrong, or `done`."""
    try:
        act()
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return False
    if done:
        messages.success(request, done)
    return True
