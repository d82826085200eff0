"""Tell me: wishes about a connector, its station or site, and a drawn area of the map. With or without an account."""

import json
from dataclasses import dataclass
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from alerts import areas, proofs, queries
from alerts import services as alerts
from alerts.models import Destination, Recipient
from alerts.services import people
from alerts.services.subscriptions import Wanted, at_connector, in_area, topics_of
from alerts.vocabulary import ChannelName, Topic
from evcms.core import clusters
from evcms.core.middleware import client_address
from evcms.public import drivers, freeby, hearing, places, popular, snapshot, status
from evcms.public.limits import too_often
from evcms.public.snapshot import Where
from sessions.models import Driver
from stations.models import Connector, Site

DISTANCES = (1, 2, 5)  # km


@dataclass(frozen=True)
class Asker:
    """Who asks: a driver's account, a browser that has proven an address, or neither (his e-mail is asked for)."""

    recipient: Recipient | None = None
    driver: Driver | None = None

    @property
    def first(self) -> str:
        """The way that reaches him first, as he knows it; empty when we know nobody."""
        way = people.first_way(self.recipient) if self.recipient else None
        return str(way) if way else self.account

    @property
    def account(self) -> str:
        return self.driver.email if self.driver else ""


def asker_of(request: HttpRequest, organization_id: int) -> Asker:
    """Reads only: a look at a page writes nothing."""
    driver = drivers.driver_of(request)
    if driver and driver.organization_id == organization_id and driver.email:
        return Asker(queries.recipient_of_driver(driver.pk), driver)
    return Asker(proofs.known(request, organization_id))


def recipient_of(asker: Asker) -> Recipient | None:
    """Whose wish needs no confirmation."""
    if asker.driver is None:
        return asker.recipient
    return people.signed_in(
        driver_id=asker.driver.pk,
        organization_id=asker.driver.organization_id,
        email=asker.driver.email,
        name=asker.driver.name,
        language=asker.driver.language or get_language() or "en",
    )


def ask(request: HttpRequest, wanted: list[Wanted], page: str) -> hearing.Asked:
    """Writes the wishes, or keeps them until a code has come back. Raises ValidationError."""
    if too_often(request, "subscribe", most=10, seconds=3600):
        raise ValidationError(_("Too many tries. Please wait a while."))
    how = hearing.said(request)
    if how == ChannelName.SMS:
        owner = wanted[0].organization_id
        recipient = recipient_of(asker_of(request, owner))
        then = {"wishes": [each.as_json() for each in wanted]}
        return hearing.by_text(request, organization_id=owner, recipient=recipient, then=then, page=page)
    words, browser = [], []
    for each in wanted:
        way, recipient = None, recipient_of(asker_of(request, each.organization_id))
        if how == ChannelName.PUSH:
            way = hearing.this_browser(request, organization_id=each.organization_id, recipient=recipient)
            recipient = way.recipient
            browser.append(recipient)
        words.append(_write(request, each, recipient, way))
    return hearing.Asked(word=words[-1], browser=browser)


def _write(request: HttpRequest, wanted: Wanted, recipient: Recipient | None, way: Destination | None) -> str:
    if recipient:
        alerts.wish(recipient=recipient, wanted=wanted, proven=True, way=way)
        return hearing.KNOWN
    alerts.subscribe(
        wanted=wanted,
        email=request.POST.get("email", ""),
        language=get_language() or "en",
        network=client_address(request) or "",
    )
    return hearing.NEW


def answer(request: HttpRequest, wanted: list[Wanted], page: str) -> HttpResponse:
    """Back to the card of `page` that the form stands in. Raises ValidationError."""
    asked = ask(request, wanted, page)
    return asked.answer(f"{page}?asked={asked.word}#subscribe")


def topics_for(chosen: list[str] | None, *, free_now: bool) -> list[tuple[str, bool]]:
    """(topic, checked) in the order of the form: "free" only where it is not."""
    offered = [topic for topic in Topic.values if not (topic == Topic.FREE and free_now)]
    first = [offered[0]] if chosen is None else chosen
    return [(topic, topic in first) for topic in offered]


def form_context(request: HttpRequest, organization_id: int, *, free_now: bool, wish: Any = None) -> dict[str, Any]:
    """What public/_tell_me.html shows. `wish`: what was refused. Any: template context."""
    asker = asker_of(request, organization_id)
    return {
        "topics": topics_for(wish["topics"] if wish else None, free_now=free_now),
        "asker": asker.recipient,
        "account": asker.account,
        "first_way": asker.first,
        "asked": request.GET.get("asked", ""),
        "wish": wish,
        **hearing.context(request, wish),
    }


def refused(request: HttpRequest, error: ValidationError) -> dict[str, Any]:
    """Any: template context."""
    said = request.POST
    return {
        "email": said.get("email", ""),
        "phone": said.get("phone", ""),
        "how": said.get("how", ""),
        "topics": said.getlist("topic"),
        "reach": said.get("reach", ""),
        "often": said.get("often", ""),
        "error": " ".join(error.messages),
        "at_phone": getattr(error, "code", "") == "phone",
    }


