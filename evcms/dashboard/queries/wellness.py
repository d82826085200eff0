"""How well one station serves, and why: the figure that the list filters by, with the rows behind each reason."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.db.models import BooleanField, Case, Count, OuterRef, Q, Subquery, Value, When
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from alerts import early_words, facts
from alerts.early import judge
from alerts.models import ConnectorHealth, Incident, StationHealth
from alerts.services.wellness import JUDGED_OVER
from evcms.core import clock
from evcms.core.access import Access
from evcms.templatetags import figures
from evcms.templatetags.evcms import permille
from evcms.templatetags.statuses import SEVERITIES
from sessions.models import ChargingSession
from stations import queries as stations
from stations import reported
from stations.models import Connector, Station, Variable

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


def wellness(access: Access, station: Station, open_now: Sequence[Incident]) -> Wellness:
    """`open_now`: its open incidents. Four queries."""
    found, newest, row = _known(access, station)
    reasons = [*_score(row, station), *_trouble(open_now), *_dark(station), *_firmware(station, newest)]
    return Wellness(row, found, [*reasons, *_plugs(station), *_wear(station)])


def grades(access: Access, station: Station) -> list[str]:
    """By the very conditions of the list's filter."""
    return _known(access, station)[0]


def _known(access: Access, station: Station) -> tuple[list[str], str, StationHealth | None]:
    """Its grades, the version of the newest firmware file here that is made for its model, its score. One query."""
    wrong = facts.health_conditions(access.organization.pk)
    made_for = Q(vendor__iexact=station.vendor) & Q(model__iexact=station.model)
    newest = reported.firmware_files(access).filter(made_for).order_by("-created_at").values("version")[:1]
    told = {f"is_{name}": _holds(condition) for name, condition in wrong.items()}
    row = Station.objects.select_related("wellness").annotate(**told, newest=Subquery(newest)).get(pk=station.pk)
    found = [name for name in wrong if getattr(row, f"is_{name}")] or ["well"]
    return found, getattr(row, "newest", None) or "", getattr(row, "wellness", None)


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


def _trouble(open_now: Sequence[Incident]) -> Iterator[Reason]:
    for incident in open_now:
        yield Reason(incident.title, reverse("incident", args=[incident.pk]), SEVERITIES[incident.severity])


def _dark(station: Station) -> Iterator[Reason]:
    """Part of the time that it was not in order; before its first link nobody waited for it."""
    hours = int(JUDGED_OVER / timedelta(hours=1))
    gaps = [gap for gap in stations.offline_spans(station, hours=hours) if gap[0] > clock.now() - JUDGED_OVER]
    if not gaps:
        return
    whole = sum((end - begin for begin, end in gaps), timedelta(0))
    text = ngettext(
        "Offline once in %(days)d days, for %(time)s",
        "Offline %(n)d times in %(days)d days, %(time)s together",
        len(gaps),
    ) % {"n": len(gaps), "time": figures.duration(whole), "days": JUDGED_OVER.days}  # fmt: skip
    yield Reason(text, reverse("station-connections", args=[station.identity]), "offline")


def _firmware(station: Station, newest: str) -> Iterator[Reason]:
    """The station says another version than the newest file for its model."""
    if station.firmware_version and newest not in ("", station.firmware_version):
        text = _("Firmware %(own)s; %(new)s is here for this model")
        url = reverse("station-firmware", args=[station.identity])
        yield Reason(text % {"own": station.firmware_version, "new": newest}, url, "info")


def _plugs(station: Station) -> Iterator[Reason]:
    """An early sign of each plug, and how often it was used. One query."""
    used = ChargingSession.objects.filter(connector=OuterRef("pk")).order_by().values("connector")
    alarms = ConnectorHealth.objects.filter(connector=OuterRef("pk"), alarmed_at__isnull=False)
    rows = Connector.objects.filter(station=station, archived_at=None).select_related("evse", "station").annotate(
        used=Subquery(used.annotate(n=Count("pk")).values("n")), alarm=Subquery(alarms.values("state")),
    )  # fmt: skip
    trouble = reverse("station-incidents", args=[station.identity])
    for plug in rows.order_by("evse__number", "number"):
        if plug.alarm is not None:
            said = early_words.headline(judge.unpack(plug.alarm))
            text = _("Early sign: %(connector)s %(sign)s") % {"connector": plug, "sign": said}
            yield Reason(text, trouble, "warning")
        if plug.used:
            text = ngettext("%(plug)s: %(n)d charge so far", "%(plug)s: %(n)d charges so far", plug.used)
            yield Reason(text % {"plug": plug, "n": plug.used}, reverse("station", args=[station.identity]), "info")


def _wear(station: Station) -> Iterator[Reason]:
    """What the station itself counts."""
    for row in Variable.objects.filter(station=station, variable__icontains=CYCLES).order_by("pk")[:10]:
        url = reverse("station-variables", args=[station.identity]) + f"?q={row.variable}"
        yield Reason(f"{row.component} {row.variable}: {row.value}", url, "info")
