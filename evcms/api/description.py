"""What the OpenAPI description says beyond the code: introduction, tags, summaries, refusals, units.

The operations come from stations.operations.OPERATIONS, the dashboard's own table: one source for both.
"""

from typing import Any, Final

from evcms.api.words import FIELDS, INTRODUCTION, SUMMARIES, TAGS, UNITS
from stations.operations import OPERATIONS, Field, FieldType, Operation
from stations.vocabulary import CommandState

Json = dict[str, Any]  # Any: OpenAPI

COMMANDS_PATH: Final = "/api/v1/stations/{identity}/commands/"
MOMENT: Final = "2026-11-22T18:30:00Z"
TEXTS: Final[dict[str, Any]] = {  # Any: JSON
    "id_token": "CARD1",
    "transaction_id": "42",
    "message": "StatusNotification",
    "vendor_id": "com.example",
    "token_type": "ISO14443",
    "periods": {"0": "11000", "3600": "0"},
    "kinds": ["AC_three_phase"],
    "value": "80",
    "monitor_ids": ["1"],
}
VALUES: Final[dict[FieldType, Any]] = {
    FieldType.WHOLE: 1,
    FieldType.TIME: MOMENT,
    FieldType.LIST: ["HeartbeatInterval"],
    FieldType.PAIRS: {"HeartbeatInterval": "60"},
    FieldType.JSON: {},
    FieldType.TEXT: "text",
}
TYPES: Final = {
    FieldType.WHOLE: "whole number",
    FieldType.CHOICE: "text",
    FieldType.TIME: "time, ISO 8601",
    FieldType.LIST: "list of texts",
    FieldType.PAIRS: "object of texts by key",
}
REFUSALS: Final = {
    "400": "Something in the request is wrong: which field, and why.",
    "401": "No token, or one that is unknown, expired or revoked.",
    "403": "The token's scopes or its member's role do not allow this.",
    "404": "There is no such thing, or not for this token.",
    "409": "Not now: the sentence says why.",
}
ERROR: Final[Json] = {
    "type": "object",
    "description": "`detail` is one text about the whole; every other member is a field with a list of texts.",
    "properties": {"detail": {"type": "string"}},
    "additionalProperties": {"type": "array", "items": {"type": "string"}},
}
STATES: Final = {
    CommandState.QUEUED: "waits to be sent; `note` says for what",
    CommandState.SENT: "sent, not answered yet",
    CommandState.ACCEPTED: "the station agreed",
    CommandState.REJECTED: "refused; `refused_by` says by whom: the station, or us, for it breaks the schema",
    CommandState.CALLERROR: "the station answered with an OCPP CALLERROR; `error` has its words",
    CommandState.TIMEOUT: "no answer in time; a later one is still kept in `answer`",
    CommandState.OFFLINE: "the station has no link, or lost it before it answered",
    CommandState.UNSUPPORTED: "does not exist in the station's OCPP version",
}


def describe(result: Json, generator: object, request: object, public: bool) -> Json:
    """A post-processing hook of drf-spectacular."""
    result["info"]["description"] = INTRODUCTION
    result["tags"] = [{"name": name, "description": text} for name, text in TAGS.items()]
    result["components"]["schemas"]["Error"] = ERROR
    for path, methods in result["paths"].items():
        for method, operation in methods.items():
            _describe(operation, method, path)
    for schema in result["components"]["schemas"].values():
        for name, field in schema.get("properties", {}).items():
            _explain(name, field)
    _describe_commands(result)
    return result


def _describe(operation: Json, method: str, path: str) -> None:
    operation["tags"] = [path.split("/")[3].capitalize()]
    operation["summary"] = SUMMARIES[f"{method} {path.removeprefix('/api/v1')}"]
    codes = ["400", "401", "403", *(["404"] if "{" in path else []), *(["409"] if "reservations/{" in path else [])]
    for code in codes:
        content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
        operation["responses"].setdefault(code, {"description": REFUSALS[code], "content": content})


