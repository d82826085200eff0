"""Reads about charging: who charges, how it went, how much it is used. Lists are cut to what `access` may see."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, TypedDict
from zoneinfo import ZoneInfo

from django.db.models import Max, Min, Q, QuerySet
from django.utils.translation import gettext as _
from django_stubs_ext import WithAnnotations

from evcms.core import clock
from evcms.core.access import Access
from stations import commands
from stations.models import Command, Connector, Station
from stations.queries import is_online, visible_sites
from stations.vocabulary import CommandState

from .models import (
    Attempt,
    ChargingSession,
    Discrepancy,
    Driver,
    IdToken,
    MeterSample,
    Reservation,
    SessionWatch,
    UsageHour,
)
from .vocabulary import ClosedBy, ReservationState, SessionState


class LinkColumns(TypedDict):
    online: bool


if TYPE_CHECKING:
    LinkedSessions = QuerySet[WithAnnotations[ChargingSession, LinkColumns]]
else:  # the stubs' words mean nothing at run time
    LinkedSessions = QuerySet

MOST_POINTS: Final = 400
MOST_KEYS: Final = 5_000
DAY_S: Final = 86_400
STOP_TAKES: Final = timedelta(minutes=1)


# Lists of a person ----------------------------------------------------------------------------------------------------


def sessions(access: Access) -> QuerySet[ChargingSession]:
    """The visible sessions, newest first, with everything that a list shows of them."""
    rows = ChargingSession.objects.filter(organization=access.organization)
    rows = rows if access.all_sites else rows.filter(site__in=visible_sites(access))
    return rows.select_related("site", "station", "evse", "connector__evse", "connector__station", "id_token", "driver")


def running(access: Access) -> QuerySet[ChargingSession]:
    return sessions(access).filter(ended_at=None)


def session(access: Access, public_id: str) -> ChargingSession:
    """Raises ChargingSession.DoesNotExist for what is not there or not visible."""
    return sessions(access).get(public_id=public_id)


def filtered(
    rows: QuerySet[ChargingSession],
    *,
    state: str = "",
    site: int | None = None,
    station: int | None = None,
    connector: int | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    search: str = "",
    flag: str = "",
) -> QuerySet[ChargingSession]:
    """Narrows a list. `state`: a state, or "running"; `flag`: unauthorized, estimated, incomplete or disputed; `search`
    looks in token, transaction id, station and driver.
    """
    wanted = Q()
    if state == "running":
        wanted &= Q(ended_at=None)
    elif state:
        wanted &= Q(state=state)
    for name, value in (("site", site), ("station", station), ("connector", connector)):
        if value is not None:
            wanted &= Q(**{name: value})
    if since is not None:
        wanted &= Q(started_at__gte=since)
    if until is not None:
        wanted &= Q(started_at__lt=until)
    if search:
        wanted &= _mentions(search)
    return rows.filter(wanted & FLAGS.get(flag, Q()))


FLAGS: Final = {
    "unauthorized": Q(authorized=False),
    "estimated": Q(estimated=True),
    "incomplete": Q(incomplete=True),
    "disputed": Q(pk__in=Discrepancy.objects.filter(resolved_at=None, session__isnull=False).values("session")),
}


def _mentions(text: str) -> Q:
    """Each part has an index. Of names the keys come first; cards that nobody knows are found by their beginning."""
    cards = IdToken.objects.filter(folded__contains=text.upper())
    return mentioned(text) | Q(id_token__in=_keys(cards)) | Q(public_id=text) | Q(transaction_id__iexact=text)


def mentioned(text: str) -> Q:
    """Sessions or attempts of a station, a driver or a card (as typed, in capitals or small letters). Two queries."""
    named = Station.objects.filter(Q(identity__icontains=text) | Q(name__icontains=text))
    people = Driver.objects.filter(Q(name__icontains=text) | Q(email__icontains=text))
    found = Q(station__in=_keys(named)) | Q(driver__in=_keys(people))
    for spelled in {text, text.upper(), text.lower()}:
        found |= Q(token_value__startswith=spelled)
    return found


def _keys(rows: QuerySet[Any]) -> Any:
    """Any: rows of some model; their keys, or where they are too many to be named the question itself."""
    keys = list(rows.order_by().values_list("pk", flat=True)[: MOST_KEYS + 1])
    return keys if len(keys) <= MOST_KEYS else rows.order_by().values("pk")


def tokens(access: Access) -> QuerySet[IdToken]:
    """The organization's tokens; those made for one paid start are left out."""
    rows = IdToken.objects.filter(organization=access.organization, guest=False)
    return rows.select_related("driver").order_by("value")


