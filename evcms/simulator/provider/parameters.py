"""What each call may carry, read from the typed parameters of the installed official client.

The client's TypedDicts are generated from the provider's own specification, so a call that this module
refuses is one that the real API refuses too: unknown and missing names, wrong kinds, values outside an
enumeration. Nothing of the client's behaviour is used, only these declarations.
"""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from types import UnionType
from typing import Any, ForwardRef, Literal, NotRequired, Required, Union, get_args, get_origin, is_typeddict
from typing import NotRequired as ExtNotRequired

from typing_extensions import is_typeddict as ext_is_typeddict

from evcms.simulator.provider.errors import ApiError, JsonObject, required, unknown

_INTEGER = re.compile(r"-?\d{1,18}\Z")
_OPTIONAL = (NotRequired, ExtNotRequired, Required)
_LITERAL: object = Literal

# One way to read a value: a scalar type, a Literal, a TypedDict class, `dict`, or an Array of such ways.
Option = Any


@dataclass(frozen=True)
class Array:
    """A list; each element may be any of `element`."""

    element: tuple[Option, ...]


Declared = dict[str, tuple[Option, ...]]


@cache
def declaration(name: str) -> tuple[Declared, frozenset[str]]:
    """Parameters of a call by the client's name ("checkout.SessionCreateParams"): types and required names."""
    package, _, cls = f"stripe.params.{name}".rpartition(".")
    return _members(getattr(import_module(package), cls))


@cache
def _members(cls: type) -> tuple[Declared, frozenset[str]]:
    namespace = vars(sys.modules[cls.__module__])
    transport = _transport_options() if cls.__name__.endswith("Params") else frozenset()
    declared = {name: _options(hint, namespace) for name, hint in cls.__annotations__.items() if name not in transport}
    mandatory: frozenset[str] = getattr(cls, "__required_keys__", frozenset())
    return declared, mandatory - transport


@cache
def _transport_options() -> frozenset[str]:
    """Members that steer the client (api_key, idempotency_key …) and never travel as parameters."""
    return frozenset(import_module("stripe._request_options").RequestOptions.__annotations__)


def _options(hint: Any, namespace: dict[str, Any]) -> tuple[Option, ...]:  # an annotation may be anything
    """Ways to read a value; an enumeration that the client leaves open ("…|str") is closed at the server."""
    flat = tuple(_flatten(hint, namespace))
    closed = any(get_origin(option) is _LITERAL and get_args(option) != ("",) for option in flat)
    return tuple(option for option in flat if not (closed and option is str))


def _flatten(hint: Any, namespace: dict[str, Any]) -> Iterator[Option]:
    if isinstance(hint, ForwardRef):
        hint = hint.__forward_arg__
    if isinstance(hint, str):
        hint = eval(hint, namespace)  # our dependency's own annotation text, never input
    origin = get_origin(hint)
    if origin in (*_OPTIONAL, Union, UnionType):
        for member in get_args(hint):
            yield from _flatten(member, namespace)
    elif origin is list:
        yield Array(_options(get_args(hint)[0], namespace))
    else:
        is_mapping = origin is dict or getattr(origin, "__name__", "") == "UntypedStripeObject"
        yield dict if is_mapping else hint


def check(name: str, given: JsonObject) -> JsonObject:
    """The call's parameters with their declared kinds (int, bool …), or the refusal that the API would give."""
    declared, mandatory = declaration(name)
    values = _object(declared, given, "")
    for absent in sorted(mandatory - given.keys()):
        raise required(absent)
    return values


def _object(declared: Declared, given: JsonObject, path: str) -> JsonObject:
    values: JsonObject = {}
    for key, raw in given.items():
        here = f"{path}[{key}]" if path else key
        if key not in declared:
            raise unknown(here)
        values[key] = _value(declared[key], raw, here)
    return values


def _value(options: tuple[Option, ...], raw: object, path: str) -> object:
    if raw == "" and str not in options:
        _check_unsettable(options, path)
        return None
    failure: ApiError | None = None
    for option in options:
        try:
            return _one(option, raw, path)
        except ApiError as error:
            # The most telling refusal is the one of the option that fits the shape of what was sent.
            failure = error if failure is None or _shape(option) is type(raw) else failure
    raise failure or ApiError(f"Invalid value for {path}", param=path)


def _check_unsettable(options: tuple[Option, ...], path: str) -> None:
    if any("" in get_args(option) for option in options if get_origin(option) is _LITERAL):
        return
    raise ApiError(
        f"You passed an empty string for '{path}'. We assume empty values are an attempt to unset a field; "
        f"however '{path}' cannot be unset. You should remove '{path}' from your request or supply a non-empty "
        "value.",
        code="parameter_invalid_empty",
        param=path,
    )


def _shape(option: Option) -> type:
    if isinstance(option, Array):
        return list
    return dict if option is dict or _is_typed(option) else str


def _is_typed(option: Option) -> bool:
    return is_typeddict(option) or ext_is_typeddict(option)


def _one(option: Option, raw: object, path: str) -> object:
    if _is_typed(option):
        return _nested(option, raw, path)
    if isinstance(option, Array):
        return _array(option, raw, path)
    if option is dict:
        return _mapping(raw, path)
    if not isinstance(raw, str):
        raise ApiError(f"Invalid string: {raw}", param=path)
    if get_origin(option) is _LITERAL:
        return _enumerated(get_args(option), raw, path)
    return _scalar(option, raw, path)


def _nested(cls: type, raw: object, path: str) -> JsonObject:
    if not isinstance(raw, dict):
        raise ApiError("Invalid object", param=path)
    declared, mandatory = _members(cls)
    values = _object(declared, raw, path)
    for absent in sorted(mandatory - raw.keys()):
        raise required(f"{path}[{absent}]")
    return values


def _array(array: Array, raw: object, path: str) -> list[object]:
    if not isinstance(raw, list):
        raise ApiError("Invalid array", param=path)
    return [_value(array.element, each, f"{path}[{index}]") for index, each in enumerate(raw)]


def _mapping(raw: object, path: str) -> JsonObject:
    if not isinstance(raw, dict):
        raise ApiError("Invalid hash", param=path)
    return raw


def _enumerated(allowed: tuple[str, ...], raw: str, path: str) -> str:
    if raw not in allowed:
        comma = "," if len(allowed) > 2 else ""
        listed = ", ".join(allowed[:-1]) + (f"{comma} or " if len(allowed) > 1 else "") + allowed[-1]
        raise ApiError(f"Invalid {path}: must be one of {listed}", param=path)
    return raw


def _scalar(option: Option, raw: str, path: str) -> object:
    if option is int:
        if not _INTEGER.match(raw):
            raise ApiError(f"Invalid integer: {raw}", code="parameter_invalid_integer", param=path)
        return int(raw)
    if option is bool:
        if raw not in ("true", "false"):
            raise ApiError(f"Invalid boolean: {raw}", param=path)
        return raw == "true"
    return raw
