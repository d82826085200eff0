"""What connectors reported in the past, as StatusChange rows, and the links over which they did."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from evcms.demo.charging import Place
from evcms.demo.moments import LIVE_END
from evcms.simulator.past import History, PastSession
from stations.models import Connection, Connector, Gateway, Station, StatusChange
from stations.vocabulary import ConnectorStatus

RANKS = {"preparing": 0, "charging": 1, "suspended_ev": 2, "finishing": 3}  # of one moment; the others come last


@dataclass(frozen=True, order=True)
class Said:
    """One report; sorted as it reached us."""

    heard: datetime
    at: datetime
    rank: int
    status: str
    code: str = ""


@dataclass
class Statuses:
    """The changes of all connectors up to `until`; `last` is where each stands then."""

    places: dict[tuple[str, int], Place]
    until: datetime
    changes: list[StatusChange] = field(default_factory=list)
    last: dict[int, StatusChange] = field(default_factory=dict)

    def add(self, history: History, sessions: Iterable[PastSession]) -> None:
        said: dict[tuple[str, int], list[Said]] = defaultdict(list)
        for past in history.statuses():
            key = (past.station, past.connector)
            if past.at < self.until and key in self.places:
                said[key].append(self._report(key, past.at, past.status, past.error_code))
        for key, at in self._endings(sessions):
            said[key].append(self._report(key, at, "finishing", ""))
        for key, reports in said.items():
            self._hear(self.places[key].connector, sorted(reports))
        self.changes.sort(key=lambda change: change.received_at)

    def _report(self, key: tuple[str, int], at: datetime, status: str, code: str) -> Said:
        """OCPP 2.x has no error codes in its StatusNotification."""
        place = self.places[key]
        code = "" if code == "NoError" or place.counts_events else code
        return Said(place.ears.heard(at), at, RANKS.get(status, 4), status, code)

    def _endings(self, sessions: Iterable[PastSession]) -> Iterator[tuple[tuple[str, int], datetime]]:
        """OCPP 2.x leaves it to the session, which says so when it ends while we listen."""
        for past in sessions:
            key = (past.station, past.connector)
            ears = self.places[key].ears
            if not self.places[key].counts_events:
                continue
            if ears.heard(past.start) == past.start and ears.heard(past.end) - past.end <= LIVE_END:
                yield key, past.end

    def _hear(self, connector: Connector, reports: list[Said]) -> None:
        """As stations.services: a repeat is no change."""
        for said in reports:
            last = self.last.get(connector.pk)
            if last and (last.status, last.error_code) == (said.status, said.code):
                continue
            change = StatusChange(
                station_id=connector.station_id,
                connector_id=connector.pk,
                status=ConnectorStatus(said.status),
                error_code=said.code,
                at=said.at,
                happened_at=said.at,
                received_at=said.heard,
            )
            self.changes.append(change)
            self.last[connector.pk] = change

    def leave(self) -> None:
        """The connectors' own rows, as the last report left them."""
        for connector_id, change in self.last.items():
            Connector.objects.filter(pk=connector_id).update(
                status=change.status, status_at=change.at, error_code=change.error_code
            )


def link(stations: dict[str, Station], places: dict[tuple[str, int], Place], first: datetime, last: datetime) -> None:
    """One gateway that ran all the time, and every station's connections to it; all are closed by `last`."""
    gateway = Gateway.objects.create(
        pk=uuid.uuid4(), host="demo-past", pid=1, started_at=first, lease_until=last, ended_at=last
    )
    rows: list[Connection] = []
    for (identity, number), place in places.items():
        if number == 1:
            rows += _links(stations[identity], place, gateway, first, last)
    Connection.objects.bulk_create(sorted(rows, key=lambda row: row.opened_at))
    for identity, station in stations.items():
        Station.objects.filter(pk=station.pk).update(
            last_boot_at=first, last_seen_at=last, offline_since=last, clock_skew_ms=0,
            protocol=places[(identity, 1)].protocol,
        )  # fmt: skip


def _links(station: Station, place: Place, gateway: Gateway, first: datetime, last: datetime) -> Iterator[Connection]:
    for since, until in place.ears.links(first, last):
        yield Connection(
            station=station,
            gateway=gateway,
            opened_at=since,
            closed_at=until,
            close_reason="the gateway stopped" if until == last else "no answer to a ping",
            protocol=place.protocol,
            address="127.0.0.1",
        )
