"""Compiled validators over the JSON schemas of the `ocpp` package, one set a version, made on first use."""

import json
from functools import cache, cached_property
from importlib.resources import files
from typing import Any, Final

import jsonschema_rs
import structlog

from evcms.ocpp.charger import Payload
from evcms.ocpp.errors import (
    FormatViolation,
    OccurrenceConstraintViolation,
    OcppError,
    PropertyConstraintViolation,
    TypeConstraintViolation,
)

log = structlog.get_logger(__name__)

FOLDERS: Final = {"ocpp2.1": "v21", "ocpp2.0.1": "v201", "ocpp1.6": "v16"}
REFUSALS: Final[dict[str, type[OcppError]]] = {
    "type": TypeConstraintViolation,
    "required": OccurrenceConstraintViolation,
    "minItems": OccurrenceConstraintViolation,
    "maxItems": OccurrenceConstraintViolation,
    "additionalProperties": FormatViolation,
}
MAY_BE_CUT: Final = frozenset(
    [
        "chargePointVendor",
        "chargePointModel",
        "chargePointSerialNumber",
        "chargeBoxSerialNumber",
        "firmwareVersion",
        "iccid",
        "imsi",
        "meterType",
        "meterSerialNumber",
        "info",
        "vendorErrorCode",
        "vendorId",
        "vendorName",
        "model",
        "serialNumber",
        "techInfo",
        "reasonCode",
        "additionalInfo",
        "techCode",
    ]
)
"""Words that only describe: stations send 25 characters where 20 fit. What identifies is never cut."""

FREE_WORDS: Final = frozenset(
    [
        "FirmwareStatusNotification",
        "SignedFirmwareStatusNotification",
        "PublishFirmwareStatusNotification",
        "DiagnosticsStatusNotification",
        "LogStatusNotification",
    ]
)
"""Reports whose status is kept verbatim: a word that the version lacks is news, not a reason to refuse the report."""


class Shape:
    """The order of an object's members in its schema; conformance suites and logs read it."""

    def __init__(self, schema: dict[str, Any], root: dict[str, Any]) -> None:
        self._schema, self._root = schema, root

    @cached_property
    def _members(self) -> list[tuple[str, "Shape | None"]]:
        found = self._schema.get("properties", {}).items()
        return [(name, shape_of(member, self._root)) for name, member in found]

    def arrange(self, value: Any) -> Any:
        """The value with its members in schema order; members that the schema lacks come last."""
        if isinstance(value, list):
            return [self.arrange(item) for item in value]
        if not isinstance(value, dict) or not value:
            return value
        ordered = {
            name: value[name] if shape is None else shape.arrange(value[name])
            for name, shape in self._members
            if name in value
        }
        return ordered if len(ordered) == len(value) else ordered | value


def shape_of(schema: dict[str, Any], root: dict[str, Any]) -> Shape | None:
    """The shape of objects below this schema, through `$ref` and arrays; None where there are none."""
    if "$ref" in schema:
        schema = root["definitions"][schema["$ref"].rsplit("/", 1)[1]]
    if schema.get("type") == "array":
        return shape_of(schema.get("items", {}), root)
    return Shape(schema, root) if "properties" in schema else None


class Message:
    """One schema: checks a payload, and puts its members in order."""

    def __init__(self, protocol: str, filename: str) -> None:
        folder = files("ocpp") / FOLDERS[protocol] / "schemas"
        schema = json.loads((folder / filename).read_text("utf-8-sig"))
        if _action(filename) in FREE_WORDS and "status" in schema.get("properties", {}):
            schema["properties"]["status"] = {"type": "string"}
        # Formats are the handlers' business: stations write times without a zone, which "date-time" refuses.
        self._validator = jsonschema_rs.validator_for(schema, validate_formats=False)
        self._shape = shape_of(schema, schema)

    def is_valid(self, payload: Any) -> bool:
        return self._validator.is_valid(payload)

    def arrange(self, payload: Payload) -> Payload:
        return payload if self._shape is None else self._shape.arrange(payload)

    def check(self, payload: Payload) -> None:
        """Cut over-long descriptions in place; raise the OcppError that names the first other violation."""
        if self._validator.is_valid(payload):
            return
        for error in self._validator.iter_errors(payload):
            if not _cut(payload, error):
                where = ".".join(map(str, error.instance_path)) or "payload"
                refusal = REFUSALS.get(error.kind.name, PropertyConstraintViolation)
                raise refusal(f"{where}: {error.message}")


def _cut(payload: Payload, error: jsonschema_rs.ValidationError) -> bool:
    """Cut an over-long describing text to what the schema allows; False when the violation is another one."""
    path = error.instance_path
    if error.kind.name != "maxLength" or not path or path[-1] not in MAY_BE_CUT:
        return False
    parent: Any = payload  # Any: walks through objects and arrays
    for step in path[:-1]:
        parent = parent[step]
    log.warning("over-long text cut", member=path[-1], length=len(parent[path[-1]]))
    parent[path[-1]] = parent[path[-1]][: error.kind.limit]  # type: ignore[attr-defined]
    return True


class Schemas:
    """All messages of one version. Actions that are SENDs (2.1) have a schema of their own and no answer."""

    def __init__(self, protocol: str) -> None:
        self.protocol = protocol
        names = {item.name for item in (files("ocpp") / FOLDERS[protocol] / "schemas").iterdir()}
        self._requests = {_action(name): name for name in names if not name.endswith("Response.json")}
        self._answers = {name.removesuffix("Response.json"): name for name in names if name.endswith("Response.json")}
        self._made: dict[str, Message] = {}

    @property
    def actions(self) -> frozenset[str]:
        """Every action of this version, whoever may send it."""
        return frozenset(self._requests)

    @cached_property
    def sends(self) -> frozenset[str]:
        return frozenset(self._requests) - frozenset(self._answers)

    def request(self, action: str) -> Message:
        """KeyError for an action that the version lacks."""
        return self._message(self._requests[action])

    def answer(self, action: str) -> Message:
        """KeyError for an action that the version lacks, or that has no answer."""
        return self._message(self._answers[action])

    def _message(self, filename: str) -> Message:
        made = self._made.get(filename)
        if made is None:
            made = self._made[filename] = Message(self.protocol, filename)
        return made


def _action(filename: str) -> str:
    return filename.removesuffix(".json").removesuffix("Request").removesuffix("Response")


@cache
def schemas_of(protocol: str) -> Schemas:
    return Schemas(protocol)


@cache
def is_known_elsewhere(action: str, protocol: str) -> bool:
    """Does another version know the action? Then the answer is NotSupported, not NotImplemented."""
    return any(action in schemas_of(other).actions for other in FOLDERS if other != protocol)
