"""One station for people: its plugs, its past, and what it said."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.urls import reverse
from django.utils.translation import gettext as _

from alerts.models import Incident
from alerts.queries import incidents
from billing.queries import running_costs
from evcms.core import clock
from evcms.core.access import Access
from evcms.core.models import AuditEntry
from evcms.templatetags import figures, statuses
from sessions import freeby
from sessions import queries as sessions
from sessions.models import ChargingSession
from sessions.planning.freeby import HORIZONS
from stations import availability, faultwords
from stations import queries as stations
from stations.availability import Day
from stations.models import Connector, Evse, Station, StatusChange, Variable, WindowState
from stations.vocabulary import Approval, ConnectorStatus, Shown

BUCKETS: Final = 360  # of a long strip: finer than that nobody sees
WORST_FIRST: Final = ("faulted", "offline", "unavailable", "suspended_evse", "unknown")


# One station ------------------------------------------------------------------------------------------------


@dataclass
class Card:
    """A plug for `components/connector_card.html`, and what its buttons need."""

    connector: Connector
    label: str
    plug: str
    max_power_w: int | None  # None: nobody has said yet
    status: str
    since: datetime | None
    url: str
    live: str = ""
    figures: list[tuple[str, str]] = field(default_factory=list)
    driver: str = ""
    session: ChargingSession | None = None


def cards(access: Access, station: Station, *, with_cost: bool) -> list[Card]:
    """The station's plugs with what runs at them. Two queries; with costs one more, and six of time-based prices."""
    rows = stations.connectors(access).filter(station=station).order_by("evse__number", "number")
    running = sessions.running(access).filter(station=station).select_related("attempt")
    by_connector = {row.connector_id: row for row in reversed(running) if row.connector_id}
    costs = _costs(list(by_connector.values())) if with_cost else {}
    found = [_card(row, by_connector.get(row.pk), costs) for row in rows]
    if not stations.online(station):
        _darken(station, found)
    _forecast(station, found)
    return found


def _darken(station: Station, found: list[Card]) -> None:
    """Of a station without a link: since when it is dark, and that what is said of its cars is the last word."""
    for card in found:
        if card.status == Shown.OFFLINE:
            new = stations.never_connected(station)
            card.status = "never_connected" if new else card.status
            card.since = None if new else station.dark_since  # type: ignore[attr-defined]
        if card.figures:
            card.figures[0] = (_("Last known power"), card.figures[0][1])


def _forecast(station: Station, found: list[Card]) -> None:
    """When the taken ports are likely to be free, where enough is known. Three queries, none while nobody charges."""
    site, taken = station.site, [card for card in found if card.session]
    if site is None or not taken:
        return
    said = freeby.forecast(
        freeby.Spot(card.connector.evse_id, site.pk, site.organization_id, card.connector.power_type, site.time_zone,
                    free=False)
        for card in taken
    )  # fmt: skip
    for card in taken:
        if chances := said.get(card.connector.evse_id):
            words = " / ".join(f"{round(100 * chance)}" for chance in chances)
            label = _("Free in %(minutes)s min") % {"minutes": " / ".join(map(str, HORIZONS))}
            card.figures.append((label, f"{words} %"))


def _number(connector: Connector) -> str:
    """'2', and '2.2' for the second plug of the same EVSE."""
    return str(connector.evse.number) + (f".{connector.number}" if connector.number > 1 else "")


def _card(connector: Connector, session: ChargingSession | None, costs: dict[int, str]) -> Card:
    url = reverse("session", args=[session.public_id]) if session else ""
    card = Card(
        connector, _("Connector %(number)s") % {"number": _number(connector)}, connector.get_plug_display(),
        connector.told_power_w, str(stations.shown(connector)), connector.status_at, url, session=session,
    )  # fmt: skip
    if session:
        card.figures = _figures(session, costs.get(session.pk, ""))
        card.driver = who(session)
    elif connector.error_code and card.status == Shown.FAULTED:
        codes = (connector.error_code, connector.vendor_error_code, connector.error_info)
        card.driver = faultwords.told(*codes)
    return card


def _figures(session: ChargingSession, cost: str) -> list[tuple[str, str]]:
    told = [(_("Power"), figures.power(session.power_w)), (_("Energy"), figures.kwh(session.energy_mwh))]
    if session.soc_percent is not None:
        told.append((_("Battery"), f"{session.soc_percent} %"))
    if cost:
        told.append((_("Cost"), cost))
    told.append((_("Time"), figures.duration(clock.now() - session.started_at)))
    return told


