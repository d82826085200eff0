"""The shapes of the invented past: plain frozen rows that a seed can load in bulk. Times are aware, in UTC.

Energy is in mWh as the charger's lifetime register shows it, power in W, SoC in permille.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from evcms.simulator.city import City
from evcms.simulator.demand import Truth


class PastSample(NamedTuple):
    """One reading. The first of a session equals its start, the last its end."""

    at: datetime
    energy_mwh: int
    power_w: int
    soc_permille: int | None  # only a DC charger knows it
    offered_w: int


@dataclass(frozen=True, slots=True)
class GuestPayment:
    """Somebody who scanned the code and paid with a card."""

    email: str
    brand: str
    last4: str


@dataclass(frozen=True, slots=True)
class PastSession:
    """One charging session. Exactly one of `token` and `guest` is set.

    `plugged_at` is when the cable went in, `charged_until` when the power last flowed; from then to `end` the
    car only stood there. `replayed_at` is set when the station was offline and told later. `stop_reason` is
    OCPP's word.
    """

    site: str
    station: str
    evse: int
    connector: int  # FleetConnector.number
    transaction_id: str
    token: str
    guest: GuestPayment | None
    car: str
    plugged_at: datetime
    start: datetime
    charged_until: datetime
    end: datetime
    meter_start_mwh: int
    meter_stop_mwh: int
    stop_reason: str
    replayed_at: datetime | None
    samples: tuple[PastSample, ...]

    @property
    def energy_mwh(self) -> int:
        return self.meter_stop_mwh - self.meter_start_mwh


@dataclass(frozen=True, slots=True)
class PastOutage:
    """`kind`: "fault" of one connector (`code`: the 1.6 error code), "offline", "maintenance": of all."""

    kind: str
    site: str
    station: str
    connector: int | None
    code: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class PastAttempt:
    """Somebody who wanted to charge and did not. (A session is a successful attempt and has no row here.)

    `cause`: full (nothing free, drove on), connector_fault, station_offline, token_refused, payment_declined,
    cable_not_connected, remote_start_rejected. `retried`: they tried again, and a session followed.
    """

    at: datetime
    site: str
    station: str | None
    connector: int | None
    channel: str  # rfid | guest
    token: str
    cause: str
    retried: bool


class PastStatus(NamedTuple):
    """What the connector reported: available, preparing, charging, suspended_ev, faulted, unavailable."""

    at: datetime
    station: str
    connector: int
    status: str
    error_code: str


@dataclass(frozen=True)
class History:
    """Everything that happened from `first` to `last`, in order of its start."""

    city: City
    truth: Truth
    first: datetime
    last: datetime
    sessions: tuple[PastSession, ...]
    outages: tuple[PastOutage, ...]
    attempts: tuple[PastAttempt, ...]

    def statuses(self) -> list[PastStatus]:
        """Each connector's story, in order of time; it begins with `available` at `first`."""
        return sorted([*self._opening(), *self._of_sessions(), *self._of_outages()])

    def _opening(self) -> Iterator[PastStatus]:
        for station in self.city.stations:
            for plug in station.connectors:
                yield PastStatus(self.first, station.identity, plug.number, "available", "NoError")

    def _of_sessions(self) -> Iterator[PastStatus]:
        for session in self.sessions:
            where = session.station, session.connector
            yield PastStatus(session.plugged_at, *where, "preparing", "NoError")
            yield PastStatus(session.start, *where, "charging", "NoError")
            if session.charged_until < session.end:
                yield PastStatus(session.charged_until, *where, "suspended_ev", "NoError")
            if session.stop_reason != "Other":  # else the fault's own status follows at the same moment
                yield PastStatus(session.end, *where, "available", "NoError")

    def _of_outages(self) -> Iterator[PastStatus]:
        plugs = {station.identity: [plug.number for plug in station.connectors] for station in self.city.stations}
        for outage in self.outages:
            if outage.kind == "offline":
                continue
            status = "faulted" if outage.kind == "fault" else "unavailable"
            for number in plugs[outage.station] if outage.connector is None else [outage.connector]:
                yield PastStatus(outage.start, outage.station, number, status, outage.code or "NoError")
                yield PastStatus(outage.end, outage.station, number, "available", "NoError")
