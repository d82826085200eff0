"""Views of the station list that people keep."""

from urllib.parse import parse_qsl, urlencode

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from evcms.core import audit
from evcms.core.access import Access, Permission
from stations.models import FirstView, SavedView

KEPT = ("q", "status", "health", "site", "model", "firmware", "tag", "approval", "sort")
MOST = 40  # of one person


def save_view(*, access: Access, name: str, query: str, shared: bool) -> SavedView:
    """Under a name that the person has already: that one changes. Raises ValidationError by field."""
    access.demand(Permission.VIEW)
    name = name.strip()[:60]
    if not name:
        raise ValidationError({"name": [_("Give the view a name.")]})
    said = [(key, value[:100]) for key, value in parse_qsl(query) if key in KEPT and value]
    with transaction.atomic():
        mine = SavedView.objects.filter(organization=access.organization, user=access.user)
        if mine.count() >= MOST and not mine.filter(name=name).exists():
            raise ValidationError({"name": [_("You keep %(most)d views already: remove one first.") % {"most": MOST}]})
        view, _made = SavedView.objects.update_or_create(
            organization=access.organization, user=access.user, name=name,
            defaults={"query": urlencode(said)[:600], "shared": shared},
        )  # fmt: skip
        audit.record(access, "view.saved", view, query=view.query, shared=shared)
    return view


def remove_view(*, access: Access, view: SavedView) -> None:
    """One's own; an owner's word removes shared ones of others, too."""
    if view.organization_id != access.organization.pk or not may_remove(access, view):
        raise PermissionDenied(_("This view is somebody else's."))
    with transaction.atomic():
        audit.record(access, "view.removed", view)
        view.delete()


def may_remove(access: Access, view: SavedView) -> bool:
    return view.user_id == access.user.pk or (view.shared and access.can(Permission.PEOPLE))


def see_first(*, access: Access, view: SavedView | None) -> None:
    """What the list opens with for this person; None: all stations."""
    if view is None:
        FirstView.objects.filter(membership=access.membership).delete()
    else:
        FirstView.objects.update_or_create(membership=access.membership, defaults={"view": view})
