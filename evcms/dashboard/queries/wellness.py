"""How well one station serves, and why: the figure that the list filters by, with the rows behind each reason."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.db.models import BooleanField, Case, Count, Q, Value, When
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from alerts import early_words, facts
from alerts.early import judge
from alerts.models import ConnectorHealth, StationHealth
from alerts.services.wellness import JUDGED_OVER
from evcms.core import clock
from evcms.core.access import Access
from evcms.templatetags import figures
from evcms.templatetags.evcms import permille
from sessions.models import ChargingSession
from stations import queries as stations
from stations import reported
from stations.models import Connector, Station, Variable

from . import street

CYCLES: Final = "cycles"  # in the names of variables that count wear, such as ConnectorPlugCycles
QUARTER: Final = "?strip=90d"


@dataclass(frozen=True)
class Reason:
    """`lost`: per mille of the score; None: it is known, and takes nothing off. `word`: of the palette."""

    text: str
    url: str
    word: str
    lost: int | None = None


@dataclass(frozen=True)
class Wellness:
    """`grades`: which of the list's health filters this station fits ("well": none of the others)."""

    row: StationHealth | None
    grades: list[str]
    reasons: list[Reason]


def wellness(access: Access, station: Station) -> Wellness:
    row = StationHealth.objects.filter(station=station).first()
    reasons = [*_score(row, station), *_trouble(access, station), *_dark(station), *_firmware(access, station)]
    return Wellness(row, grades(access, station), [*reasons, *_wear(station)])


def grades(access: Access, station: Station) -> list[str]:
    """By the very conditions of the list's filter. One query."""
    wrong = facts.health_conditions(access.organization.pk)
    told = {f"is_{name}": _holds(condition) for name, condition in wrong.items()}
    row = Station.objects.filter(pk=station.pk).annotate(**told).values(*told).get()
    return [name for name in wrong if row[f"is_{name}"]] or ["well"]


def _holds(condition: Q) -> Case:
    return Case(When(condition, then=Value(True)), default=Value(False), output_field=BooleanField())


def _score(row: StationHealth | None, station: Station) -> Iterator[Reason]:
    if row is None:
        return
    page = reverse("station", args=[station.identity])
    text = _("In order %(share)s of the last %(days)d days") % {
        "share": permille(row.up_permille), "days": JUDGED_OVER.days,
    }  # fmt: skip
    yield Reason(text, page + QUARTER, _good(row.up_permille >= row.target_permille), 1000 - row.up_permille)
    if row.tried:
        text = ngettext(
            "%(failed)d of %(tried)d attempt failed because of the station",
            "%(failed)d of %(tried)d attempts failed because of the station",
            row.tried,
        ) % {"failed": row.failed, "tried": row.tried}
        since = (clock.now() - JUDGED_OVER).date()
        query = f"?station={station.identity}&party=station&counted=yes&since={since}"
        yield Reason(text, reverse("attempts") + query, _good(not row.failed), row.up_permille - row.permille)


def _good(well: bool) -> str:
    return "available" if well else "warning"


def _trouble(access: Access, station: Station) -> Iterator[Reason]:
    for incident in street.open_incidents(access, station)[:10]:
        yield Reason(incident.title, reverse("incident", args=[incident.pk]), incident.severity)
    rows = ConnectorHealth.objects.filter(connector__station=station, alarmed_at__isnull=False)
    for row in rows.select_related("connector__evse", "connector__station"):
        said = early_words.headline(judge.unpack(row.state))
        text = _("Early sign: %(connector)s %(sign)s") % {"connector": row.connector, "sign": said}
        yield Reason(text, reverse("station-incidents", args=[station.identity]), "warning")


def _dark(station: Station) -> Iterator[Reason]:
    """Part of the time that it was not in order; before its first link nobody waited for it."""
    hours = int(JUDGED_OVER / timedelta(hours=1))
    gaps = [gap for gap in stations.offline_spans(station, hours=hours) if gap[0] > clock.now() - JUDGED_OVER]
    if not gaps:
        return
    whole = sum((end - begin for begin, end in gaps), timedelta(0))
    text = ngettext(
        "Offline once, for %(time)s", "Offline %(n)d times, %(time)s together", len(gaps)
    ) % {"n": len(gaps), "time": figures.duration(whole)}  # fmt: skip
    yield Reason(text, reverse("station-connections", args=[station.identity]), "offline")


def _firmware(access: Access, station: Station) -> Iterator[Reason]:
    """The newest file here that is made for this model, when the station says another version."""
    if not station.firmware_version:
        return
    made_for = Q(vendor__iexact=station.vendor) & Q(model__iexact=station.model)
    newest = reported.firmware_files(access).filter(made_for).order_by("-created_at").first()
    if newest and newest.version != station.firmware_version:
        words = {"own": station.firmware_version, "new": newest.version}
        text = _("Firmware %(own)s; %(new)s is here for this model") % words
        yield Reason(text, reverse("station-firmware", args=[station.identity]), "info")


def _wear(station: Station) -> Iterator[Reason]:
    """How often each plug was used, and what the station itself counts."""
    used = ChargingSession.objects.filter(station=station, connector__isnull=False).order_by()
    counts = dict(used.values_list("connector_id").annotate(Count("pk")))
    page = reverse("station", args=[station.identity])
    for plug in Connector.objects.filter(station=station, archived_at=None).select_related("evse", "station"):
        if number := counts.get(plug.pk):
            text = ngettext("%(plug)s: %(n)d charge so far", "%(plug)s: %(n)d charges so far", number)
            yield Reason(text % {"plug": plug, "n": number}, page, "info")
    for row in Variable.objects.filter(station=station, variable__icontains=CYCLES).order_by("pk")[:10]:
        url = reverse("station-variables", args=[station.identity]) + f"?q={row.variable}"
        yield Reason(f"{row.component} {row.variable}: {row.value}", url, "info")
