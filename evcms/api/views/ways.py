"""Where to begin, and what is said on a path that does not exist: JSON, like everything under /api/."""

from typing import Any, Final

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import Resolver404, resolve, reverse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

LISTS: Final = (
    "site", "station", "evse", "connector", "session", "token", "reservation", "tariff", "incident",
    "on-call", "notification",
)  # fmt: skip


class IndexView(APIView):
    """The lists by name, and where the API is described. Needs no token."""

    authentication_classes: tuple[Any, ...] = ()  # Any: DRF's classes
    permission_classes: tuple[Any, ...] = ()

    @extend_schema(exclude=True)
    def get(self, request: Request) -> Response:
        lists = {f"{name}s": request.build_absolute_uri(reverse(f"api:{name}-list")) for name in LISTS}
        ways = {name: request.build_absolute_uri(reverse(f"api:{name}")) for name in ("docs", "schema")}
        return Response(lists | ways)


@csrf_exempt
def nowhere(request: HttpRequest) -> HttpResponse:
    """A path without its last slash leads on (reading), or is told so (writing); others are a 404."""
    slashed = f"{request.path_info}/"
    if not request.path_info.endswith("/") and _leads_somewhere(slashed):
        if request.method in ("GET", "HEAD"):
            query = request.META.get("QUERY_STRING", "")
            return HttpResponseRedirect(f"{request.path}/" + (f"?{query}" if query else ""))
        return JsonResponse(
            {"detail": _("Paths end with a slash: %(path)s") % {"path": f"{request.path}/"}}, status=404
        )
    return JsonResponse({"detail": _("There is nothing at this path; /api/v1/ lists what there is.")}, status=404)


def _leads_somewhere(path: str) -> bool:
    try:
        return resolve(path).func is not nowhere
    except Resolver404:
        return False
