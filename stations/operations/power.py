"""Limits of power and current."""

from decimal import Decimal, InvalidOperation
from typing import Final

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from stations import commands

from .fields import EVSE, Field, FieldType, Operation, Values, own_id

MOST_AHEAD = 10_000_000  # seconds, four months: beyond any schedule
PURPOSES: Final = (("tx", _("one session")), ("tx_default", _("every session")), ("station_max", _("the station")))
KINDS: Final = (
    ("absolute", _("once, from a time on")),
    ("relative", _("from the session's start")),
    ("daily", _("every day")),
    ("weekly", _("every week")),
)
_PURPOSE: Final = Field("purpose", FieldType.CHOICE, _("Holds for"), choices=PURPOSES)


def _periods(pairs: tuple[tuple[str, str], ...]) -> tuple[commands.Limit, ...]:
    """Pairs of start (s) and limit, in order of their starts."""
    try:
        limits = [commands.Limit(int(start), Decimal(limit)) for start, limit in pairs]
    except (ValueError, InvalidOperation):
        limits = []
    sound = all(0 <= one.start_s <= MOST_AHEAD and one.limit.is_finite() and 0 <= one.limit < 10**9 for one in limits)
    if not limits or not sound:
        text = _("Each limit is seconds=limit, such as 0=11000 and 3600=0.")
        raise ValidationError({"periods": [text]})
    return tuple(sorted(limits))


def _set(v: Values) -> commands.Command:
    return commands.SetChargingProfile(
        profile_id=own_id() if v["profile_id"] is None else v["profile_id"],
        evse=v["evse"] or 0,
        purpose=commands.ProfilePurpose(v["purpose"]),
        periods=_periods(v["periods"]),
        stack_level=v["stack_level"] or 0,
        kind=commands.ProfileKind(v["kind"]),
        unit=commands.RateUnit(v["unit"]),
        transaction_id=v["transaction_id"] or "",
        starts_at=v["starts_at"],
        duration=v["duration"],
        valid_from=v["valid_from"],
        valid_to=v["valid_to"],
    )


def _purpose(v: Values) -> commands.ProfilePurpose | None:
    return commands.ProfilePurpose(v["purpose"]) if v["purpose"] else None


ALL: Final = (
    Operation(
        "set-charging-profile",
        _("Limit the power"),
        _("Sets a charging profile: limits of power or current over time."),
        _set,
        (
            Field(
                "periods",
                FieldType.PAIRS,
                _("Limits"),
                required=True,
                longest=40,
                help=_("One in a line: seconds from the start=limit; 0=11000, then 3600=0"),
            ),
            Field("unit", FieldType.CHOICE, _("Unit"), choices=(("W", "W"), ("A", "A")), default="W"),
            Field("purpose", FieldType.CHOICE, _("Holds for"), choices=PURPOSES, default="tx_default"),
            Field("evse", FieldType.WHOLE, _("EVSE"), help=_("Empty: all of the station; OCPP 1.6: the connector")),
            Field("transaction_id", FieldType.TEXT, _("Transaction id"), help=_("Of the one session"), longest=36),
            Field("kind", FieldType.CHOICE, _("When"), choices=KINDS, default="absolute"),
            Field("starts_at", FieldType.TIME, _("Starts at"), help=_("Empty: when the station takes it")),
            Field("duration", FieldType.WHOLE, _("Lasts (s)"), help=_("Empty: without an end")),
            Field("valid_from", FieldType.TIME, _("Valid from")),
            Field("valid_to", FieldType.TIME, _("Valid until")),
            Field("stack_level", FieldType.WHOLE, _("Stack level"), help=_("Of several the highest holds")),
            Field("profile_id", FieldType.WHOLE, _("Profile id"), help=_("Made when empty")),
        ),
        words=("SetChargingProfile",),
    ),
    Operation(
        "clear-charging-profile",
        _("Lift a power limit"),
        _("Takes charging profiles away: one by its id, or those that fit the rest; without anything all of them."),
        lambda v: commands.ClearChargingProfile(v["profile_id"], v["evse"], _purpose(v), v["stack_level"]),
        (
            Field("profile_id", FieldType.WHOLE, _("Profile id")),
            EVSE,
            _PURPOSE,
            Field("stack_level", FieldType.WHOLE, _("Stack level")),
        ),
        destructive=True,
        words=("ClearChargingProfile",),
    ),
    Operation(
        "get-charging-profiles",
        _("Ask for power limits"),
        _("The station tells which charging profiles it holds. OCPP 2.x only."),
        lambda v: commands.GetChargingProfiles(own_id(), evse=v["evse"], purpose=_purpose(v)),
        (EVSE, _PURPOSE),
        words=("GetChargingProfiles", "ReportChargingProfiles"),
        only_2x=True,
    ),
    Operation(
        "composite-schedule",
        _("Ask for the power plan"),
        _("What the station makes of all its limits, for the next seconds."),
        lambda v: commands.GetCompositeSchedule(
            v["evse"] or 0, v["duration"], commands.RateUnit(v["unit"]) if v["unit"] else None
        ),
        (
            Field("duration", FieldType.WHOLE, _("For (s)"), required=True),
            Field("evse", FieldType.WHOLE, _("EVSE"), help=_("Empty: the station; OCPP 1.6: the connector")),
            Field("unit", FieldType.CHOICE, _("Unit"), choices=(("W", "W"), ("A", "A"))),
        ),
        words=("GetCompositeSchedule",),
    ),
    Operation(
        "allow-energy-transfer",
        _("Allow ways of energy transfer"),
        _("Tells a session which ways of energy transfer it may use. OCPP 2.1 only."),
        lambda v: commands.AllowEnergyTransfer(v["transaction_id"], v["kinds"]),
        (
            Field("transaction_id", FieldType.TEXT, _("Transaction id"), required=True, longest=36),
            Field(
                "kinds", FieldType.LIST, _("Ways"), required=True, help=_("One in a line, such as AC_three_phase, DC")
            ),
        ),
        words=("NotifyAllowedEnergyTransfer",),
        only_2x=True,
        only_21=True,
    ),
)
