"""Gives each request its `access` (one person in one organization), its zone, and asks for the second factor."""

from collections.abc import Callable
from zoneinfo import ZoneInfo

from allauth.mfa.utils import is_mfa_enabled
from csp.constants import UNSAFE_EVAL, UNSAFE_INLINE
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone, translation

from . import clock, refusals, unsent
from .access import Access, Role
from .models import Membership, MfaPolicy, User

SESSION_KEY = "organization_id"
DRIVER_PAGES = (
    "/map",
    "/c/",
    "/s/",
    "/r/",
    "/receipt",
    "/statement/",
    "/status",
    "/help/",
    "/offline",
    "/u/",
    "/pay/",
    "/i18n/",
    "/account/",
    "/debt/",
    "/app/",
    "/manifest.webmanifest",
    "/sw.js",
)  # the browser's language, or the chosen one
FREE_PATHS = (
    "/accounts/",
    "/account/",
    "/debt/",
    "/static/",
    "/i18n/",
    "/map",
    "/c/",
    "/s/",
    "/r/",
    "/receipt",
    "/u/",
    "/pay/",
    "/webhooks/",
    "/app/",
    "/manifest.webmanifest",
    "/sw.js",
    "/in/",
    "/firmware/",
    "/healthz",
)


class AccessMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.begun = clock.now()  # type: ignore[attr-defined]  # as old are the figures of a page
        response = self._answer(request)
        if not request.path.startswith(DRIVER_PAGES):
            refusals.note(request, response)
        return response

    def _answer(self, request: HttpRequest) -> HttpResponse:
        request.access = None  # type: ignore[attr-defined]
        if not request.user.is_authenticated:
            return unsent.to_login(request, self.get_response(request))
        access = access_of(request)
        request.access = access  # type: ignore[attr-defined]
        request.factor_due = bool(access and needs_second_factor(access))  # type: ignore[attr-defined]
        if request.factor_due and not request.path.startswith(FREE_PATHS):  # type: ignore[attr-defined]
            return redirect("mfa_activate_totp")
        if not request.path.startswith(DRIVER_PAGES):
            translation.activate(request.user.language or (access.organization.language if access else "en"))
        zone = request.user.time_zone or (access.organization.time_zone if access else "UTC")
        with timezone.override(ZoneInfo(zone)):
            return self.get_response(request)


def access_of(request: HttpRequest) -> Access | None:
    """The membership chosen in this session, else the first; None for somebody who is in no organization."""
    assert isinstance(request.user, User)
    memberships = list(Membership.objects.filter(user=request.user).select_related("organization").order_by("id"))
    request.memberships = memberships  # type: ignore[attr-defined]
    chosen = request.session.get(SESSION_KEY)
    membership = next((each for each in memberships if each.organization_id == chosen), None)
    membership = membership or next(iter(memberships), None)
    return membership_access(request.user, membership, client_address(request)) if membership else None


def membership_access(user: User, membership: Membership, address: str | None = None) -> Access:
    return Access(
        organization=membership.organization, membership=membership, user=user, actor=str(user), address=address
    )


def client_address(request: HttpRequest) -> str | None:
    """The peer's address; behind a trusted proxy the server in front (daphne --proxy-headers) has put it there."""
    return request.META.get("REMOTE_ADDR") or None


def needs_second_factor(access: Access) -> bool:
    policy = access.organization.mfa_policy
    must = policy == MfaPolicy.EVERYBODY or (policy == MfaPolicy.MONEY and access.role in (Role.OWNER, Role.FINANCE))
    return must and not is_mfa_enabled(access.user)


class AdminPolicyMiddleware:
    """The admin's front end (Alpine, inline styles) needs a wider policy than ours: it alone gets it."""

    WIDER = {"script-src": [UNSAFE_EVAL, UNSAFE_INLINE], "style-src": [UNSAFE_INLINE], "img-src": ["blob:"]}

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.path.startswith("/admin/"):
            response._csp_update = self.WIDER  # type: ignore[attr-defined]
        return response
