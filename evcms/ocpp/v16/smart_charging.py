"""OCPP 1.6: 5.16 SetChargingProfile, 5.5 ClearChargingProfile, 5.7 GetCompositeSchedule."""

from decimal import ROUND_DOWN, Decimal
from typing import Final

from evcms.ocpp import errors
from evcms.ocpp.charger import Call, CommandCodec, Payload
from evcms.ocpp.readings import format_time
from stations import commands
from stations.commands import ProfileKind, ProfilePurpose

from . import words

PURPOSES: Final = {  # 7.11 ChargingProfilePurposeType
    ProfilePurpose.TX: "TxProfile",
    ProfilePurpose.TX_DEFAULT: "TxDefaultProfile",
    ProfilePurpose.STATION_MAX: "ChargePointMaxProfile",
}
KINDS: Final = {  # 7.10 ChargingProfileKindType, 7.38 RecurrencyKindType
    ProfileKind.ABSOLUTE: ("Absolute", ""),
    ProfileKind.RELATIVE: ("Relative", ""),
    ProfileKind.DAILY: ("Recurring", "Daily"),
    ProfileKind.WEEKLY: ("Recurring", "Weekly"),
}
TENTH: Final = Decimal("0.1")


def limit(value: Decimal) -> Decimal:
    """7.14: accepts at most one decimal; what is beyond is cut, so that a limit never grows (8.15 → 8.1)."""
    return value.quantize(TENTH, ROUND_DOWN)


def _period(row: commands.Limit) -> Payload:
    """7.14 ChargingSchedulePeriod."""
    period: Payload = {"startPeriod": row.start_s, "limit": limit(row.limit)}
    return period if row.phases is None else period | {"numberPhases": row.phases}


def _schedule(command: commands.SetChargingProfile) -> Payload:
    """7.13 ChargingSchedule."""
    schedule: Payload = {
        "chargingRateUnit": command.unit.value,
        "chargingSchedulePeriod": [_period(row) for row in command.periods],
    }
    if command.duration is not None:
        schedule["duration"] = command.duration
    if command.starts_at is not None:
        schedule["startSchedule"] = format_time(command.starts_at)
    return schedule


def profile(command: commands.SetChargingProfile) -> Payload:
    """7.8 ChargingProfile."""
    kind, recurrency = KINDS[command.kind]
    body: Payload = {
        "chargingProfileId": command.profile_id,
        "stackLevel": command.stack_level,
        "chargingProfilePurpose": PURPOSES[command.purpose],
        "chargingProfileKind": kind,
        "chargingSchedule": _schedule(command),
    }
    if recurrency:
        body["recurrencyKind"] = recurrency
    if command.transaction_id:
        body["transactionId"] = _number(command.transaction_id)
    for name, moment in (("validFrom", command.valid_from), ("validTo", command.valid_to)):
        if moment is not None:
            body[name] = format_time(moment)
    return body


def _number(transaction_id: str) -> int:
    try:
        return int(transaction_id)
    except ValueError:
        raise errors.PropertyConstraintViolation("OCPP 1.6 transactions have numbers") from None


def _set(command: commands.SetChargingProfile) -> Call:
    return Call("SetChargingProfile", {"connectorId": command.evse, "csChargingProfiles": profile(command)})


def _clear(command: commands.ClearChargingProfile) -> Call:
    wanted = {
        "id": command.profile_id,
        "connectorId": command.evse,
        "chargingProfilePurpose": PURPOSES[command.purpose] if command.purpose else None,
        "stackLevel": command.stack_level,
    }
    return Call("ClearChargingProfile", {name: value for name, value in wanted.items() if value is not None})


def _composite(command: commands.GetCompositeSchedule) -> Call:
    payload: Payload = {"connectorId": command.evse, "duration": command.duration}
    if command.unit is not None:
        payload["chargingRateUnit"] = command.unit.value
    return Call("GetCompositeSchedule", payload)


COMMANDS = {
    commands.SetChargingProfile: CommandCodec(_set, words.answer),
    commands.ClearChargingProfile: CommandCodec(_clear, words.answer),
    commands.GetCompositeSchedule: CommandCodec(_composite, words.answer),
}