def drivers(access: Access) -> QuerySet[Driver]:
    return Driver.objects.filter(organization=access.organization, erased_at=None).order_by("name", "email")


def attempts(access: Access) -> QuerySet[Attempt]:
    rows = Attempt.objects.filter(organization=access.organization)
    rows = rows if access.all_sites else rows.filter(station__site__in=visible_sites(access))
    return rows.select_related("station", "connector__evse", "connector__station", "driver", "session").order_by("-at")


def reservations(access: Access) -> QuerySet[Reservation]:
    rows = Reservation.objects.filter(organization=access.organization)
    rows = rows if access.all_sites else rows.filter(station__site__in=visible_sites(access))
    return rows.select_related("station", "connector__evse", "connector__station").order_by("-created_at")


def discrepancies(access: Access, *, decided: bool = False) -> QuerySet[Discrepancy]:
    """What does not add up and waits for somebody's look, newest first. `decided`: and what somebody has looked at."""
    rows = Discrepancy.objects.filter(station__organization=access.organization)
    rows = rows if decided else rows.filter(resolved_at=None)
    rows = rows if access.all_sites else rows.filter(station__site__in=visible_sites(access))
    return rows.select_related("station", "session").order_by("-at")


# One session ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Point:
    """One moment of a session's curve; energy since its start."""

    at: datetime
    energy_mwh: int | None
    power_w: int | None
    soc_percent: int | None


