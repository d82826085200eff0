"""The forecast "free by" over rows: what it learns from, and what it says of ports now (`planning.freeby` computes)."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from evcms.core import clock
from evcms.core.models import Organization
from stations.models import Connector, PowerType

from .models import ChargingSession, FreeByFit, FreeBySite
from .planning.freeby import HORIZONS, Look, Model, Port, Stay
from .vocabulary import SessionState

LONGEST: Final = timedelta(days=3)  # at a port; longer is a forgotten session
STILL_W: Final = 100  # less is no charging
RESTING: Final = (SessionState.SUSPENDED_EV, SessionState.SUSPENDED_EVSE, SessionState.FINISHING)


class Spot(NamedTuple):
    """A port that somebody asks about. `free`: nothing stands in a driver's way now."""

    evse_id: int
    site_id: int
    organization_id: int
    power_type: str
    time_zone: str
    free: bool


Chances = tuple[float, ...]  # of being free, at each of HORIZONS


def kind_of(power_type: str) -> str:
    return "DC" if power_type == PowerType.DC else "AC"


def ports_of(organization: Organization, since: datetime, until: datetime) -> list[Port]:
    """Every standing port with its stays in the period. Two queries."""
    rows = Connector.objects.filter(
        archived_at=None, station__archived_at=None, station__organization=organization, station__site__isnull=False
    )
    places: dict[int, tuple[int, str, str]] = {}
    for evse, site, zone, power in rows.order_by("evse_id", "number").values_list(
        "evse_id", "station__site_id", "station__site__time_zone", "power_type"
    ):
        places.setdefault(evse, (site or 0, zone or "UTC", power))
    stays = _stays(organization, since, until)
    return [
        Port(evse, site, kind_of(power), ZoneInfo(zone), tuple(_apart(stays.get(evse, []))))
        for evse, (site, zone, power) in places.items()
    ]


def _stays(organization: Organization, since: datetime, until: datetime) -> dict[int, list[Stay]]:
    rows = ChargingSession.objects.filter(
        organization=organization, evse__isnull=False, started_at__gte=since - LONGEST, started_at__lt=until
    )
    found: dict[int, list[Stay]] = defaultdict(list)
    told = rows.order_by("started_at").values_list("evse_id", "started_at", "ended_at", "charging_seconds")
    for evse, begin, end, charging in told.iterator(chunk_size=5000):
        first = int(begin.timestamp())
        last = int(min(end or until, begin + LONGEST, until).timestamp())
        found[evse or 0].append(Stay(first, min(first + charging, last) if end else last, last))
    return found


def _apart(stays: Iterable[Stay]) -> Iterable[Stay]:
    """In order and none over another; what is left of nothing is left out."""
    reached = 0
    for begin, charged, end in stays:
        first = max(begin, reached)
        if end > first:
            yield Stay(first, max(first, charged), end)
            reached = end


# What it says now ---------------------------------------------------------------------------------------------


def forecast(spots: Iterable[Spot]) -> dict[int, Chances]:
    """EVSE id → its chances; a port of which too little is known is missing. Three queries, whatever the number."""
    rows = list(spots)
    models = _models({row.organization_id for row in rows}, {row.site_id for row in rows})
    running = _running([row.evse_id for row in rows if not row.free]) if models else {}
    found: dict[int, Chances] = {}
    for row in rows:
        model = models.get(row.organization_id)
        look = _look(row, running.get(row.evse_id))
        said = model.chances(look) if model and look else None
        if said is not None:
            found[row.evse_id] = said
    return found


def _models(organizations: set[int], sites: set[int]) -> dict[int, Model]:
    fits = FreeByFit.objects.filter(organization__in=organizations).values_list("organization_id", "tables")
    rows = list(fits)
    if not rows:
        return {}
    tables = dict(FreeBySite.objects.filter(site__in=sites).values_list("site_id", "table"))
    return {pk: Model(said["general"], tables, _knots(said["knots"])) for pk, said in rows}


def _knots(told: list[list[list[float]]]) -> list[list[tuple[float, float]]]:
    return [[(knot[0], knot[1]) for knot in knots] for knots in told]


def _running(evses: list[int]) -> dict[int, ChargingSession]:
    rows = ChargingSession.objects.filter(evse__in=evses, ended_at=None).order_by("started_at")
    return {row.evse_id: row for row in rows if row.evse_id}


def _look(spot: Spot, session: ChargingSession | None) -> Look | None:
    """None for a port that is taken by nobody we know: reserved, or a car that has not begun."""
    now = clock.now()
    wall = now.astimezone(ZoneInfo(spot.time_zone))
    hour, kind = wall.weekday() * 24 + wall.hour, kind_of(spot.power_type)
    if spot.free:
        return Look(spot.site_id, kind, False, False, 0, hour)
    if session is None or now - session.started_at > LONGEST:
        return None
    idle = session.state in RESTING or (session.power_w is not None and session.power_w < STILL_W)
    return Look(spot.site_id, kind, True, idle, int((now - session.started_at).total_seconds()), hour)


def scores(fit: FreeByFit) -> list[dict[str, Any]]:
    """As `planning.freeby.Score`, in the order of HORIZONS. Any: JSON."""
    told = {row["minutes"]: row for row in fit.scores}
    return [told[minutes] for minutes in HORIZONS if minutes in told]
