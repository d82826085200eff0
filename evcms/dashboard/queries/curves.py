"""The power of each plug of a station: the session that runs there, else the last one."""

from dataclasses import dataclass
from typing import Any

from django.db.models import OuterRef, Subquery

from evcms.core.access import Access
from sessions import queries as sessions
from sessions.models import ChargingSession
from stations import queries as stations
from stations.models import Connector, Station

from . import charges


@dataclass(frozen=True)
class Curve:
    """`chart`: for static/evcms/chart.js, None without readings. Any: JSON."""

    connector: Connector
    session: ChargingSession | None
    chart: dict[str, Any] | None

    @property
    def running(self) -> bool:
        return self.session is not None and self.session.ended_at is None

    @property
    def source(self) -> str:
        return f"curve-{self.connector.pk}"


def curves(access: Access, station: Station, zone: str) -> list[Curve]:
    """Three queries."""
    newest = sessions.sessions(access).filter(connector=OuterRef("pk")).order_by("-started_at", "-pk")
    plugs = stations.connectors(access).filter(station=station).order_by("evse__number", "number")
    plugs = plugs.annotate(newest=Subquery(newest.values("pk")[:1]))
    found = sessions.sessions(access).in_bulk([plug.newest for plug in plugs if plug.newest])
    readings = charges.readings_of(found.values())
    return [_curve(plug, found.get(plug.newest), readings, zone) for plug in plugs]


def _curve(
    plug: Connector, session: ChargingSession | None, readings: dict[int, list[charges.Reading]], zone: str
) -> Curve:
    if session is None:
        return Curve(plug, None, None)
    return Curve(plug, session, charges.chart(session, readings[session.pk], charges.NO_MONEY, zone, events=False))
