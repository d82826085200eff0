"""What the stations of the bench say: frames of a boot and of whole sessions, in 1.6 and 2.0.1."""

import itertools
import json
from datetime import UTC, datetime, timedelta

_numbers = itertools.count(1)
TOKEN = "BENCH-{:05}"  # noqa: S105  (an id token)


def call(action, payload):
    return json.dumps([2, f"b{next(_numbers):012}", action, payload], separators=(",", ":"))


def stamp(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def boot(protocol):
    if protocol == "ocpp1.6":
        return call("BootNotification", {"chargePointVendor": "Bench", "chargePointModel": "One"})
    station = {"vendorName": "Bench", "model": "One"}
    return call("BootNotification", {"reason": "PowerUp", "chargingStation": station})


def heartbeat(protocol):
    return call("Heartbeat", {})


def session(protocol, station, number):
    """The frames of one session as a generator: it is sent each answer's payload (the start of 1.6 gives an id)."""
    token = TOKEN.format(station)
    begin = datetime.now(UTC) - timedelta(minutes=9)
    make = _session_16 if protocol == "ocpp1.6" else _session_201
    return make(token, begin, number)


def _values(n):
    energy = 1_000_000 + 250 * n
    return energy, 11_000 + n, 16.1, 52 + n


def _session_16(token, begin, number):
    yield call("Authorize", {"idTag": token})
    base = 1_000_000 + number * 4000
    answer = yield call(
        "StartTransaction",
        {"connectorId": 1, "idTag": token, "meterStart": base, "timestamp": stamp(begin)},
    )
    transaction = json.loads(answer)[2]["transactionId"]
    for n in range(1, 9):
        energy, power, current, soc = _values(n)
        sampled = [
            {"value": str(base + energy - 1_000_000), "measurand": "Energy.Active.Import.Register", "unit": "Wh"},
            {"value": str(power), "measurand": "Power.Active.Import", "unit": "W"},
            {"value": str(current), "measurand": "Current.Import", "unit": "A"},
            {"value": str(soc), "measurand": "SoC", "unit": "Percent"},
        ]
        moment = stamp(begin + timedelta(minutes=n))
        values = [{"timestamp": moment, "sampledValue": sampled}]
        yield call("MeterValues", {"connectorId": 1, "transactionId": transaction, "meterValue": values})
    ended = {
        "transactionId": transaction,
        "idTag": token,
        "meterStop": base + 2250,
        "timestamp": stamp(begin + timedelta(minutes=9)),
        "reason": "Local",
    }
    yield call("StopTransaction", ended)


def _session_201(token, begin, number):
    yield call("Authorize", {"idToken": {"idToken": token, "type": "ISO14443"}})
    transaction = f"{token}-{number}-{begin:%H%M%S%f}"[:36]
    base = 1_000_000 + number * 4000

    def event(kind, sequence, trigger, minutes, energy, **more):
        moment = stamp(begin + timedelta(minutes=minutes))
        _, power, current, soc = _values(sequence)
        sampled = [
            {"value": base + energy, "measurand": "Energy.Active.Import.Register", "unitOfMeasure": {"unit": "Wh"}},
            {"value": power, "measurand": "Power.Active.Import", "unitOfMeasure": {"unit": "W"}},
            {"value": current, "measurand": "Current.Import", "unitOfMeasure": {"unit": "A"}},
            {"value": soc, "measurand": "SoC", "unitOfMeasure": {"unit": "Percent"}},
        ]
        payload = {
            "eventType": kind,
            "timestamp": moment,
            "triggerReason": trigger,
            "seqNo": sequence,
            "transactionInfo": {"transactionId": transaction, "chargingState": "Charging"},
            "evse": {"id": 1, "connectorId": 1},
            "meterValue": [{"timestamp": moment, "sampledValue": sampled}],
        }
        return call("TransactionEvent", payload | more)

    identity = {"idToken": {"idToken": token, "type": "ISO14443"}}
    yield event("Started", 0, "Authorized", 0, 0, **identity)
    for n in range(1, 9):
        yield event("Updated", n, "MeterValuePeriodic", n, 250 * n)
    info = {"transactionId": transaction, "chargingState": "Idle", "stoppedReason": "Local"}
    yield event("Ended", 9, "StopAuthorized", 9, 2250, transactionInfo=info, **identity)
