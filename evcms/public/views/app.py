"""The drivers' pages as an app: its manifest, its worker, how it is installed, and the key for push messages."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_GET

from alerts.channels.push import transport
from evcms.public import drivers

ICONS = (("icon-192.png", 192, "any"), ("icon-512.png", 512, "any"), ("icon-maskable-512.png", 512, "maskable"))
NAMELESS = "EVCMS"


def name() -> str:
    """The operator's, where only one is here."""
    houses = drivers.organizations()
    return houses[0].name if len(houses) == 1 else NAMELESS


@require_GET
def app(request: HttpRequest) -> HttpResponse:
    """How to install it; on an iPhone push messages need that."""
    return render(request, "public/app.html", {"brand": name()})


@require_GET
@cache_control(max_age=3600)
def manifest(request: HttpRequest) -> JsonResponse:
    title = name()
    said = {
        "id": "/",
        "name": title,
        "short_name": title,
        "description": _("Find a free charger, pay and start, and hear when it is done."),
        "lang": get_language() or "en",
        "start_url": reverse("public:map"),
        "scope": "/",
        "display": "standalone",
        "background_color": "#f6f7f9",
        "theme_color": "#2c3f8f",
        "icons": [
            {"src": static(f"evcms/{file}"), "sizes": f"{size}x{size}", "type": "image/png", "purpose": purpose}
            for file, size, purpose in ICONS
        ],
        "shortcuts": [{"name": _("Your messages"), "url": reverse("public:messages")}],
    }
    return JsonResponse(said, content_type="application/manifest+json")


@require_GET
def offline(request: HttpRequest) -> HttpResponse:
    """What the worker shows when there is no connection; it keeps a copy."""
    return render(request, "public/offline.html", {"brand": name()})


@require_GET
@cache_control(no_cache=True)
def worker(request: HttpRequest) -> HttpResponse:
    """At the root, so that it may concern itself with every page."""
    response = render(request, "public/sw.js", content_type="text/javascript; charset=utf-8")
    response["Service-Worker-Allowed"] = "/"
    return response


@require_GET
@cache_control(max_age=3600)
def push_key(request: HttpRequest) -> HttpResponse:
    """What `pushManager.subscribe` takes as applicationServerKey."""
    return HttpResponse(transport.public_key(), content_type="text/plain; charset=utf-8")
