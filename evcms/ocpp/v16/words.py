"""OCPP 1.6 words into ours and back. Section numbers: OCPP 1.6 edition 2."""

from datetime import datetime
from typing import Any, Final

from evcms.ocpp.charger import Payload
from evcms.ocpp.readings import Value, format_time, parse_number, parse_time, samples
from sessions.vocabulary import Sample, TokenDecision, Verdict
from stations.vocabulary import Answer, Approval, ConnectorStatus

STATUSES: Final = {  # 7.7 ChargePointStatus
    "Available": ConnectorStatus.AVAILABLE,
    "Preparing": ConnectorStatus.PREPARING,
    "Charging": ConnectorStatus.CHARGING,
    "SuspendedEVSE": ConnectorStatus.SUSPENDED_EVSE,
    "SuspendedEV": ConnectorStatus.SUSPENDED_EV,
    "Finishing": ConnectorStatus.FINISHING,
    "Reserved": ConnectorStatus.RESERVED,
    "Unavailable": ConnectorStatus.UNAVAILABLE,
    "Faulted": ConnectorStatus.FAULTED,
}
VERDICTS: Final = {  # 7.2 AuthorizationStatus
    Verdict.ACCEPTED: "Accepted",
    Verdict.BLOCKED: "Blocked",
    Verdict.EXPIRED: "Expired",
    Verdict.INVALID: "Invalid",
    Verdict.CONCURRENT: "ConcurrentTx",
    Verdict.NO_CREDIT: "Blocked",
}
REGISTRATIONS: Final = {  # 7.40 RegistrationStatus
    Approval.ACCEPTED: "Accepted",
    Approval.QUARANTINED: "Pending",
    Approval.REJECTED: "Rejected",
}
GOOD: Final = frozenset({"Accepted", "Scheduled", "RebootRequired", "Unlocked"})
LONGEST_TAG: Final = 20  # 7.28 IdToken: CiString20
SPELLED: Final = {"Celcius": "Celsius"}


def id_tag_info(decision: TokenDecision) -> Payload:
    """7.26 IdTagInfo."""
    info: Payload = {"status": VERDICTS[decision.verdict]}
    if decision.expires_at is not None:
        info["expiryDate"] = format_time(decision.expires_at)
    if decision.group_id:
        info["parentIdTag"] = decision.group_id[:LONGEST_TAG]
    return info


def meter_values(values: list[Any], received_at: datetime) -> tuple[Sample, ...]:
    """7.31 MeterValue, with the defaults of 7.43 SampledValue. Any: JSON that the schema has checked."""
    found: list[Sample] = []
    for value in values:
        at = parse_time(value["timestamp"], received_at)
        found += samples(at, [_value(raw) for raw in value["sampledValue"]])
    return tuple(found)


def _value(raw: dict[str, Any]) -> Value:
    """Any: JSON."""
    said = raw.get
    is_signed = said("format") == "SignedData"
    unit = said("unit", "")
    return Value(
        None if is_signed else parse_number(raw["value"]),
        said("measurand", "Energy.Active.Import.Register"),
        SPELLED.get(unit, unit),
        said("phase", ""),
        said("location", ""),
        said("context", ""),
        raw,
        signed=raw if is_signed else None,
    )


def milliwatt_hours(meter: int) -> int | None:
    """meterStart and meterStop are Wh. A register below zero, or beyond any meter's, says nothing."""
    return meter * 1000 if 0 <= meter < 10**13 else None


def answer(command: object, payload: Payload) -> Answer:
    """The answers that are a status and nothing else."""
    return Answer(payload["status"] in GOOD, payload["status"], payload)
