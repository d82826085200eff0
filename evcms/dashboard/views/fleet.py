"""Many stations at once: kept views of the list, and work on a selection (preview, confirm, progress)."""

import uuid
from typing import Any, Final

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from evcms.core.access import Access
from evcms.dashboard import bulk_forms, export
from evcms.dashboard.access import operator
from evcms.dashboard.queries import fleet, stakes
from evcms.dashboard.queries.asked import asked
from evcms.dashboard.sorting import paged
from stations import services
from stations.models import BulkAction, BulkKind, BulkState, SavedView
from stations.services.bulk import NEEDS
from stations.services.views import may_remove
from stations.views.member import complain

COLUMNS: Final = ("identity", "name", "site", "state", "details", "since_utc")
LINES: Final = 100
ON_TOP: Final = ("page", "sort", "export")  # words of the address that keep the view
MOST_PICKED: Final = 1000  # check boxes of one page


def kinds_for(access: Access) -> list[tuple[str, Any]]:
    """(value, words) of what this member may do to many. Any: lazy translations."""
    return [(kind.value, kind.label) for kind in BulkKind if access.can(NEEDS[kind])]


@require_POST
@operator()
def draft(request: HttpRequest, access: Access) -> HttpResponse:
    """The selection becomes a draft: `pick` by identity, or with `all` what the list's filter (`filter`) finds."""
    kind = request.POST.get("kind", "")
    back = reverse("stations") + ("?" + request.POST["filter"] if request.POST.get("filter") else "")
    if kind not in BulkKind:
        messages.error(request, _("Choose what is to be done."))
        return redirect(back)
    if "all" in request.POST:
        rows = fleet.fitting(access, QueryDict(request.POST.get("filter", "")))
    else:
        rows = fleet.named(access, request.POST.getlist("pick")[:MOST_PICKED])
    try:
        ids = rows.order_by().values_list("pk", flat=True)
        action = services.draft_bulk(access=access, kind=BulkKind(kind), station_ids=ids)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return redirect(back)
    return redirect("bulk-action", pk=action.pk)


@operator()
def bulk_action(request: HttpRequest, access: Access, pk: uuid.UUID) -> HttpResponseBase:
    """A draft: its preview and the form that confirms it. Confirmed: how far it is, a line for each station."""
    action = _action(access, pk)
    if request.method == "POST":
        return _act(request, access, action)
    if export.any_wanted(request):
        rows = stakes.lines(access, action, request.GET.get("state", ""))
        told = ((row.station.identity, row.station.name, str(row.station.site or ""), row.state, row.detail, row.at)
                for row in rows.iterator(chunk_size=500))  # fmt: skip
        return export.answer(request, "bulk-action", COLUMNS, told)
    return _page(request, access, action)


def _action(access: Access, pk: uuid.UUID) -> BulkAction:
    return get_object_or_404(stakes.actions(access), pk=pk)


def _act(request: HttpRequest, access: Access, action: BulkAction) -> HttpResponse:
    if "cancel" in request.POST:
        services.cancel_bulk(access=access, action=action)
        return redirect("stations") if action.confirmed_at is None else redirect("bulk-action", pk=action.pk)
    form = bulk_forms.form_of(access, BulkKind(action.kind), request.POST)
    if form.is_valid():
        try:
            services.confirm_bulk(access=access, action=action, values=form.cleaned_data)
            return redirect("bulk-action", pk=action.pk)
        except ValidationError as error:
            complain(form, error)
    return _page(request, access, action, form)


def _page(
    request: HttpRequest, access: Access, action: BulkAction, form: bulk_forms.BulkForm | None = None
) -> HttpResponse:
    kind = BulkKind(action.kind)
    wanted = request.GET.get("state", "")
    context: dict[str, Any] = {  # Any: template context
        "action": action,
        "may": access.can(NEEDS[kind]),
        "page": Paginator(stakes.lines(access, action, wanted), LINES).get_page(request.GET.get("page")),
        "wanted": wanted,
        "zone": access.organization.time_zone,
    }
    if action.state == BulkState.DRAFT:
        context |= {"stakes": stakes.stakes(access, action), "form": form or bulk_forms.form_of(access, kind)}
        return render(request, "dashboard/stations/bulk_draft.html", context, status=422 if form else 200)
    context |= {"progress": stakes.progress(access, action), "asked": asked(access, action)}
    if request.GET.get("part") != "progress":
        return render(request, "dashboard/stations/bulk.html", context)
    answer = render(request, "dashboard/stations/_bulk_progress.html", context)
    if action.state != BulkState.RUNNING:
        answer["HX-Refresh"] = "true"  # it asked while it ran: the headline, its button and all lines are old
    return answer


@require_GET
@operator()
def bulk_actions(request: HttpRequest, access: Access) -> HttpResponse:
    """What was done to many, newest first."""
    page = paged(request, stakes.counted(stakes.actions(access)))
    return render(request, "dashboard/stations/bulk_list.html", {"page": page, "zone": access.organization.time_zone})


# Views of the list ------------------------------------------------------------------------------------------


@require_POST
@operator()
def save_view(request: HttpRequest, access: Access) -> HttpResponse:
    query = request.POST.get("query", "")
    try:
        view = services.save_view(
            access=access, name=request.POST.get("name", ""), query=query, shared="shared" in request.POST
        )
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return redirect(f"{reverse('stations')}?{query}")
    messages.success(request, _("The view “%(name)s” is kept.") % {"name": view})
    return redirect(f"{reverse('stations')}?view={view.pk}")


@require_POST
@operator()
def change_view(request: HttpRequest, access: Access, pk: int) -> HttpResponse:
    """`remove`; `first`: the list opens with it; `not_first`."""
    view = get_object_or_404(fleet.views(access), pk=pk)
    if "remove" in request.POST and may_remove(access, view):
        services.remove_view(access=access, view=view)
        return redirect(f"{reverse('stations')}?view=all")
    services.see_first(access=access, view=None if "not_first" in request.POST else view)
    return redirect(f"{reverse('stations')}?view={view.pk}")


def chosen_view(request: HttpRequest, access: Access, views: list[SavedView]) -> tuple[SavedView | None, QueryDict]:
    """The view that the address names (or, with a bare address, the one that is seen first), and the filter that
    it stands for; else the address's own filter.
    """
    asked = request.GET.get("view", "")
    if not set(request.GET) - set(ON_TOP):
        first = fleet.first_view(access)
        view = next((each for each in views if each.pk == first), None)
    else:
        view = next((each for each in views if str(each.pk) == asked), None)
    if view is None:
        return None, request.GET
    said = QueryDict(view.query, mutable=True)
    for name in ON_TOP:
        if name in request.GET:
            said[name] = request.GET[name]
    return view, said
