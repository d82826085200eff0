"""OCPP 2.0.1 words into ours and back; 2.1 shares them. Sections: part 2, data types and enumerations."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from evcms.ocpp.charger import Payload
from evcms.ocpp.readings import Value, format_time, parse_number, parse_time, samples, storable
from sessions.vocabulary import Sample, SessionState, TokenDecision, TokenType, Verdict
from stations.vocabulary import Answer, Approval, ConnectorStatus

STATUSES: Final[dict[str, ConnectorStatus | None]] = {  # ConnectorStatusEnumType
    "Available": ConnectorStatus.AVAILABLE,
    "Occupied": None,  # the transaction says how
    "Reserved": ConnectorStatus.RESERVED,
    "Unavailable": ConnectorStatus.UNAVAILABLE,
    "Faulted": ConnectorStatus.FAULTED,
}
CHARGING_STATES: Final = {  # ChargingStateEnumType
    "EVConnected": SessionState.PREPARING,
    "Charging": SessionState.CHARGING,
    "SuspendedEV": SessionState.SUSPENDED_EV,
    "SuspendedEVSE": SessionState.SUSPENDED_EVSE,
    "Idle": SessionState.FINISHING,
}
VERDICTS: Final = {  # AuthorizationStatusEnumType
    Verdict.ACCEPTED: "Accepted",
    Verdict.BLOCKED: "Blocked",
    Verdict.EXPIRED: "Expired",
    Verdict.INVALID: "Invalid",
    Verdict.CONCURRENT: "ConcurrentTx",
    Verdict.NO_CREDIT: "NoCredit",
}
REGISTRATIONS: Final = {  # RegistrationStatusEnumType
    Approval.ACCEPTED: "Accepted",
    Approval.QUARANTINED: "Pending",
    Approval.REJECTED: "Rejected",
}
GOOD: Final = frozenset({"Accepted", "Scheduled", "RebootRequired", "Unlocked"})
CAR_IDS: Final = frozenset({"MACADDRESS", "EVCCID", "VID", "VEHICLEID"})
NEVER_CACHED: Final = frozenset({TokenType.CENTRAL, TokenType.NO_AUTHORIZATION, TokenType.DIRECT_PAYMENT})
TOKEN_TYPES: Final = frozenset(set(TokenType) - {TokenType.DIRECT_PAYMENT})  # IdTokenEnumType; 2.1 takes any


def token(payload: Payload) -> tuple[str, str]:
    """(value, type) of an idToken member; empty when there is none."""
    said = payload.get("idToken")
    return (said["idToken"], said["type"]) if said else ("", TokenType.ISO14443.value)


def car(payload: Payload) -> str:
    """The id of the car beside the token (AdditionalInfoType: a kind of its own choice); empty when it is not told."""
    said = payload.get("idToken") or {}
    told = (info["additionalIdToken"] for info in said.get("additionalInfo", ()) if info["type"].upper() in CAR_IDS)
    return next(told, "")


def id_token(value: str, token_type: str) -> Payload:
    """IdTokenType; what the version has no word for was issued by us."""
    return {"idToken": value, "type": token_type if token_type in TOKEN_TYPES else TokenType.CENTRAL.value}


def id_token_info(decision: TokenDecision, token_type: str) -> Payload:
    """IdTokenInfoType. Tokens that must not be cached get no expiry of a cache entry (C10)."""
    info: Payload = {"status": VERDICTS[decision.verdict]}
    if decision.expires_at is not None and token_type not in NEVER_CACHED:
        info["cacheExpiryDateTime"] = format_time(decision.expires_at)
    if decision.language:
        info["language1"] = decision.language
    if decision.group_id:
        info["groupIdToken"] = {"idToken": decision.group_id, "type": TokenType.CENTRAL.value}
    return info


def number(seq_no: int) -> int | None:
    """seqNo as far as it can be one; 2.0.1 sets no limits."""
    return seq_no if 0 <= seq_no < 2**31 else None


def evse(number: int, connector: int | None = None) -> Payload:
    """EVSEType."""
    return {"id": number} if connector is None else {"id": number, "connectorId": connector}


def meter_values(values: Iterable[Any], received_at: datetime) -> tuple[Sample, ...]:
    """MeterValueType, with the defaults of SampledValueType. Any: JSON that the schema has checked."""
    found: list[Sample] = []
    for value in values:
        at = parse_time(value["timestamp"], received_at)
        found += samples(at, [_value(raw) for raw in value["sampledValue"]])
    return tuple(found)


def _value(raw: dict[str, Any]) -> Value:
    """Any: JSON; fractions are Decimal."""
    said = raw.get
    number, unit, signed = raw["value"], said("unitOfMeasure") or {}, said("signedMeterValue")
    return Value(
        number if type(number) is int else parse_number(str(number)),
        said("measurand", "Energy.Active.Import.Register"),
        unit.get("unit", ""),
        said("phase", ""),
        said("location", ""),
        said("context", ""),
        raw,
        unit.get("multiplier", 0),
        storable({**signed, "context": raw["context"]} if "context" in raw else signed) if signed else None,
    )


def answer(command: object, payload: Payload) -> Answer:
    """The answers that are a status and perhaps a reason."""
    return Answer(payload["status"] in GOOD, payload["status"], payload)


def answers(results: list[Any], payload: Payload) -> Answer:
    """Answers with a status for each part: the first that is not good speaks for all. Any: JSON."""
    statuses = [result["attributeStatus"] for result in results]
    bad = next((status for status in statuses if status not in GOOD), None)
    return Answer(bad is None, bad or statuses[0], payload)


def component_and_variable(key: str) -> tuple[Payload, Payload]:
    """Component.Variable, Component/instance.Variable/instance, Component:1:2.Variable (EVSE 1, connector 2)."""
    component, _, variable = key.partition(".")
    return _component(component), _named(variable or component)


def _component(text: str) -> Payload:
    text, *place = text.split(":")
    component = _named(text)
    numbers = [int(part) for part in place if part.isascii() and part.isdigit()]
    if numbers:
        component["evse"] = evse(*numbers[:2])
    return component


def _named(text: str) -> Payload:
    name, _, instance = text.partition("/")
    return {"name": name, "instance": instance} if instance else {"name": name}


def bare(named: dict[str, Any]) -> Payload:
    """A component or variable without custom data, its members in the order of `component_and_variable`. Any: JSON."""
    return {name: named[name] for name in ("name", "instance", "evse") if name in named}
