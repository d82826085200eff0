"""What an operation is: its fields, what a form or the API may give for them, and what a command takes.

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

from stations import commands

OURS_FROM: Final = 2**30  # ids that we invent here stay clear of Attempt and Reservation ids, which count from 1
LARGEST: Final = 2**31 - 1  # OCPP integers are 32 bits, signed
Text = str | Promise


def own_id() -> int:
    return OURS_FROM + secrets.randbelow(LARGEST - OURS_FROM)


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
    only_2x: bool = False  # OCPP 1.6 has no place for it


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
    only_21: bool = False  # only OCPP 2.1 has one

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

EVSE: Final = Field("evse", FieldType.WHOLE, _("EVSE"), help=_("OCPP 1.6: the connector"))
