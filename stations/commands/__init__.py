"""What we can tell a charger, in our words. `evcms/ocpp/v*/` know how each version spells it (COMMANDS tables).

A version without a command answers "unsupported": a normal result. Instances go through JSON (`as_json`, `from_json`)
into the Command row and back.
"""

import dataclasses
import enum
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

from stations.reports import LogKind, MonitorType

from . import prices, upkeep

ChangeTransactionTariff = prices.ChangeTransactionTariff
ClearTariffs = prices.ClearTariffs
GetTariffs = prices.GetTariffs
SetDefaultTariff = prices.SetDefaultTariff
ShowCost = prices.ShowCost
ShowPrice = prices.ShowPrice
WebPaymentStarted = prices.WebPaymentStarted
ClearMonitors = upkeep.ClearMonitors
GetLog = upkeep.GetLog
GetMonitors = upkeep.GetMonitors
PublishFirmware = upkeep.PublishFirmware
SetMonitoringBase = upkeep.SetMonitoringBase
SetMonitoringLevel = upkeep.SetMonitoringLevel
SetMonitors = upkeep.SetMonitors
UnpublishFirmware = upkeep.UnpublishFirmware
UpdateFirmware = upkeep.UpdateFirmware
WatchFor = upkeep.WatchFor


class ResetKind(enum.StrEnum):
    SOFT = "soft"  # 1.6 Soft, 2.x OnIdle
    HARD = "hard"  # 1.6 Hard, 2.x Immediate


class Availability(enum.StrEnum):
    OPERATIVE = "operative"
    INOPERATIVE = "inoperative"


class ProfilePurpose(enum.StrEnum):
    TX = "tx"  # of one session
    TX_DEFAULT = "tx_default"  # of sessions that have none of their own
    STATION_MAX = "station_max"  # bounds the station as a whole


class ProfileKind(enum.StrEnum):
    ABSOLUTE = "absolute"
    RELATIVE = "relative"  # from the session's start
    DAILY = "daily"
    WEEKLY = "weekly"


class RateUnit(enum.StrEnum):
    WATT = "W"
    AMPERE = "A"  # per phase


class Limit(NamedTuple):
    """From `start_s` seconds after the schedule's start at most `limit` (in the profile's unit)."""

    start_s: int
    limit: Decimal
    phases: int | None = None


@dataclasses.dataclass(frozen=True)
class StartCharging:
    """RemoteStartTransaction / RequestStartTransaction. `remote_start_id` joins command, attempt and session."""

    id_token: str
    remote_start_id: int
    evse: int | None = None
    token_type: str = "Central"  # noqa: S105 (a kind of token, no secret)


@dataclasses.dataclass(frozen=True)
class StopCharging:
    """RemoteStopTransaction / RequestStopTransaction, by the station's transaction id."""

    transaction_id: str


@dataclasses.dataclass(frozen=True)
class Reset:
    kind: ResetKind = ResetKind.SOFT
    evse: int | None = None  # 2.x only


@dataclasses.dataclass(frozen=True)
class Unlock:
    evse: int
    connector: int = 1


@dataclasses.dataclass(frozen=True)
class ChangeAvailability:
    """Without evse the whole station. The answer may be Scheduled (accepted) while charging."""

    availability: Availability
    evse: int | None = None
    connector: int | None = None


@dataclasses.dataclass(frozen=True)
class Trigger:
    """TriggerMessage: `message` in the specification's spelling, e.g. StatusNotification.

    1.6: messages that only the security extension knows, and all if `extended`, go by its ExtendedTriggerMessage.
    """

    message: str
    evse: int | None = None
    connector: int | None = None
    extended: bool = False


@dataclasses.dataclass(frozen=True)
class GetVariables:
    """1.6 GetConfiguration (keys; none = all) and 2.x GetVariables.

    2.x keys are spelled "Component.Variable" or "Component/instance.Variable".
    With no keys, 2.x sends GetBaseReport(FullInventory) instead.
    """

    keys: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class SetVariables:
    """1.6 ChangeConfiguration (exactly one pair a message) and 2.x SetVariables; keys spelled as in GetVariables."""

    values: tuple[tuple[str, str], ...]


@dataclasses.dataclass(frozen=True)
class ClearCache:
    pass


@dataclasses.dataclass(frozen=True)
class ReserveNow:
    reservation_id: int
    id_token: str
    expires_at: datetime
    evse: int | None = None
    connector: int | None = None
    group_id: str = ""
    token_type: str = "Central"  # noqa: S105 (a kind of token, no secret)


@dataclasses.dataclass(frozen=True)
class CancelReservation:
    reservation_id: int


@dataclasses.dataclass(frozen=True)
class SendData:
    """DataTransfer to the station."""

    vendor_id: str
    message_id: str = ""
    data: str = ""


@dataclasses.dataclass(frozen=True)
class GetTransactionStatus:
    """2.x only: is it still running, are messages queued?"""

    transaction_id: str


