"""Pages of driver groups: the list, one group with its drivers."""

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from evcms.core.access import Access, Permission
from evcms.core.form_fields import offer
from sessions import services
from sessions.models import Driver, DriverGroup
from sessions.views import access_of, complain


class GroupForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=80)


class JoinForm(forms.Form):
    driver = forms.ModelChoiceField(Driver.objects.none(), label=gettext_lazy("Driver"))

    def __init__(self, *args: object, access: Access, group: DriverGroup, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        rows = Driver.objects.filter(organization=access.organization, erased_at=None).exclude(group=group)
        offer(self, "driver", rows.exclude(name="", email="").order_by("name", "email"), by=("email", "name"))


@login_required
@require_http_methods(["GET", "POST"])
def groups(request: HttpRequest) -> HttpResponse:
    """The organization's groups, and a new one."""
    access = access_of(request)
    access.demand(Permission.TOKENS)
    form = GroupForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            group = services.create_group(access=access, name=form.cleaned_data["name"])
            return redirect("group", group.pk)
        except ValidationError as error:
            complain(form, error)
    rows = DriverGroup.objects.filter(organization=access.organization).annotate(size=Count("drivers"))
    status = 422 if form.is_bound else 200
    return render(request, "sessions/groups.html", {"rows": rows, "form": form}, status=status)


@login_required
@require_http_methods(["GET", "POST"])
def group(request: HttpRequest, pk: int) -> HttpResponse:
    """One group: who is in it, who joins, its name."""
    access, row = _group(request, pk)
    form = GroupForm(request.POST or None, initial={"name": row.name})
    if request.method == "POST" and form.is_valid():
        try:
            services.rename_group(access=access, group=row, name=form.cleaned_data["name"])
            messages.success(request, _("Saved."))
            return redirect("group", pk)
        except ValidationError as error:
            complain(form, error)
    join = JoinForm(access=access, group=row)
    context = {"group": row, "drivers": row.drivers.order_by("name", "email")[:500], "form": form, "join": join}
    return render(request, "sessions/group.html", context, status=422 if form.is_bound else 200)


@login_required
@require_POST
def join(request: HttpRequest, pk: int) -> HttpResponse:
    access, row = _group(request, pk)
    form = JoinForm(request.POST, access=access, group=row)
    if form.is_valid():
        services.join_group(access=access, driver=form.cleaned_data["driver"], group=row)
        messages.success(request, _("%(driver)s is in the group now.") % {"driver": form.cleaned_data["driver"]})
    else:
        messages.error(request, _("Choose a driver."))
    return redirect("group", pk)


@login_required
@require_POST
def leave(request: HttpRequest, pk: int, driver_id: int) -> HttpResponse:
    access, row = _group(request, pk)
    services.join_group(access=access, driver=get_object_or_404(row.drivers, pk=driver_id), group=None)
    return redirect("group", pk)


@login_required
@require_POST
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    access, row = _group(request, pk)
    services.delete_group(access=access, group=row)
    messages.success(request, _("The group is gone; its drivers stay."))
    return redirect("groups")


def _group(request: HttpRequest, pk: int) -> tuple[Access, DriverGroup]:
    access = access_of(request)
    access.demand(Permission.TOKENS)
    return access, get_object_or_404(DriverGroup, organization=access.organization, pk=pk)
