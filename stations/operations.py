"""Our operations by name, each with its fields: the one description behind the dashboard's forms and the REST API.

Nothing is judged here that the station can judge (connector 99, reservation 99999 are forwarded); only what cannot be
said at all is refused, with a sentence for each field.
"""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from . import commands

OURS_FROM: Final = 2**30  # ids that we invent here stay clear of Attempt and Reservation ids, which count from 1
LARGEST: Final = 2**31 - 1  # OCPP integers are 32 bits, signed
Text = str | Promise


class FieldType(StrEnum):
    TEXT = "text"
    WHOLE = "whole"
    CHOICE = "choice"
    TIME = "time"
    LIST = "list"  # of texts; a form gives lines
    PAIRS = "pairs"  # key → value; a form gives lines of key=value
    JSON = "json"


@dataclass(frozen=True)
class Field:
    name: str
    type: FieldType
    label: Text
    required: bool = False
    help: Text = ""
    choices: tuple[tuple[str, Text], ...] = ()
    default: str = ""
    longest: int = 255
    suggestions: tuple[str, ...] = ()  # usual values of a free text


Values = dict[str, Any]  # Any: cleaned values, each of its field's type


@dataclass(frozen=True)
class Operation:
    name: str
    label: Text
    help: Text
    make: Callable[[Values], commands.Command]
    fields: tuple[Field, ...] = ()
    destructive: bool = False  # ask before it is sent
    words: tuple[str, ...] = field(default=())  # the specification's names, for a search box
    only_2x: bool = False  # OCPP 1.6 has no message for it

    def build(self, params: Mapping[str, Any]) -> commands.Command:  # Any: form texts or JSON
        """The command for these values (texts of a form or JSON values). Raises ValidationError by field."""
        errors: dict[str, list[str]] = {}
        known = {one.name for one in self.fields}
        for name in sorted(set(params) - known):
            text = _("There is no field %(name)s; this operation has: %(known)s.")
            errors[str(name)[:40]] = [text % {"name": str(name)[:40], "known": ", ".join(sorted(known)) or _("none")}]
        values: Values = {}
        for one in self.fields:
            try:
                values[one.name] = clean(one, params.get(one.name))
            except ValidationError as error:
                errors[one.name] = error.messages
        if errors:
            raise ValidationError(errors)
        return self.make(values)


def build(name: str, params: Mapping[str, Any]) -> commands.Command:
    """The command of an operation by name. Raises ValidationError for an unknown name or bad values."""
    if name not in OPERATIONS:
        text = _("There is no operation %(name)s; there are: %(all)s.")
        raise ValidationError({"operation": [text % {"name": str(name)[:40], "all": ", ".join(OPERATIONS)}]})
    return OPERATIONS[name].build(params)


# Values -----------------------------------------------------------------------------------------------


def clean(one: Field, value: Any) -> Any:
    """Any: JSON or form text in, a value of the field's type (or None) out. Raises ValidationError."""
    if isinstance(value, str):
        value = value.strip() if one.type != FieldType.TEXT else value
    if value is None or value == "" or value == [] or value == {}:
        if one.required:
            raise ValidationError(_("%(label)s is needed.") % {"label": one.label})
        return one.default or None
    return _CLEANERS[one.type](one, value)


def _text(one: Field, value: Any) -> str:
    if not isinstance(value, str):
        raise ValidationError(_("%(label)s must be text.") % {"label": one.label})
    if "\0" in value:
        raise ValidationError(_("%(label)s holds a character that cannot be sent.") % {"label": one.label})
    if len(value) > one.longest:
        text = _("%(label)s has at most %(most)d characters.")
        raise ValidationError(text % {"label": one.label, "most": one.longest})
    return value


def _whole(one: Field, value: Any) -> int:
    digits = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(digits, str) or len(digits) > 11 or not digits.removeprefix("-").isdecimal():
        raise ValidationError(_("%(label)s must be a whole number.") % {"label": one.label})
    number = int(digits)
    if not -LARGEST - 1 <= number <= LARGEST:
        raise ValidationError(_("%(label)s must fit 32 bits.") % {"label": one.label})
    return number


def _choice(one: Field, value: Any) -> str:
    allowed = [key for key, _label in one.choices]
    if not isinstance(value, str) or value not in allowed:
        text = _("%(label)s must be one of: %(all)s.")
        raise ValidationError(text % {"label": one.label, "all": ", ".join(allowed)})
    return value


def _time(one: Field, value: Any) -> datetime:
    if isinstance(value, datetime):
        moment: datetime | None = value
    else:
        try:
            moment = parse_datetime(value) if isinstance(value, str) else None
        except ValueError:
            moment = None
    if moment is None:
        raise ValidationError(_("%(label)s must be a time such as 2026-11-22T18:30:00Z.") % {"label": one.label})
    return timezone.make_aware(moment) if timezone.is_naive(moment) else moment


