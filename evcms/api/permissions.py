"""Each view names the permission that reading and writing need; the request's access must have it."""

from typing import TYPE_CHECKING

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from evcms.core.access import Access, Permission

if TYPE_CHECKING:  # it imports the settings, which name this module
    from rest_framework.views import APIView


class HasScope(BasePermission):
    """A view may set `read_permission` (default VIEW) and `write_permission` (default STATIONS)."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        access: Access | None = getattr(request._request, "access", None)
        if access is None:
            return False
        reading = request.method in SAFE_METHODS
        default = Permission.VIEW if reading else Permission.STATIONS
        needed = getattr(view, "read_permission" if reading else "write_permission", default)
        return access.can(needed)