def who(session: ChargingSession) -> str:
    """The kind of driver and his name or token, as far as known."""
    kind = session.attempt.get_kind_display() if session.attempt else ""
    name = str(session.driver or session.id_token or session.token_value or "")
    return " · ".join(filter(None, [name, str(kind)]))


def _costs(running: Sequence[ChargingSession]) -> dict[int, str]:
    return {pk: figures.amount(cost.total, cost.currency) for pk, cost in running_costs(running).items()}


def open_incidents(access: Access, station: Station) -> QuerySet[Incident]:
    return incidents_of(access, station).exclude(state="resolved")


def incidents_of(access: Access, station: Station) -> QuerySet[Incident]:
    rows = incidents(access).filter(Q(station=station) | Q(stations=station)).distinct()
    return rows.order_by("-opened_at")


def health(station: Station, shown: Iterable[Card]) -> str:
    """What it is doing, in one sentence, the worst first."""
    plugs = list(shown)
    if station.archived_at:
        return _("It is archived.")
    if station.approval == Approval.QUARANTINED:
        return _("It waits for your approval.")
    if station.approval == Approval.REJECTED:
        return _("It is rejected: every handshake is refused.")
    if not stations.online(station):
        dark: datetime | None = station.dark_since  # type: ignore[attr-defined]
        if stations.locked_out(station):
            return _("It is turned away until a password is set: its security profile demands one. Press Edit.")
        if dark is None or station.last_seen_at is None:
            return _refused(station) or _("It has not connected yet.")
        return _("It went offline %(ago)s.") % {"ago": figures.ago(dark)}  # as its plugs say it, to the minute
    broken = [card for card in plugs if card.status == Shown.FAULTED]
    if station.status == ConnectorStatus.FAULTED:
        code = faultwords.headline(station.status_error) or _("no code")
        return _("The whole station reports a fault: %(code)s.") % {"code": code}
    if broken:
        code = faultwords.headline(broken[0].connector.error_code) or _("no code given")
        return _("%(plug)s reports a fault: %(code)s.") % {"plug": broken[0].label, "code": code}
    serviced: bool = station.in_maintenance  # type: ignore[attr-defined]
    busy = [card for card in plugs if card.session]
    if busy:
        return _busy(busy, len(plugs), serviced=serviced)
    return _("It is being serviced.") if serviced else _("It is well and waits for a car.")


def _refused(station: Station) -> str:
    """Why one that never came in was turned away last; "" if it never knocked. One query."""
    row = station.refused_handshakes.order_by("-last_at").first()
    if row is None:
        return ""
    said = {"ago": figures.ago(row.last_at), "why": row.get_reason_display()}
    return _("It was turned away %(ago)s: %(why)s.") % said


def _busy(busy: Sequence[Card], plugs: int, *, serviced: bool) -> str:
    power = sum(max(0, card.session.power_w or 0) for card in busy if card.session)
    if plugs == 1:
        text = _("It is well; its connector is in use, with %(power)s.")
        if serviced:
            text = _("It is being serviced, and still its connector is in use, with %(power)s.")
    else:
        text = _("It is well; %(busy)d of %(all)d connectors are in use, with %(power)s.")
        if serviced:
            text = _("It is being serviced, and still %(busy)d of %(all)d connectors are in use, with %(power)s.")
    return text % {"busy": len(busy), "all": plugs, "power": figures.power(power)}


# The past ---------------------------------------------------------------------------------------------------

Turn = tuple[str, datetime, datetime, str, str]  # status, start, end, error code, nothing
Drawn = tuple[str, datetime, datetime, str, str]  # status, start, end, words on hover, where a click leads


@dataclass(frozen=True)
class Strip:
    label: str
    spans: list[Drawn]


@dataclass(frozen=True)
class Past:
    since: datetime
    until: datetime
    strips: list[Strip]

    @property
    def words(self) -> list[str]:
        """The states that are drawn, for the legend, each once."""
        return list(dict.fromkeys(span[0] for strip in self.strips for span in strip.spans))


