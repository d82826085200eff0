"""Who may do what. A role is a set of permissions; an `Access` is one person (or API token) in one organization.

Sites are narrowed further down, by `stations.queries.visible_sites(access)`: this floor knows no sites.
"""

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from .models import Membership, Organization, User


class Role(enum.StrEnum):
    OWNER = "owner"
    OPERATOR = "operator"
    TECHNICIAN = "technician"
    FINANCE = "finance"
    VIEWER = "viewer"

    @property
    def label(self) -> str:
        return str(ROLE_LABELS[self])


ROLE_LABELS = {
    Role.OWNER: _("Owner"),
    Role.OPERATOR: _("Operator"),
    Role.TECHNICIAN: _("Technician"),
    Role.FINANCE: _("Finance"),
    Role.VIEWER: _("Viewer"),
}


class Permission(enum.StrEnum):
    VIEW = "view"  # stations, sessions, incidents of the visible sites
    COMMAND = "command"  # talk to chargers: start, stop, reset, unlock …
    STATIONS = "stations"  # create, edit, archive sites and stations; quarantine
    TOKENS = "tokens"  # drivers and their id tokens
    INCIDENTS = "incidents"  # acknowledge, resolve; maintenance windows
    TARIFFS = "tariffs"
    MONEY = "money"  # see payments and receipts of the organization, refund
    PEOPLE = "people"  # members, API tokens, organization settings
    AUDIT = "audit"


PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.OWNER: frozenset(Permission),
    Role.OPERATOR: frozenset(Permission) - {Permission.PEOPLE, Permission.MONEY},
    Role.TECHNICIAN: frozenset({Permission.VIEW, Permission.COMMAND, Permission.INCIDENTS}),
    Role.FINANCE: frozenset({Permission.VIEW, Permission.TARIFFS, Permission.MONEY, Permission.AUDIT}),
    Role.VIEWER: frozenset({Permission.VIEW}),
}


@dataclass(frozen=True)
class Access:
    """What one request may see and do: exactly one organization, one role, perhaps cut to an API token's scopes."""

    organization: "Organization"
    membership: "Membership"
    user: "User"
    actor: str
    scopes: frozenset[Permission] | None = None  # None: a person, not cut
    address: str | None = None

    @property
    def role(self) -> Role:
        return Role(self.membership.role)

    @property
    def all_sites(self) -> bool:
        return self.membership.all_sites

    def can(self, permission: Permission) -> bool:
        allowed = permission in PERMISSIONS[self.role]
        return allowed and (self.scopes is None or permission in self.scopes)

    def demand(self, permission: Permission) -> None:
        """Raises PermissionDenied with a sentence when the role or the scope does not allow it."""
        if not self.can(permission):
            raise PermissionDenied(_("Your role does not allow this: %(what)s.") % {"what": permission.value})