def _explain(name: str, field: Json) -> None:
    """Our words when the code has none; the unit in any case."""
    if "$ref" in field:
        return
    unit = next((text for ending, text in UNITS.items() if name.endswith(ending)), "")
    said = field.get("description", "") or FIELDS.get(name, "")
    if unit and unit.split()[0] not in said:
        said = f"{said} ({unit})" if said else unit
    if said:
        field["description"] = said


# Commands ---------------------------------------------------------------------------------------------


def _describe_commands(result: Json) -> None:
    operation = result["paths"][COMMANDS_PATH]["post"]
    operation["description"] = commands_text()
    operation["requestBody"]["content"]["application/json"]["examples"] = examples()
    wish = result["components"]["schemas"]["CommandWish"]["properties"]
    wish["operation"] |= {"enum": list(OPERATIONS), "description": "One of ours; `params` as listed for it."}
    wish["params"]["description"] = "The operation's fields, or with `action` the whole OCPP payload."
    wish["action"]["description"] = "Any action of the station's OCPP version; `params` is sent as its payload."
    wish["wait_seconds"]["description"] = "How long to wait for the station's answer before this answers 202."


def examples() -> Json:
    """One of each operation, and a raw action."""
    ours = {
        name: {"summary": f"{name}: {one.label}", "value": {"operation": name, "params": example(one)}}
        for name, one in OPERATIONS.items()
    }
    payload = {"requestedMessage": "Heartbeat"}
    raw = {"summary": "Any OCPP action, as it is", "value": {"action": "TriggerMessage", "params": payload}}
    return ours | {"raw": raw}


def example(operation: Operation) -> Json:
    """The required fields, or when none is the first ones; each with a value that it takes."""
    wanted = [one for one in operation.fields if one.required] or list(operation.fields[:1])
    return {one.name: _value(one) for one in wanted}


def _value(one: Field) -> Any:
    """Any: JSON."""
    if one.type == FieldType.CHOICE:
        return one.default or one.choices[0][0]
    return TEXTS.get(one.name, VALUES[one.type])


def commands_text() -> str:
    """Markdown: how a command goes, its states, and every operation with its fields."""
    states = "\n".join(f"| `{state}` | {text} |" for state, text in STATES.items())
    operations = "\n\n".join(_operation_text(one) for one in OPERATIONS.values())
    return f"""Sends a command and waits up to `wait_seconds` for the station's answer. Needs the scope to command.

**200**: it has ended, well or not: read `state`. **202**: not answered yet; poll the address in the `Location` header
(`GET /api/v1/commands/{{id}}/`, once a second is plenty) until `state` is neither `queued` nor `sent`.
A station is asked one thing at a time: a command behind an unanswered one stays `queued`.

| state | meaning |
|---|---|
{states}

`answer_status` and `answer` are the station's own words. Give either `operation` (below; it works in every OCPP version
that can do it) or `action` with the payload of the station's version in `params`, sent as it is.

{operations}

**Reading the configuration**: `get-variables` asks the station to report; what it reported is then read, in pages, at
`GET /api/v1/stations/{{identity}}/variables/` (the answer of OCPP 2.x to a full report is only "Accepted").
"""


def _operation_text(one: Operation) -> str:
    words = f" ({', '.join(one.words)})" if one.words else ""
    rows = "\n".join(_field_text(field) for field in one.fields)
    return f"### {one.name}\n{one.label}{words}. {one.help}" + (f"\n\n{rows}" if rows else " No fields.")


def _field_text(one: Field) -> str:
    facts = [TYPES.get(one.type, str(one.type)), "required" if one.required else "optional"]
    facts += ["one of " + ", ".join(f"`{key}`" for key, _label in one.choices)] if one.choices else []
    facts += [f"`{one.default}` when not given"] if one.default else []
    tail = f". {one.help}" if one.help else ""
    return f"- `{one.name}`: {one.label} ({'; '.join(facts)}){tail}"