def lately(access: Access, station: Station, hours: int) -> list[Incident]:
    """Incidents that are open or were within these hours, newest first: for head and strip in one query."""
    since = clock.now() - timedelta(hours=hours)
    rows = incidents_of(access, station).filter(Q(resolved_at=None) | Q(resolved_at__gt=since))
    return list(rows[:200])


def past(
    access: Access, station: Station, plugs: Sequence[Connector], hours: int, incidents: Iterable[Incident]
) -> Past:
    """Each plug's statuses with the times without a link over them, then sessions, incidents and maintenance."""
    until = clock.now()
    since = until - timedelta(hours=hours)
    dark = _dark(station, plugs, since, hours)
    long = hours > 48
    drawn = []
    for connector, turns in _statuses(station, plugs, since, until).items():
        painted = _coarse([*turns, *dark], since, until, station) if long else [*_spans(turns, station), *dark]
        drawn.append(Strip(_number(connector), painted))
    charged = _sessions(access, station, since, until)
    extra = [
        Strip(_("Sessions"), _coarse(charged, since, until, station) if long else charged),
        Strip(_("Incidents"), _incidents(incidents, station, until)),
        Strip(_("Maintenance"), _windows(access, station, since, until)),
    ]
    return Past(since, until, drawn + [strip for strip in extra if strip.spans])


PortDays = tuple[Evse, list[Day], int]