def curve(session: ChargingSession, most: int = MOST_POINTS) -> list[Point]:
    """Power and energy over time, thinned to about `most` points: of a stretch the highest power, the last energy."""
    rows = MeterSample.objects.filter(session=session, quarantined=False).order_by("at")
    values = list(rows.values_list("at", "energy_mwh", "power_w", "soc_percent"))
    start = session.meter_start_mwh or 0
    points = [
        Point(at, None if register is None else max(register - start, 0), power, soc)
        for at, register, power, soc in values
    ]
    step = max(1, -(-len(points) // most))
    return [_thinned(points[index : index + step]) for index in range(0, len(points), step)]


def _thinned(points: Sequence[Point]) -> Point:
    if len(points) == 1:
        return points[0]
    energies = [point.energy_mwh for point in points if point.energy_mwh is not None]
    powers = [point.power_w for point in points if point.power_w is not None]
    states = [point.soc_percent for point in points if point.soc_percent is not None]
    return Point(
        points[-1].at,
        energies[-1] if energies else None,
        max(powers, default=None),
        states[-1] if states else None,
    )


@dataclass(frozen=True)
class Moment:
    """A line of a session's time-line; `kind` names its icon."""

    at: datetime
    kind: str
    text: str
    detail: str = ""


def timeline(session: ChargingSession) -> list[Moment]:
    """What happened to a session, in order; money is the room above's to add."""
    moments = [Moment(session.started_at, "start", _("Session started"), session.token_value)]
    attempt = session.attempt
    if attempt is not None and attempt.command_id is not None:
        moments.append(Moment(attempt.at, "request", _("Start requested"), attempt.get_kind_display()))
    moments += [
        Moment(row.at, "warning", row.get_kind_display(), str(row.detail.get("why", "")))
        for row in session.discrepancies.all()
    ]
    moments += [
        Moment(row.reached_at or session.started_at, "watch", _("Limit reached"), row.reason)
        for row in SessionWatch.objects.filter(session=session, reached_at__isnull=False)
    ]
    if session.ended_at is not None:
        by = session.get_closed_by_display() if session.closed_by else ""
        by = _("corrected by hand") if session.closed_by == ClosedBy.OPERATOR else by
        moments.append(Moment(session.ended_at, "end", _("Session ended"), session.stop_reason or by))
    return sorted(moments, key=lambda moment: moment.at)


def samples(session: ChargingSession) -> QuerySet[MeterSample]:
    return MeterSample.objects.filter(session=session).order_by("at", "kind")


def at_connector(connector: Connector) -> ChargingSession | None:
    """The session that runs there now."""
    rows = ChargingSession.objects.filter(connector=connector, ended_at=None)
    return rows.select_related("attempt", "id_token").order_by("-started_at").first()


def charging_at(station: Station) -> int:
    """How many cars charge at the station."""
    return ChargingSession.objects.filter(station=station, ended_at=None, authorized=True).count()


def at_other_cable(connector: Connector) -> bool:
    """Does somebody charge at another connector of this one's EVSE, which serves one at a time?"""
    rows = ChargingSession.objects.filter(evse_id=connector.evse_id, ended_at=None, authorized=True)
    return rows.exclude(connector=connector).exists()


def stop_asked(session: ChargingSession) -> bool:
    """Has the station been asked lately to end it, and not said no?"""
    asked = Command.objects.filter(
        station_id=session.station_id, kind=commands.StopCharging.__name__, created_at__gt=clock.now() - STOP_TAKES,
        state__in=[CommandState.QUEUED, CommandState.SENT, CommandState.ACCEPTED],
    )  # fmt: skip
    return session.ended_at is None and asked.filter(fields__transaction_id=session.transaction_id).exists()


def reserved() -> tuple[set[int], set[int]]:
    """(connector ids, ids of stations reserved as a whole) of all reservations that stand. One query."""
    rows = Reservation.objects.filter(state=ReservationState.ACTIVE, expires_at__gt=clock.now())
    pairs = list(rows.values_list("connector_id", "station_id"))
    return {connector for connector, _ in pairs if connector}, {
        station for connector, station in pairs if not connector
    }


# The network ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Now:
    """What flows at this moment. `unheard`: of the sessions those whose station has no link; what they take now nobody
    knows, so `power_w` is without them.
    """

    sessions: int
    power_w: int
    unheard: int = 0


def now(access: Access) -> Now:
    rows = running(access).order_by().select_related(None)
    told = list(with_links(rows).values_list("power_w", "online"))
    heard = [power for power, online in told if online]
    return Now(len(told), sum(power for power in heard if power and power > 0), len(told) - len(heard))


def with_links(rows: QuerySet[ChargingSession]) -> LinkedSessions:
    """With `online`: has the session's station a live link? Without one its power is the last known."""
    return rows.annotate(online=is_online("station__"))


def usage(access: Access) -> QuerySet[UsageHour]:
    rows = UsageHour.objects.filter(evse__station__organization=access.organization)
    return rows if access.all_sites else rows.filter(evse__station__site__in=visible_sites(access))


def day_bounds(day: date, zone: str) -> tuple[datetime, datetime]:
    """A local day in true time: 23 or 25 hours where the clocks change."""
    tz = ZoneInfo(zone)
    begin = datetime(day.year, day.month, day.day, tzinfo=tz)
    following = day + timedelta(days=1)
    return begin, datetime(following.year, following.month, following.day, tzinfo=tz)


def span(access: Access) -> tuple[datetime | None, datetime | None]:
    """From when to when there is usage at all: what a date filter may offer."""
    found = usage(access).aggregate(first=Min("hour"), last=Max("hour"))
    return found["first"], found["last"]


def somebody_charges(station_id: int) -> bool:
    """Is a session under way there that a restart would end? One that only waits for the plug to be taken is not."""
    rows = ChargingSession.objects.filter(station=station_id, ended_at=None)
    return rows.exclude(state=SessionState.FINISHING).exists()