@dataclasses.dataclass(frozen=True)
class SetChargingProfile:
    """A limit of power or current. 1.6 and 2.0.1 carry one decimal of a limit: the rest is cut, never rounded up.

    `evse` 0: the station as a whole. `starts_at`: when period 0 begins (absolute, daily and weekly schedules).
    """

    profile_id: int
    evse: int
    purpose: ProfilePurpose
    periods: tuple[Limit, ...]
    stack_level: int = 0
    kind: ProfileKind = ProfileKind.ABSOLUTE
    unit: RateUnit = RateUnit.WATT
    transaction_id: str = ""
    starts_at: datetime | None = None
    duration: int | None = None  # seconds; without it the last period holds until the end
    valid_from: datetime | None = None
    valid_to: datetime | None = None


@dataclasses.dataclass(frozen=True)
class ClearChargingProfile:
    """By id, or whatever fits the rest; without anything all of them."""

    profile_id: int | None = None
    evse: int | None = None
    purpose: ProfilePurpose | None = None
    stack_level: int | None = None


@dataclasses.dataclass(frozen=True)
class GetChargingProfiles:
    """2.x only: the station tells its profiles in ReportChargingProfiles. Without anything all of them."""

    request_id: int
    profile_ids: tuple[int, ...] = ()
    evse: int | None = None
    purpose: ProfilePurpose | None = None


@dataclasses.dataclass(frozen=True)
class GetCompositeSchedule:
    """What the station makes of all its profiles, for the next `duration` seconds."""

    evse: int
    duration: int
    unit: RateUnit | None = None


@dataclasses.dataclass(frozen=True)
class AllowEnergyTransfer:
    """2.1 only: which ways of energy transfer a session may use, in the specification's spelling (AC_three_phase …)."""

    transaction_id: str
    kinds: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class RawCall:
    """Any action of the station's version, forwarded as asked (schema-checked, not judged)."""

    action: str
    payload: dict[str, Any]  # Any: JSON


Command = (
    StartCharging
    | StopCharging
    | Reset
    | Unlock
    | ChangeAvailability
    | Trigger
    | GetVariables
    | SetVariables
    | ClearCache
    | ReserveNow
    | CancelReservation
    | SendData
    | GetTransactionStatus
    | SetChargingProfile
    | ClearChargingProfile
    | GetChargingProfiles
    | GetCompositeSchedule
    | ShowCost
    | ShowPrice
    | WebPaymentStarted
    | AllowEnergyTransfer
    | SetDefaultTariff
    | ChangeTransactionTariff
    | GetTariffs
    | ClearTariffs
    | UpdateFirmware
    | PublishFirmware
    | UnpublishFirmware
    | GetLog
    | SetMonitors
    | ClearMonitors
    | GetMonitors
    | SetMonitoringBase
    | SetMonitoringLevel
    | RawCall
)
FLEETING: Final = ("ShowCost", "ShowPrice")  # of a moment's worth: no list shows them, a day later they are gone
KINDS: dict[str, type] = {cls.__name__: cls for cls in Command.__args__}


def as_json(command: Command) -> dict[str, Any]:
    """The fields as JSON values: times as ISO 8601, decimals as text."""
    return {name: _plain(value) for name, value in dataclasses.asdict(command).items()}


def _plain(value: Any) -> Any:
    """Any: a field's value in, JSON out."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def from_json(kind: str, fields: dict[str, Any]) -> Command:
    """The command of a stored row. Raises KeyError for an unknown kind, TypeError or ValueError for wrong fields."""
    cls = KINDS[kind]
    known = [field for field in dataclasses.fields(cls) if field.name in fields]
    return cls(**{field.name: _revive(field.type, fields[field.name]) for field in known})  # type: ignore[no-any-return]


def _revive(kind: Any, value: Any) -> Any:
    """JSON has no tuples, enums, decimals or times. Any: a field's type, and JSON."""
    reviver = _REVIVERS.get(kind)
    return value if reviver is None or value is None else reviver(value)


def _limits(rows: Any) -> tuple[Limit, ...]:
    """Any: JSON."""
    return tuple(Limit(int(start), Decimal(limit), phases) for start, limit, phases in rows)


def _watches(rows: Any) -> tuple[WatchFor, ...]:
    """Any: JSON."""
    return tuple(
        WatchFor(str(part), MonitorType(kind), _decimal(value), int(severity), bool(transaction), monitor_id)
        for part, kind, value, severity, transaction, monitor_id in rows
    )


def _decimal(text: Any) -> Decimal:
    """Any: JSON. ValueError for what is no number."""
    try:
        return Decimal(text)
    except ArithmeticError:
        raise ValueError(f"{text!r} is no number") from None


_REVIVERS: Final[dict[Any, Callable[[Any], Any]]] = {  # Any: types as fields are annotated, JSON
    datetime: datetime.fromisoformat,
    datetime | None: datetime.fromisoformat,
    Decimal: _decimal,
    Decimal | None: _decimal,
    ResetKind: ResetKind,
    Availability: Availability,
    ProfilePurpose: ProfilePurpose,
    ProfilePurpose | None: ProfilePurpose,
    ProfileKind: ProfileKind,
    RateUnit: RateUnit,
    RateUnit | None: RateUnit,
    tuple[str, ...]: tuple,
    tuple[int, ...]: tuple,
    tuple[Limit, ...]: _limits,
    tuple[WatchFor, ...]: _watches,
    LogKind: LogKind,
    tuple[tuple[str, str], ...]: lambda rows: tuple((str(key), str(text)) for key, text in rows),
}