def _list(one: Field, value: Any) -> tuple[str, ...]:
    rows = [line.strip() for line in value.splitlines()] if isinstance(value, str) else value
    if not isinstance(rows, list | tuple):
        raise ValidationError(_("%(label)s must be a list of texts.") % {"label": one.label})
    return tuple(_text(one, row) for row in rows if row != "")


def _pairs(one: Field, value: Any) -> tuple[tuple[str, str], ...]:
    """A mapping, a list of pairs, or lines of key=value."""
    pairs: Any = value  # Any: whatever was sent
    if isinstance(value, str):
        pairs = [line.split("=", 1) for line in value.splitlines() if line.strip()]
    elif isinstance(value, Mapping):
        pairs = list(value.items())
    text = _("%(label)s must be pairs of key and value, one in a line: HeartbeatInterval=300.")
    wrong = ValidationError(text % {"label": one.label})
    if not isinstance(pairs, list | tuple) or not all(
        isinstance(pair, list | tuple) and len(pair) == 2 for pair in pairs
    ):
        raise wrong
    found = tuple((_text(one, key), _scalar(one, text)) for key, text in pairs)
    if not all(key.strip() for key, _value in found):
        raise wrong
    return tuple((key.strip(), text) for key, text in found)


def _scalar(one: Field, value: Any) -> str:
    """Chargers know texts only; JSON numbers and booleans are spelled as OCPP spells them."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else _text(one, value)


_CLEANERS: Final[dict[FieldType, Callable[[Field, Any], Any]]] = {
    FieldType.TEXT: _text,
    FieldType.WHOLE: _whole,
    FieldType.CHOICE: _choice,
    FieldType.TIME: _time,
    FieldType.LIST: _list,
    FieldType.PAIRS: _pairs,
    FieldType.JSON: lambda one, value: value,
}


# The table --------------------------------------------------------------------------------------------

_EVSE = Field("evse", FieldType.WHOLE, _("EVSE"), help=_("OCPP 1.6: the connector"))
_CONNECTOR = Field("connector", FieldType.WHOLE, _("Connector"), help=_("Of the EVSE; OCPP 2.x only"))
_TOKEN = Field("id_token", FieldType.TEXT, _("Token"), required=True)
_TOKEN_TYPES = tuple(
    (name, name)
    for name in ("Central", "eMAID", "ISO14443", "ISO15693", "KeyCode", "Local", "MacAddress", "NoAuthorization")
)
_TOKEN_TYPE = Field("token_type", FieldType.CHOICE, _("Token type"), choices=_TOKEN_TYPES, default="Central")

# OCPP 1.6 MessageTrigger and OCPP 2.0.1/2.1 MessageTriggerEnumType together
TRIGGERS: Final = (
    "BootNotification", "StatusNotification", "Heartbeat", "MeterValues", "TransactionEvent",
    "FirmwareStatusNotification", "DiagnosticsStatusNotification", "LogStatusNotification",
    "PublishFirmwareStatusNotification", "SignChargingStationCertificate", "SignCombinedCertificate",
    "SignV2GCertificate", "SignV2G20Certificate", "CustomTrigger",
)  # fmt: skip


def _own_id() -> int:
    return OURS_FROM + secrets.randbelow(LARGEST - OURS_FROM)


def _start(v: Values) -> commands.Command:
    return commands.StartCharging(
        id_token=v["id_token"],
        remote_start_id=v["remote_start_id"] or _own_id(),
        evse=v["evse"],
        token_type=v["token_type"],
    )


def _reserve(v: Values) -> commands.Command:
    number = v["reservation_id"]
    return commands.ReserveNow(
        reservation_id=_own_id() if number is None else number,
        id_token=v["id_token"],
        expires_at=v["expires_at"],
        evse=v["evse"],
        connector=v["connector"],
        group_id=v["group_id"] or "",
        token_type=v["token_type"],
    )


_ALL = (
    Operation(
        "start",
        _("Start charging"),
        _("Asks the station to begin a session for a token."),
        _start,
        (
            _TOKEN,
            _EVSE,
            _TOKEN_TYPE,
            Field("remote_start_id", FieldType.WHOLE, _("Remote start id"), help=_("Made when empty; OCPP 2.x only")),
        ),
        words=("RemoteStartTransaction", "RequestStartTransaction"),
    ),
    Operation(
        "stop",
        _("Stop charging"),
        _("Asks the station to end a session."),
        lambda v: commands.StopCharging(v["transaction_id"]),
        (Field("transaction_id", FieldType.TEXT, _("Transaction id"), required=True, longest=40),),
        destructive=True,
        words=("RemoteStopTransaction", "RequestStopTransaction"),
    ),
    Operation(
        "reset",
        _("Restart"),
        _("Restarts the station; softly it lets sessions end first."),
        lambda v: commands.Reset(commands.ResetKind(v["kind"]), v["evse"]),
        (
            Field(
                "kind",
                FieldType.CHOICE,
                _("How"),
                default="soft",
                choices=(("soft", _("softly, when it is idle")), ("hard", _("at once"))),
            ),
            Field("evse", FieldType.WHOLE, _("EVSE"), help=_("Empty: the whole station; OCPP 2.x only")),
        ),
        destructive=True,
        words=("Reset",),
    ),
    Operation(
        "unlock",
        _("Unlock the plug"),
        _("Frees a cable that is held."),
        lambda v: commands.Unlock(v["evse"], 1 if v["connector"] is None else v["connector"]),
        (Field("evse", FieldType.WHOLE, _("EVSE"), required=True, help=_("OCPP 1.6: the connector")), _CONNECTOR),
        words=("UnlockConnector",),
    ),
    Operation(
        "change-availability",
        _("Change availability"),
        _("Takes the station, or one connector, out of service or back. While charging it takes effect afterwards."),
        lambda v: commands.ChangeAvailability(commands.Availability(v["availability"]), v["evse"], v["connector"]),
        (
            Field(
                "availability",
                FieldType.CHOICE,
                _("Availability"),
                required=True,
                choices=(("operative", _("in service")), ("inoperative", _("out of service"))),
            ),
            Field("evse", FieldType.WHOLE, _("EVSE"), help=_("Empty: the whole station")),
            _CONNECTOR,
        ),
        destructive=True,
        words=("ChangeAvailability",),
    ),
    Operation(
        "trigger",
        _("Ask for a message"),
        _("Asks the station to send a message now."),
        lambda v: commands.Trigger(v["message"], v["evse"], v["connector"]),
        (
            Field(
                "message",
                FieldType.TEXT,
                _("Message"),
                required=True,
                longest=50,
                help=_("Such as BootNotification, StatusNotification, Heartbeat, MeterValues"),
                suggestions=TRIGGERS,
            ),
            _EVSE,
            _CONNECTOR,
        ),
        words=("TriggerMessage",),
    ),
    Operation(
        "get-variables",
        _("Read configuration"),
        _("Reads keys (1.6) or variables (2.x); without any, all of them."),
        lambda v: commands.GetVariables(v["keys"] or ()),
        (Field("keys", FieldType.LIST, _("Keys"), help=_("One in a line; 2.x: Component.Variable")),),
        words=("GetConfiguration", "GetVariables", "GetBaseReport"),
    ),
    Operation(
        "set-variables",
        _("Change configuration"),
        _("Sets keys (1.6) or variables (2.x)."),
        lambda v: commands.SetVariables(v["values"]),
        (
            Field(
                "values",
                FieldType.PAIRS,
                _("Values"),
                required=True,
                longest=2500,
                help=_("One in a line: key=value; 2.x: Component.Variable=value"),
            ),
        ),
        words=("ChangeConfiguration", "SetVariables"),
    ),
    Operation(
        "clear-cache",
        _("Clear the token cache"),
        _("The station forgets which tokens it knew."),
        lambda v: commands.ClearCache(),
        words=("ClearCache",),
    ),
    Operation(
        "reserve",
        _("Reserve"),
        _("Keeps a connector for a token until a time."),
        _reserve,
        (
            _TOKEN,
            Field("expires_at", FieldType.TIME, _("Until"), required=True),
            _EVSE,
            _CONNECTOR,
            Field("reservation_id", FieldType.WHOLE, _("Reservation id"), help=_("Made when empty")),
            Field("group_id", FieldType.TEXT, _("Group token"), longest=36),
            _TOKEN_TYPE,
        ),
        words=("ReserveNow",),
    ),
    Operation(
        "cancel-reservation",
        _("Cancel a reservation"),
        _("Frees what was reserved."),
        lambda v: commands.CancelReservation(v["reservation_id"]),
        (Field("reservation_id", FieldType.WHOLE, _("Reservation id"), required=True),),
        words=("CancelReservation",),
    ),
    Operation(
        "send-data",
        _("Send vendor data"),
        _("A message in the vendor's own words."),
        lambda v: commands.SendData(v["vendor_id"], v["message_id"] or "", v["data"] or ""),
        (
            Field("vendor_id", FieldType.TEXT, _("Vendor id"), required=True),
            Field("message_id", FieldType.TEXT, _("Message id"), longest=50),
            Field("data", FieldType.TEXT, _("Data"), longest=20_000),
        ),
        words=("DataTransfer",),
    ),
    Operation(
        "transaction-status",
        _("Ask about a transaction"),
        _("Is it still running, are messages waiting? OCPP 2.x only."),
        lambda v: commands.GetTransactionStatus(v["transaction_id"]),
        (Field("transaction_id", FieldType.TEXT, _("Transaction id"), required=True, longest=36),),
        words=("GetTransactionStatus",),
        only_2x=True,
    ),
)
OPERATIONS: Final[dict[str, Operation]] = {operation.name: operation for operation in _ALL}
