"""What the simulator must know of a station to play it, and the file that carries it (`--fleet`).

The file is JSON: `{"stations": [FleetStation, …]}`, members named as the fields below. The demo's seed writes
it, because only the seed knows passwords and the codes of the connector pages.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

PROTOCOLS = ("ocpp1.6", "ocpp2.0.1", "ocpp2.1")


class FleetError(ValueError):
    """The fleet file cannot be used; the text is a sentence for the person who wrote it."""


@dataclass(frozen=True)
class FleetConnector:
    """One plug. `number` is the 1.6 connectorId and our name for it; `evse`/`connector` are the 2.x ids."""

    number: int
    plug: str = "type2"  # type2 | ccs2 | chademo
    kind: str = "ac"  # ac | dc
    max_power_w: int = 22_000
    phases: int = 3
    evse: int = 0  # 0: the same as number
    connector: int = 1  # 2.x connectorId within the EVSE
    register_mwh: int = 0  # where its lifetime register stands; 0: somewhere plausible
    code: str = ""  # of the driver page /c/<code>; empty: nobody pays here by web

    @property
    def evse_id(self) -> int:
        return self.evse or self.number


@dataclass(frozen=True)
class FleetStation:
    """One charging station. `password` empty: no HTTP Basic (security profile 0)."""

    identity: str
    protocol: str = "ocpp1.6"
    password: str = ""
    connectors: tuple[FleetConnector, ...] = (FleetConnector(1), FleetConnector(2))
    vendor: str = "Voltmeer"
    model: str = "Duo 22"
    serial: str = ""
    firmware: str = "2.4.1"
    site: str = ""
    pattern: str = "centre"  # when drivers come: a key of `demand.PATTERNS`
    tokens: tuple[str, ...] = ()  # RFID cards that drivers tap here
    broken: str = ""  # 1.6 error code: its first connector is broken from the start
    kept_free: bool = False  # no driver of ours comes here: for a person who tries it
    security_every_s: int = 0  # it reports a security event about this often; 0: only what happens
    flap_every_s: int = 0  # its link is lost about this often, for a moment; 0: never
    reboot_every_s: int = 0  # it starts anew about this often; 0: never
    clock_skew_s: int = 0  # its clock is ahead by this
    no_energy: bool = False  # it says that it charges, and nothing flows
    refuse_remote_start: bool = False  # nobody can start there with a phone


def derived_password(identity: str, seed: int) -> str:
    """A password that both ends can work out, for load tests; 32 hex digits (1.6 allows 16 to 40)."""
    return hashlib.sha256(f"{seed}:{identity}".encode()).hexdigest()[:32]


def dump(stations: Iterable[FleetStation], path: Path) -> None:
    """Write the file for `read`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [asdict(station) for station in stations]
    path.write_text(json.dumps({"stations": rows}, indent=1) + "\n", encoding="utf-8")


def read(path: Path) -> list[FleetStation]:
    """The stations of a file; FleetError when it is missing, not JSON, or a station makes no sense."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        rows = document["stations"]
    except OSError as error:
        raise FleetError(f"The fleet file {path} cannot be read: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise FleetError(f'The fleet file {path} is not {{"stations": […]}} in JSON: {error}.') from error
    stations = [_station(row, position) for position, row in enumerate(rows, 1)]
    identities = [station.identity for station in stations]
    if len(set(identities)) != len(identities):
        raise FleetError("The fleet file names an identity twice.")
    return stations


def _station(row: dict[str, Any], position: int) -> FleetStation:
    try:
        connectors = tuple(FleetConnector(**plug) for plug in row.get("connectors", [{"number": 1}]))
        values = {**row, "connectors": connectors, "tokens": tuple(row.get("tokens", ()))}
        station = FleetStation(**values)
    except (TypeError, AttributeError) as error:
        raise FleetError(f"Station {position} of the fleet file: {error}.") from error
    if station.protocol not in PROTOCOLS:
        known = ", ".join(PROTOCOLS)
        raise FleetError(f"Station {station.identity} speaks {station.protocol!r}; known are {known}.")
    return station


def made_up(count: int, *, protocol: str = "mixed", prefix: str = "SIM-", seed: int = 1) -> list[FleetStation]:
    """`count` stations for load and trials, AC and DC mixed, with derived passwords."""
    return [_made_up(number, protocol, prefix, seed) for number in range(1, count + 1)]


def _made_up(number: int, protocol: str, prefix: str, seed: int) -> FleetStation:
    identity = f"{prefix}{number:04d}"
    fast = number % 4 == 0
    connectors = tuple(
        FleetConnector(n, "ccs2" if fast else "type2", "dc" if fast else "ac", 150_000 if fast else 22_000)
        for n in (1, 2)
    )
    return FleetStation(
        identity=identity,
        protocol=PROTOCOLS[number % 3] if protocol == "mixed" else protocol,
        password=derived_password(identity, seed),
        connectors=connectors,
        model="Rapid 150" if fast else "Duo 22",
        serial=f"VM{number:06d}",
        pattern="highway" if fast else "centre",
        tokens=(f"SIMTAG{number:04d}",),
    )


def with_passwords(stations: list[FleetStation], source: str) -> list[FleetStation]:
    """`source`: "derived" leaves the derived ones, "none" takes them away, else a file of "identity password" lines."""
    if source == "derived":
        return stations
    if source == "none":
        return [replace(station, password="") for station in stations]
    known = _read_passwords(Path(source))
    missing = [station.identity for station in stations if station.identity not in known]
    if missing:
        raise FleetError(f"The password file {source} has no line for {missing[0]} ({len(missing)} missing in all).")
    return [replace(station, password=known[station.identity]) for station in stations]


def _read_passwords(path: Path) -> dict[str, str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        rows = [line.split(maxsplit=1) for line in lines if line.strip()]
        return {row[0]: row[1] for row in rows}
    except OSError as error:
        raise FleetError(f"The password file {path} cannot be read: {error.strerror}.") from error
    except IndexError:
        raise FleetError(f'The password file {path} must have "identity password" on each line.') from None
