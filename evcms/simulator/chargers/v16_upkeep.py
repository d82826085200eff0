"""Firmware, logs and extended triggers of a 1.6 charger (1.6 chapter 5; security whitepaper edition 3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from evcms.simulator.chargers import upkeep
from evcms.simulator.chargers.outbox import Payload

if TYPE_CHECKING:
    from evcms.simulator.chargers.v16 import Charger16

ACCEPTED: Payload = {"status": "Accepted"}
REJECTED: Payload = {"status": "Rejected"}


def update_firmware(charger: Charger16, payload: Payload) -> Payload:
    """5.19, answered by nothing."""
    _begin(charger, payload["location"], {"retrieveDateTime": payload["retrieveDate"]}, None)
    return {}


def signed_update(charger: Charger16, payload: Payload) -> Payload:
    _begin(charger, payload["firmware"]["location"], payload["firmware"], payload["requestId"])
    return ACCEPTED


def _begin(charger: Charger16, url: str, times: Payload, request_id: int | None) -> None:
    def say(status: str) -> None:
        if request_id is None:
            charger.say("FirmwareStatusNotification", lambda: {"status": status})
        else:
            charger.say("SignedFirmwareStatusNotification", lambda: {"status": status, "requestId": request_id})

    signed, begins = request_id is not None, upkeep.moment(times, "retrieveDateTime")
    update = upkeep.Update(
        url, say, begins or charger.now(), upkeep.moment(times, "installDateTime"), signed=signed, restarts=signed
    )
    charger.spawn(upkeep.install(charger, update))


def get_diagnostics(charger: Charger16, payload: Payload) -> Payload:
    """5.9. Without a file name it has nothing to send."""
    if charger.faults.log_fails == "refused":
        return {}

    def say(status: str) -> None:
        charger.say("DiagnosticsStatusNotification", lambda: {"status": status})

    wanted = upkeep.Log(payload["location"], f"{charger.identity}-diagnostics.log", "diagnostics", say, "UploadFailed")
    charger.spawn(upkeep.bring(charger, wanted))
    return {"fileName": wanted.name}


def get_log(charger: Charger16, payload: Payload) -> Payload:
    if charger.faults.log_fails == "refused":
        return REJECTED
    kind, number = ("security" if payload["logType"] == "SecurityLog" else "diagnostics"), payload["requestId"]

    def say(status: str) -> None:
        charger.say("LogStatusNotification", lambda: {"status": status, "requestId": number})

    wanted = upkeep.Log(payload["log"]["remoteLocation"], f"{charger.identity}-{kind}.log", kind, say)
    charger.spawn(upkeep.bring(charger, wanted))
    return ACCEPTED | {"filename": wanted.name}


def extended_trigger(charger: Charger16, payload: Payload) -> Payload:
    from evcms.simulator.chargers.v16_commands import trigger

    if payload["requestedMessage"] == "LogStatusNotification":
        charger.say("LogStatusNotification", lambda: {"status": "Idle"})
        return ACCEPTED
    return trigger(charger, payload)


COMMANDS: Mapping[str, Callable[[Any, Payload], Payload]] = {
    "ExtendedTriggerMessage": extended_trigger,
    "GetDiagnostics": get_diagnostics,
    "GetLog": get_log,
    "SignedUpdateFirmware": signed_update,
    "UpdateFirmware": update_firmware,
}
