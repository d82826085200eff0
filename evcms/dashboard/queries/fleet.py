"""The station list as a choice: what a filter finds, what was ticked, the views that people keep of it."""

from collections.abc import Sequence
from typing import Any

from django.db.models import Q, QuerySet
from django.http import QueryDict

from evcms.core.access import Access
from evcms.dashboard.forms import StationFilter, wishes
from stations import imported, queries, tagging
from stations.models import FirstView, SavedView

from . import listing


def fitting(access: Access, said: QueryDict) -> queries.Stations:
    """All that the list would show for this filter and that many-at-once actions may touch: no archived ones."""
    return listing.fitting(access, wished(station_filter(access, said))).filter(archived_at=None)


def wished(form: StationFilter) -> dict[str, Any]:
    """What a filter asks for, empty without one; `unmet`: something that is not here, such as the tag of a colleague's
    view. To leave it out would show, and offer to many-at-once actions, what nobody asked for. Any: cleaned values.
    """
    asked = wishes(form) if form.is_bound else dict.fromkeys(form.fields, "")
    return asked | {"unmet": bool(form.errors)}


def station_filter(access: Access, said: QueryDict | None) -> StationFilter:
    sites = queries.visible_sites(access).filter(archived_at=None).order_by("name")
    names = tagging.tags(access).values_list("name", flat=True)
    files = imported.choice(access, str(said["imported"])) if said and said.get("imported") else None
    return StationFilter(said or None, sites=sites, kinds=listing.kinds(access), tags=names, files=files)


def named(access: Access, identities: Sequence[str]) -> queries.Stations:
    return queries.stations(access).filter(identity__in=identities)


def views(access: Access) -> QuerySet[SavedView]:
    """One's own and those that are shared here."""
    mine = Q(user=access.user) | Q(shared=True)
    return SavedView.objects.filter(mine, organization=access.organization).select_related("user")


def seen_first_by(view: SavedView, *, but: Access) -> int:
    """How many others' lists open with it."""
    return FirstView.objects.filter(view=view).exclude(membership=but.membership).count()


def first_view(access: Access) -> int | None:
    return FirstView.objects.filter(membership=access.membership).values_list("view", flat=True).first()
