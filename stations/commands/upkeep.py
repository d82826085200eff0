"""Firmware, logs and monitors."""

import dataclasses
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from stations.reports import LogKind, MonitorType


@dataclasses.dataclass(frozen=True)
class UpdateFirmware:
    """The station fetches a firmware and installs it. With a signature 1.6 says SignedUpdateFirmware.

    `file_id`: a FirmwareFile of the station's organization, which then says what the other fields leave open.
    """

    request_id: int
    location: str = ""
    file_id: int | None = None
    version: str = ""
    retrieve_at: datetime | None = None  # at once
    install_at: datetime | None = None  # when it is there
    retries: int | None = None
    retry_interval: int | None = None  # seconds
    signature: str = ""
    certificate: str = ""


@dataclasses.dataclass(frozen=True)
class PublishFirmware:
    """2.x only: a local controller fetches a firmware and keeps it for the stations behind it. `checksum`: MD5."""

    request_id: int
    location: str = ""
    checksum: str = ""
    file_id: int | None = None
    version: str = ""
    retries: int | None = None
    retry_interval: int | None = None


@dataclasses.dataclass(frozen=True)
class UnpublishFirmware:
    """2.x only."""

    checksum: str


@dataclasses.dataclass(frozen=True)
class GetLog:
    """The station sends a log file. Without `location` to our own door, by a link that works once.

    1.6 says GetDiagnostics for its diagnostics, the security extension GetLog for any; `extended` asks for the latter.
    """

    request_id: int
    kind: LogKind = LogKind.DIAGNOSTICS
    location: str = ""
    oldest: datetime | None = None
    latest: datetime | None = None
    retries: int | None = None
    retry_interval: int | None = None
    extended: bool = False


class WatchFor(NamedTuple):
    """One monitor to set: `part` spelled as in GetVariables; with an id it replaces that one."""

    part: str
    type: MonitorType
    value: Decimal
    severity: int = 5
    transaction: bool = False  # only while a session runs
    monitor_id: int | None = None


@dataclasses.dataclass(frozen=True)
class SetMonitors:
    """2.x SetVariableMonitoring."""

    monitors: tuple[WatchFor, ...]


@dataclasses.dataclass(frozen=True)
class ClearMonitors:
    """2.x ClearVariableMonitoring."""

    monitor_ids: tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class GetMonitors:
    """2.x GetMonitoringReport: they come in NotifyMonitoringReport. Without parts and criteria all of them."""

    request_id: int
    parts: tuple[str, ...] = ()  # spelled as in GetVariables; without a variable all of the component
    criteria: tuple[str, ...] = ()  # of MONITORING_CRITERIA


@dataclasses.dataclass(frozen=True)
class SetMonitoringBase:
    """2.x: which monitors hold, in the specification's spelling: All, FactoryDefault, HardWiredOnly."""

    base: str


@dataclasses.dataclass(frozen=True)
class SetMonitoringLevel:
    """2.x: events of this severity (0, the worst, to 9) and worse are reported."""

    severity: int
