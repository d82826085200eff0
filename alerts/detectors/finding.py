"""What detectors look at, and what they give."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from alerts.rulebook import Rulebook, Setting, Spot
from alerts.vocabulary import IncidentKind
from evcms.core import clock
from stations import fleet
from stations.fleet import Standing


@dataclass(frozen=True)
class Finding:
    """Trouble that holds now. `key` makes two looks the same trouble; `since` when it began, as the rows say.

    `title` and `detail` stay the same while nothing changes for a person. Any: JSON for the incident's page.
    `symptom`: what firmware is compared by; "" when it is none of a station's firmware. `danger`: somebody may be hurt,
    so it is critical at once, whatever a rule says, and people look before any machine acts.
    """

    kind: IncidentKind
    key: str
    spot: Spot
    title: str
    since: datetime
    station_ids: tuple[int, ...] = ()
    connector_id: int | None = None
    detail: dict[str, Any] = field(default_factory=dict)
    in_maintenance: bool = False
    symptom: str = ""
    danger: bool = False


class View:
    """The network at one moment: read once a sweep, what is dear only when somebody asks."""

    def __init__(self, book: Rulebook, stations: Iterable[Standing], now: datetime) -> None:
        self.book, self.now = book, now
        self.stations = {one.id: one for one in stations}

    @classmethod
    def load(cls) -> "View":
        return cls(Rulebook.load(), fleet.standing(), clock.now())

    @cached_property
    def gateways_since(self) -> datetime | None:
        return fleet.gateways_since()

    @cached_property
    def site_zones(self) -> dict[int, str]:
        return {one.site_id: one.zone for one in self.stations.values() if one.site_id}

    @cached_property
    def organizations(self) -> list[int]:
        return sorted({one.organization_id for one in self.stations.values()})

    def spot(self, station: Standing) -> Spot:
        return Spot(station.organization_id, station.site_id, station.id, station.model, station.zone)

    def site_spot(self, organization_id: int | None, site_id: int | None) -> Spot:
        return Spot(organization_id, site_id, zone=self.site_zones.get(site_id or 0, "UTC"))

    def setting(self, kind: IncidentKind, station: Standing) -> Setting:
        return self.book.setting(kind, self.spot(station))

    def counted(
        self, kind: IncidentKind, station_id: int, span: timedelta, count: int | None = None
    ) -> Standing | None:
        """The station, when its rule counts within this span and there are enough of them."""
        station = self.stations.get(station_id)
        if station is None:
            return None
        setting = self.setting(kind, station)
        enough = count is None or count >= setting.threshold
        return station if setting.duration == span and enough else None

    def at_station(
        self, kind: IncidentKind, key: str, station: Standing, title: str, began: datetime,
        connector_id: int | None = None, symptom: str = "", danger: bool = False, **detail: Any,
    ) -> Finding:  # fmt: skip
        """Any: JSON for the incident's page."""
        return Finding(
            kind=kind,
            key=key,
            spot=self.spot(station),
            title=title,
            since=began,
            station_ids=(station.id,),
            connector_id=connector_id,
            detail=detail,
            in_maintenance=station.in_maintenance,
            symptom=symptom,
            danger=danger,
        )
