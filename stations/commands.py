"""What we can tell a charger, in our words. `evcms/ocpp/v*/` know how each version spells it (COMMANDS tables).

A version without a command answers "unsupported": a normal result. Instances go through JSON (`as_json`, `from_json`)
into the Command row and back.
"""

import dataclasses
import enum
from datetime import datetime
from typing import Any


class ResetKind(enum.StrEnum):
    SOFT = "soft"  # 1.6 Soft, 2.x OnIdle
    HARD = "hard"  # 1.6 Hard, 2.x Immediate


class Availability(enum.StrEnum):
    OPERATIVE = "operative"
    INOPERATIVE = "inoperative"


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
    """TriggerMessage: `message` in the specification's spelling, e.g. StatusNotification."""

    message: str
    evse: int | None = None
    connector: int | None = None


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
    | RawCall
)
KINDS: dict[str, type] = {cls.__name__: cls for cls in Command.__args__}


def as_json(command: Command) -> dict[str, Any]:
    """The fields as JSON values (datetimes as ISO 8601)."""
    values = dataclasses.asdict(command)
    return {key: value.isoformat() if isinstance(value, datetime) else value for key, value in values.items()}


def from_json(kind: str, fields: dict[str, Any]) -> Command:
    """The command of a stored row. Raises KeyError for an unknown kind, TypeError or ValueError for wrong fields."""
    cls = KINDS[kind]
    known = [field.name for field in dataclasses.fields(cls) if field.name in fields]
    return cls(**{name: _revive(name, fields[name]) for name in known})  # type: ignore[no-any-return]


def _revive(name: str, value: Any) -> Any:
    """JSON has no tuples, enums or times."""
    match name:
        case "expires_at":
            return datetime.fromisoformat(value)
        case "kind":
            return ResetKind(value)
        case "availability":
            return Availability(value)
        case "keys":
            return tuple(value)
        case "values":
            return tuple((str(key), str(text)) for key, text in value)
        case _:
            return value
