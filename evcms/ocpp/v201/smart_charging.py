"""OCPP 2.x, K: charging profiles, limits that others set, what the car needs."""

from collections.abc import Callable
from decimal import ROUND_DOWN, Decimal
from typing import Final

from evcms.ocpp.charger import Call, Charger, CommandCodec, Payload
from evcms.ocpp.readings import format_time
from stations import commands
from stations.commands import ProfileKind, ProfilePurpose

from . import words

PURPOSES: Final = {  # ChargingProfilePurposeEnumType
    ProfilePurpose.TX: "TxProfile",
    ProfilePurpose.TX_DEFAULT: "TxDefaultProfile",
    ProfilePurpose.STATION_MAX: "ChargingStationMaxProfile",
}
KINDS: Final = {  # ChargingProfileKindEnumType, RecurrencyKindEnumType
    ProfileKind.ABSOLUTE: ("Absolute", ""),
    ProfileKind.RELATIVE: ("Relative", ""),
    ProfileKind.DAILY: ("Recurring", "Daily"),
    ProfileKind.WEEKLY: ("Recurring", "Weekly"),
}
TENTH: Final = Decimal("0.1")


def tenths(value: Decimal) -> Decimal:
    """ChargingSchedulePeriodType of 2.0.1: at most one decimal; the rest is cut, so that a limit never grows."""
    return value.quantize(TENTH, ROUND_DOWN)


def exactly(value: Decimal) -> Decimal:
    """2.1 sets no such bound."""
    return value


def _schedule(command: commands.SetChargingProfile, limit: Callable[[Decimal], Decimal]) -> Payload:
    """ChargingScheduleType. Its id is the profile's: we send one schedule a profile."""
    rows: list[Payload] = [{"startPeriod": row.start_s, "limit": limit(row.limit)} for row in command.periods]
    for row, said in zip(command.periods, rows, strict=True):
        if row.phases is not None:
            said["numberPhases"] = row.phases
    schedule: Payload = {
        "id": command.profile_id,
        "chargingRateUnit": command.unit.value,
        "chargingSchedulePeriod": rows,
    }
    if command.duration is not None:
        schedule["duration"] = command.duration
    if command.starts_at is not None:
        schedule["startSchedule"] = format_time(command.starts_at)
    return schedule


def profile(command: commands.SetChargingProfile, limit: Callable[[Decimal], Decimal]) -> Payload:
    """ChargingProfileType."""
    kind, recurrency = KINDS[command.kind]
    body: Payload = {
        "id": command.profile_id,
        "stackLevel": command.stack_level,
        "chargingProfilePurpose": PURPOSES[command.purpose],
        "chargingProfileKind": kind,
        "chargingSchedule": [_schedule(command, limit)],
    }
    if recurrency:
        body["recurrencyKind"] = recurrency
    if command.transaction_id:
        body["transactionId"] = command.transaction_id
    for name, moment in (("validFrom", command.valid_from), ("validTo", command.valid_to)):
        if moment is not None:
            body[name] = format_time(moment)
    return body


def set_profile(limit: Callable[[Decimal], Decimal]) -> Callable[[commands.SetChargingProfile], Call]:
    def encode(command: commands.SetChargingProfile) -> Call:
        return Call("SetChargingProfile", {"evseId": command.evse, "chargingProfile": profile(command, limit)})

    return encode


def _clear(command: commands.ClearChargingProfile) -> Call:
    """K10: an id stands alone, criteria otherwise."""
    if command.profile_id is not None:
        return Call("ClearChargingProfile", {"chargingProfileId": command.profile_id})
    wanted = {
        "evseId": command.evse,
        "chargingProfilePurpose": PURPOSES[command.purpose] if command.purpose else None,
        "stackLevel": command.stack_level,
    }
    criteria = {name: value for name, value in wanted.items() if value is not None}
    return Call("ClearChargingProfile", {"chargingProfileCriteria": criteria} if criteria else {})


def _get(command: commands.GetChargingProfiles) -> Call:
    criteria: Payload = {}
    if command.profile_ids:
        criteria["chargingProfileId"] = list(command.profile_ids)
    elif command.purpose is not None:
        criteria["chargingProfilePurpose"] = PURPOSES[command.purpose]
    payload: Payload = {"requestId": command.request_id, "chargingProfile": criteria}
    return Call("GetChargingProfiles", payload if command.evse is None else payload | {"evseId": command.evse})


def _composite(command: commands.GetCompositeSchedule) -> Call:
    payload: Payload = {"duration": command.duration, "evseId": command.evse}
    if command.unit is not None:
        payload["chargingRateUnit"] = command.unit.value
    return Call("GetCompositeSchedule", payload)


def heard(charger: Charger, payload: Payload) -> Payload:
    """NotifyChargingLimit, ClearedChargingLimit, ReportChargingProfiles: the message log keeps what was said (K11-K13);
    what a limit does to a session shows in its readings.
    """
    return {}


def needs(charger: Charger, payload: Payload) -> Payload:
    """NotifyEVChargingNeeds: we plan no profile for a single car, so it charges as the station allows (K15.FR.05)."""
    return {"status": "Rejected"}


def schedule(charger: Charger, payload: Payload) -> Payload:
    """NotifyEVChargingSchedule: the car's own plan is welcome (K15)."""
    return {"status": "Accepted"}


HANDLERS = {
    "NotifyChargingLimit": heard,
    "ClearedChargingLimit": heard,
    "ReportChargingProfiles": heard,
    "NotifyEVChargingNeeds": needs,
    "NotifyEVChargingSchedule": schedule,
}
COMMANDS = {
    commands.SetChargingProfile: CommandCodec(set_profile(tenths), words.answer),
    commands.ClearChargingProfile: CommandCodec(_clear, words.answer),
    commands.GetChargingProfiles: CommandCodec(_get, words.answer),
    commands.GetCompositeSchedule: CommandCodec(_composite, words.answer),
}
