"""JSON as the wire wants it: fractions are Decimal both ways, no digit lost, nothing unstorable let in.

The standard library's float path loses digits and takes NaN; its encoder cannot write a Decimal as a number.
"""

import json
from decimal import Decimal
from json.encoder import encode_basestring_ascii as quoted
from typing import Any, NoReturn

MAX_DIGITS = 40  # of a whole number, and of a fraction's size either way: far beyond any meter, cheap to hold

Json = Any  # Any: whatever JSON can say


class Unreadable(ValueError):
    """The text is no JSON, or says something that no row could keep (NaN, NUL, half a surrogate pair)."""


def _fraction(text: str) -> Decimal:
    value = Decimal(text)
    if abs(value.adjusted()) > MAX_DIGITS or len(text) > 2 * MAX_DIGITS:
        raise Unreadable("number out of range")
    return value


def _whole(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise Unreadable("number out of range")
    return int(text)


def _constant(name: str) -> NoReturn:
    raise Unreadable(f"{name} is no number")


_decoder = json.JSONDecoder(parse_float=_fraction, parse_int=_whole, parse_constant=_constant)
_plain = json.JSONEncoder(separators=(",", ":"), allow_nan=False)


def decode(text: str) -> Json:
    """Raises Unreadable for anything that is not well-formed, finite, storable JSON of sane depth."""
    try:
        value = _decoder.decode(text)
        if "\\u" in text:
            _check_storable(value)
    except Unreadable:
        raise
    except RecursionError:
        raise Unreadable("nested too deeply") from None
    except (ValueError, ArithmeticError) as error:
        raise Unreadable(str(error)) from None
    return value


def _check_storable(value: Json) -> None:
    """PostgreSQL keeps no NUL in a text and no database half a surrogate pair."""
    if isinstance(value, str):
        if "\0" in value:
            raise Unreadable("NUL character")
        try:
            value.encode()
        except UnicodeEncodeError:
            raise Unreadable("half a surrogate pair") from None
    elif isinstance(value, list):
        for item in value:
            _check_storable(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            _check_storable(key)
            _check_storable(item)


def encode(value: Json) -> str:
    """Compact ASCII JSON; members in the order of the dict, Decimal as a plain number with all its digits."""
    try:
        return _plain.encode(value)
    except TypeError:
        return _encode_with_decimals(value)


def _encode_with_decimals(value: Json) -> str:
    if isinstance(value, dict):
        members = (f"{quoted(key)}:{_encode_with_decimals(item)}" for key, item in value.items())
        return "{" + ",".join(members) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_encode_with_decimals, value)) + "]"
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise ValueError(f"{value} is no JSON number")
        return format(value, "f")
    return _plain.encode(value)
