"""What can be set for the whole organization, and by whom: who may not open a room still reads that it is there."""

from dataclasses import dataclass
from typing import Final

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from evcms.core.access import PERMISSIONS, ROLE_LABELS, Access, Permission, Role


@dataclass(frozen=True)
class Room:
    """`roles`: who may open it, for those who may not; `open`: may this person?"""

    name: str
    text: str
    url: str
    open: bool
    roles: str


_ROOMS: Final[tuple[tuple[str, str | Promise, str | Promise, Permission], ...]] = (
    (
        "organization", _("Organization"), _("Name, address, VAT id, time zone, support, who needs a second factor."),
        Permission.PEOPLE,
    ),
    ("members", _("Members"), _("Who may log in, and what they may do."), Permission.PEOPLE),
    ("notifications", _("Messages"), _("What people were told, and whether it arrived."), Permission.INCIDENTS),
    ("wordings", _("Wording of messages"), _("With which words people are told."), Permission.PEOPLE),
    ("alert-contacts", _("Alert contacts and webhooks"), _("Who is told when something breaks."), Permission.PEOPLE),
    ("on-call", _("On call and chains"), _("Whose night it is, and who is woken next."), Permission.VIEW),
    (
        "alert-switches", _("Automatic help"),
        _("Whether stations are helped by themselves, and how early planned work is told."), Permission.PEOPLE,
    ),
    (
        "alert-switches#id_status_page", _("Status page"),
        _("What the public sees of the network: on or off, and a sentence for drivers."), Permission.PEOPLE,
    ),
    ("api-tokens", _("API tokens"), _("Keys for other programs."), Permission.PEOPLE),
    ("audit", _("Audit log"), _("Who did what, and when."), Permission.AUDIT),
)  # fmt: skip


def of(access: Access) -> list[Room]:
    return [
        Room(str(name), str(text), _address(route), access.can(permission), _roles(permission))
        for route, name, text, permission in _ROOMS
    ]


def _address(route: str) -> str:
    """Of a page, or of a place on it."""
    page, hash_sign, place = route.partition("#")
    return reverse(page) + hash_sign + place


def _roles(permission: Permission) -> str:
    """ "Owner, Finance"."""
    return ", ".join(str(ROLE_LABELS[role]) for role in Role if permission in PERMISSIONS[role])