def days(station: Station) -> list[PortDays]:
    """Uptime of each port, day by day, and its mean per mille. Three queries."""
    ports = list(Evse.objects.filter(station=station).exclude(heard_since=None).order_by("number"))
    zone = station.site.time_zone if station.site else "UTC"
    found = availability.port_days(ports, zone, days=90)
    told = []
    for port in ports:
        known = [day.permille for day in found[port.pk] if day.permille is not None]
        if known:
            told.append((port, found[port.pk], sum(known) // len(known)))
    return told


def _dark(station: Station, plugs: Sequence[Connector], since: datetime, hours: int) -> list[Drawn]:
    """Times without a link; what lies before the first sign of life is unknown, not offline."""
    gaps = stations.offline_spans(station, hours=hours)
    heard = min((plug.evse.heard_since for plug in plugs if plug.evse.heard_since), default=None)
    from_the_start = gaps and gaps[0][0] <= since + timedelta(minutes=1)
    if from_the_start and (heard is None or heard > gaps[0][0]):
        gaps = gaps[1:]
    word = _("Offline")
    return [("offline", begin, end, _told(word, begin, end, station), _log(station, end)) for begin, end in gaps]


def _told(word: str, begin: datetime, end: datetime, station: Station) -> str:
    zone = station.site.time_zone if station.site else None
    return f"{word}: {figures.at_zone(begin, zone)}, {figures.duration(end - begin)}"


def _log(station: Station, moment: datetime) -> str:
    at = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    return reverse("station-messages", args=[station.identity]) + f"?at={at}#station-tab"


def _statuses(
    station: Station, plugs: Sequence[Connector], since: datetime, until: datetime
) -> dict[Connector, list[Turn]]:
    """Two queries for all plugs."""
    before = StatusChange.objects.filter(connector=OuterRef("pk"), happened_at__lte=since).order_by(
        "-happened_at", "-pk"
    )
    first = Connector.objects.filter(pk__in=[plug.pk for plug in plugs]).values_list(
        "pk", Subquery(before.values("status")[:1])
    )
    known: dict[int, str] = {pk: status or "unknown" for pk, status in first}
    rows = StatusChange.objects.filter(station=station, connector__isnull=False, happened_at__gt=since)
    turns: dict[int, list[tuple[datetime, str, str]]] = {plug.pk: [(since, known[plug.pk], "")] for plug in plugs}
    for pk, at, status, error in (
        rows.filter(happened_at__lte=until)
        .order_by("happened_at", "pk")
        .values_list("connector_id", "happened_at", "status", "error_code")
    ):
        turns.setdefault(pk or 0, []).append((at, status, error))
    return {plug: _turns(turns[plug.pk], until) for plug in plugs}


def _turns(said: list[tuple[datetime, str, str]], until: datetime) -> list[Turn]:
    ends = [at for at, _status, _error in said[1:]] + [until]
    return [
        (status, begin, end, error, "")
        for (begin, status, error), end in zip(said, ends, strict=True)
        if end > begin and status != ConnectorStatus.UNKNOWN
    ]


def _spans(turns: list[Turn], station: Station) -> list[Drawn]:
    spans: list[Drawn] = []
    for status, begin, end, error, _nothing in turns:
        word = " · ".join(filter(None, (str(statuses.look(status).word), faultwords.told(error))))
        spans.append((status, begin, end, _told(word, begin, end, station), _log(station, begin)))
    return spans


def _coarse(spans: Sequence[Turn | Drawn], since: datetime, until: datetime, station: Station) -> list[Drawn]:
    """One colour a bucket: the worst that happened in it, else what lasted longest; equal neighbours joined."""
    width = (until - since) / BUCKETS
    inside: list[dict[str, timedelta]] = [{} for _number in range(BUCKETS)]
    for status, begin, end, _words, _url in spans:
        first = max(0, int((begin - since) / width))
        for number in range(first, min(BUCKETS, int((end - since) / width) + 1)):
            left, right = since + number * width, since + (number + 1) * width
            share = min(end, right) - max(begin, left)
            if share > timedelta(0):
                inside[number][status] = inside[number].get(status, timedelta(0)) + share
    chosen = [_worst(each) for each in inside]
    joined: list[Drawn] = []
    for number, status in enumerate(chosen):
        begin, end = since + number * width, since + (number + 1) * width
        if joined and joined[-1][0] == status:
            begin = joined.pop()[1]
        word = str(statuses.look(status).word) if status else ""
        joined.append((status, begin, end, _told(word, begin, end, station), _log(station, end)))
    return [span for span in joined if span[0]]


def _worst(inside: dict[str, timedelta]) -> str:
    for status in WORST_FIRST:
        if status in inside:
            return status
    return max(inside, key=lambda status: inside[status]) if inside else ""


def _sessions(access: Access, station: Station, since: datetime, until: datetime) -> list[Drawn]:
    rows = sessions.sessions(access).filter(station=station, started_at__lt=until)
    rows = rows.filter(Q(ended_at=None) | Q(ended_at__gt=since)).order_by("started_at")
    drawn: list[Drawn] = []
    short = until - since < timedelta(days=3)  # of a long strip nobody reads the single words
    fields = ("started_at", "ended_at", "energy_mwh", "public_id")
    for begin, ended_at, energy, public_id in rows.select_related(None).values_list(*fields)[:5000]:
        end = ended_at or until
        words = _told(_("Session, %(energy)s") % {"energy": figures.kwh(energy)}, begin, end, station) if short else ""
        drawn.append(("charging", begin, end, words, reverse("session", args=[public_id])))
    return drawn


def _incidents(rows: Iterable[Incident], station: Station, until: datetime) -> list[Drawn]:
    drawn: list[Drawn] = []
    for row in rows:
        end = row.resolved_at or until
        url = reverse("incident", args=[row.pk])
        drawn.append(("faulted", row.opened_at, end, _told(row.title, row.opened_at, end, station), url))
    return drawn


def _windows(access: Access, station: Station, since: datetime, until: datetime) -> list[Drawn]:
    covering = Q(station=station) | Q(station=None, site=None)
    if station.site_id:
        covering |= Q(station=None, site=station.site_id)
    rows = stations.windows(access).filter(covering, starts_at__lt=until, ends_at__gt=since)
    drawn: list[Drawn] = []
    for row in rows.exclude(state=WindowState.CANCELLED)[:200]:
        words = _told(row.title, row.starts_at, row.ends_at, station)
        drawn.append(("maintenance", row.starts_at, min(row.ends_at, until), words, ""))
    return drawn


# Tabs -------------------------------------------------------------------------------------------------------


def variables(station: Station, text: str) -> QuerySet[Variable]:
    rows = Variable.objects.filter(station=station)
    if text:
        found = Q(component__icontains=text) | Q(variable__icontains=text) | Q(value__icontains=text)
        rows = rows.filter(found)
    return rows.order_by("component", "component_instance", "evse", "variable", "variable_instance", "attribute")


def audit_of(access: Access, station: Station) -> QuerySet[AuditEntry]:
    rows = AuditEntry.objects.filter(organization=access.organization, object_type=Station._meta.label)
    rows = rows.select_related("organization")  # amounts are in its currency
    return rows.filter(object_id=str(station.pk)).order_by("-at", "-id")
