"""What the message log does not keep: secrets that we set on a station."""

from typing import Any, Final

from evcms.ocpp.charger import Payload
from stations.services.variables import SECRETS

HIDDEN: Final = "(not kept)"


def without_secrets(action: str, payload: Payload) -> Payload:
    """The payload as the log may keep it; the one that is sent stays as it is."""
    if action == "ChangeConfiguration" and ("", payload.get("key")) in SECRETS:
        return payload | {"value": HIDDEN}
    if action == "SetVariables":
        return payload | {"setVariableData": [_row(row) for row in payload.get("setVariableData", [])]}
    return payload


def _row(row: dict[str, Any]) -> dict[str, Any]:
    """Any: JSON."""
    named = (row.get("component", {}).get("name"), row.get("variable", {}).get("name"))
    return row | {"attributeValue": HIDDEN} if named in SECRETS else row
