"""Settings: the organization, its members, API tokens, the audit log, one's own profile."""

from datetime import timedelta

from allauth.account.forms import ResetPasswordForm
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from evcms.core import clock, people, services
from evcms.core.access import Access, Permission, Role
from evcms.core.forms import MemberForm, ProfileForm, TokenForm
from evcms.core.middleware import SESSION_KEY
from evcms.core.models import ApiToken, Membership
from evcms.dashboard import settings_rooms as rooms
from evcms.dashboard.access import operator
from evcms.dashboard.organization_form import OrganizationForm
from evcms.dashboard.queries import log


@operator()
@require_POST
def switch(request: HttpRequest, access: Access) -> HttpResponse:
    """Another organization of one's own."""
    chosen = request.POST.get("organization", "")
    mine = Membership.objects.filter(user=access.user, organization_id=int(chosen) if chosen.isdigit() else 0)
    if mine.exists():
        request.session[SESSION_KEY] = int(chosen)
    return redirect("/")


@operator()
@require_GET
def settings(request: HttpRequest, access: Access) -> HttpResponse:
    return render(request, "dashboard/settings/index.html", {"rooms": rooms.of(access)})


@operator(Permission.PEOPLE)
@require_http_methods(["GET", "POST"])
def organization(request: HttpRequest, access: Access) -> HttpResponse:
    form = OrganizationForm(request.POST or None, instance=access.organization)
    if request.method == "POST" and form.is_valid():
        access.organization.refresh_from_db()
        people.edit_organization(access=access, **form.cleaned_data)
        messages.success(request, _("Saved."))
        return redirect("organization")
    return render(request, "dashboard/settings/organization.html", {"form": form})


@operator(Permission.PEOPLE)
@require_http_methods(["GET", "POST"])
def members(request: HttpRequest, access: Access) -> HttpResponse:
    form = MemberForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            _add_member(request, access, form.cleaned_data["email"], Role(form.cleaned_data["role"]))
            return redirect("members")
        except ValidationError as error:
            form.add_error("email", error)
    rows = Membership.objects.filter(organization=access.organization).select_related("user").order_by("user__email")
    return render(request, "dashboard/settings/members.html", {"form": form, "members": rows, "roles": list(Role)})


def _add_member(request: HttpRequest, access: Access, email: str, role: Role) -> None:
    membership, new = people.add_member(access=access, email=email, role=role)
    if new:
        reset = ResetPasswordForm({"email": membership.user.email})
        if reset.is_valid():
            reset.save(request)
    messages.success(request, _("%(email)s is in. A new account gets a link to choose a password.") % {"email": email})


@operator(Permission.PEOPLE)
@require_POST
def member(request: HttpRequest, access: Access, pk: int) -> HttpResponse:
    """`role` changes it, `remove` ends the membership."""
    row = get_object_or_404(Membership, organization=access.organization, pk=pk)
    try:
        if "remove" in request.POST:
            people.remove_member(access=access, membership=row)
        elif request.POST.get("role") in set(Role):
            people.change_member(access=access, membership=row, role=Role(request.POST["role"]))
            words = {"who": row.user, "role": Role(request.POST["role"]).label}
            messages.success(request, _("%(who)s is %(role)s now.") % words)
        else:
            messages.error(request, _("Choose one of the roles."))
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return redirect("members")


@operator(Permission.PEOPLE)
@require_http_methods(["GET", "POST"])
def api_tokens(request: HttpRequest, access: Access) -> HttpResponse:
    form = TokenForm(request.POST or None)
    secret = ""
    if request.method == "POST" and form.is_valid():
        days = form.cleaned_data["days"]
        try:
            _token, secret = services.issue_token(
                access=access,
                name=form.cleaned_data["name"],
                scopes=[Permission(scope) for scope in form.cleaned_data["scopes"]],
                expires_at=clock.now() + timedelta(days=days) if days else None,
            )
            form = TokenForm()
        except ValidationError as error:
            form.add_error(None, error)
    rows = ApiToken.objects.filter(membership__organization=access.organization).select_related("membership__user")
    context = {"form": form, "tokens": rows.order_by("-created_at"), "secret": secret, "now": clock.now()}
    return render(request, "dashboard/settings/api_tokens.html", context)


@operator(Permission.PEOPLE)
@require_POST
def api_token_revoke(request: HttpRequest, access: Access, pk: int) -> HttpResponse:
    row = get_object_or_404(ApiToken, membership__organization=access.organization, pk=pk)
    services.revoke_token(access=access, token=row)
    messages.success(request, _("%(name)s is revoked.") % {"name": row.name})
    return redirect("api-tokens")


@operator(Permission.AUDIT)
@require_GET
def audit_log(request: HttpRequest, access: Access) -> HttpResponse:
    rows = log.audit_log(access)
    sought = request.GET.get("q", "").strip()
    if sought:
        said = Q(object_label__icontains=sought) | Q(actor__icontains=sought) | Q(action__icontains=sought)
        rows = rows.filter(said)
    page = Paginator(rows, 50).get_page(request.GET.get("page"))
    return render(request, "dashboard/settings/audit.html", {"page": page, "sought": sought})


@operator()
@require_http_methods(["GET", "POST"])
def profile(request: HttpRequest, access: Access) -> HttpResponse:
    form = ProfileForm(request.POST or None, instance=access.user)
    if request.method == "POST" and form.is_valid():
        people.edit_profile(user=access.user, **form.cleaned_data)
        messages.success(request, _("Saved."))
        return redirect("profile")
    return render(request, "dashboard/settings/profile.html", {"form": form})