def wanted_at(request: HttpRequest, connector: Connector, reach: str) -> Wanted:
    return at_connector(
        connector_id=connector.pk,
        topics=request.POST.getlist("topic"),
        reach=reach,
        lasting=request.POST.get("often") == "always",
    )


@require_http_methods(["GET", "POST"])
def at_site(request: HttpRequest, pk: int) -> HttpResponse:
    """A site's own form."""
    place = places.place_of(pk)
    if place is None:
        raise Http404
    page = reverse("public:site", args=[pk])
    if request.method != "POST":
        return redirect(f"{page}#subscribe")
    try:
        return answer(request, [wanted_at(request, place.connectors[0], "site")], page)
    except ValidationError as error:
        return render(request, "public/site.html", site_context(request, place, refused(request, error)), status=422)


def about(place: places.Place[Site, Connector]) -> dict[str, Any]:
    """What its past says of a place. Any: template context."""
    told = status.incidents(place.site.organization)
    return {
        "incidents": [one for one in told if not one.over and one.site in (None, place.site)],
        "wait": freeby.wait_at(place),
        "popular": popular.today(place.site.pk, place.site.time_zone),
    }


def site_context(request: HttpRequest, place: places.Place[Site, Connector], wish: Any = None) -> dict[str, Any]:
    """Any: template context."""
    form = form_context(request, place.site.organization_id, free_now=place.free > 0, wish=wish)
    notes = place.site.notes_for(get_language() or settings.LANGUAGE_CODE)
    told = {"place": place, "works": places.works_at(place.site), "notes": notes, "live_url": "/ws/public/map/"}
    return told | about(place) | form


@require_GET
@drivers.signed_in
def own(request: HttpRequest, driver: Driver) -> HttpResponse:
    """From the account to all that its driver is told."""
    recipient = recipient_of(Asker(driver=driver))
    return redirect("my-messages", token=recipient.token) if recipient else redirect("public:account")


# An area -----------------------------------------------------------------------------------------------------


class AreaForm(forms.Form):
    """Drawn corners, or a distance around a site for those who do not draw."""

    corners = forms.CharField(required=False, max_length=4000)
    site = forms.IntegerField(required=False)
    distance = forms.TypedChoiceField(choices=[(km, km) for km in DISTANCES], coerce=int, required=False)
    label = forms.CharField(required=False, max_length=120)

    def area(self, sites: list[Where]) -> tuple[object, str]:
        """(corners, a name for them). Raises ValidationError."""
        if not self.is_valid():
            raise ValidationError(_("Draw an area on the map, or choose a distance."))
        said = self.cleaned_data
        if said["corners"]:
            try:
                return json.loads(said["corners"]), said["label"]
            except ValueError as error:
                raise ValidationError(_("Draw an area on the map, or choose a distance.")) from error
        centre = next((site for site in sites if site.pk == said["site"]), None)
        if centre is None or not said["distance"]:
            raise ValidationError(_("Draw an area on the map, or choose a distance."))
        around = _("%(km)s km around %(place)s") % {"km": said["distance"], "place": centre.name}
        return areas.circle((centre.latitude, centre.longitude), said["distance"]), said["label"] or around


@require_http_methods(["GET", "POST"])
def in_drawn_area(request: HttpRequest) -> HttpResponse:
    """The map, to draw on."""
    sites = [*snapshot.current().sites.values()]
    wish = None
    if request.method == "POST":
        try:
            return answer(request, _wanted_in_area(request, sites), reverse("public:area"))
        except ValidationError as error:
            wish = refused(request, error) | {name: request.POST.get(name, "") for name in ("corners", "label")}
    owners = {site.organization_id for site in sites}
    bounds = clusters.heart([clusters.Point(site.latitude, site.longitude) for site in sites])
    context = {
        "bounds": ",".join(f"{side:.5f}" for side in bounds) if bounds else "",
        "sites": sorted(sites, key=lambda site: site.order),
        "distances": DISTANCES,
        "tiles": settings.MAP_TILE_URL,
        "attribution": settings.MAP_TILE_ATTRIBUTION,
        "live_url": "/ws/public/map/",
        "brand": status.house()[0],
        **form_context(request, owners.pop() if len(owners) == 1 else 0, free_now=False, wish=wish),
    }
    return render(request, "public/area.html", context, status=422 if wish else 200)


def _wanted_in_area(request: HttpRequest, sites: list[Where]) -> list[Wanted]:
    """One wish for each operator who has something there. Raises ValidationError."""
    corners, label = AreaForm(request.POST).area(sites)
    topics = topics_of(request.POST.getlist("topic"))
    try:
        shape = areas.polygon(corners if not isinstance(corners, tuple) else list(corners))
    except areas.BadArea as error:
        raise ValidationError(_("Draw an area on the map, or choose a distance.")) from error
    owners = {site.organization_id for site in sites if areas.inside((site.latitude, site.longitude), shape)}
    if not owners:
        raise ValidationError(_("No charger stands in this area."))
    return [
        in_area(
            organization_id=organization_id,
            corners=[list(corner) for corner in shape],
            label=label,
            topics=topics,
            lasting=request.POST.get("often") == "always",
        )
        for organization_id in sorted(owners)
    ]
