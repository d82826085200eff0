"""A station that talks to the handlers: its messages and our answers are checked against the version's schemas."""

from datetime import UTC, datetime, timedelta

from django.db import transaction

from evcms.core import clock
from evcms.core.models import Event
from evcms.ocpp import jsontext
from evcms.ocpp.charger import Charger
from evcms.ocpp.readings import format_time
from evcms.ocpp.schemas import schemas_of
from evcms.ocpp.versions import VERSIONS
from sessions.models import ChargingSession, Discrepancy
from stations.vocabulary import Approval

MINUTE = timedelta(minutes=1)
PROTOCOLS = ("ocpp1.6", "ocpp2.0.1", "ocpp2.1")


class Talk:
    """`say(action, payload)` is one CALL through schema, handler (bulk form too, if `many`) and answer schema."""

    def __init__(self, station, protocol, *, many=False):
        self.station, self.protocol, self.many = station, protocol, many
        self.version = VERSIONS[protocol]

    def charger(self, received_at=None):
        return Charger(
            self.station.pk,
            self.station.identity,
            self.station.organization_id,
            self.protocol,
            Approval.ACCEPTED,
            received_at or clock.now(),
            "id",
        )

    def say(self, action, payload, received_at=None):
        payload = jsontext.decode(jsontext.encode(payload))
        schemas = schemas_of(self.protocol)
        schemas.request(action).check(payload)
        charger = self.charger(received_at)
        with transaction.atomic():
            if self.many and action in self.version.MANY:
                answer = self.version.MANY[action]([(charger, payload)])[0]
            else:
                answer = self.version.HANDLERS[action](charger, payload)
        assert schemas.answer(action).is_valid(answer), answer
        return answer


class Teller(Talk):
    """One story in any version: what a driver and a meter do, spelled as the version wants it."""

    def __init__(self, station, protocol, *, many=False):
        super().__init__(station, protocol, many=many)
        self.transaction_id = "tx-1"
        self.seq_no = 0
        self.connector = 1

    @property
    def is_16(self):
        return self.protocol == "ocpp1.6"

    def boot(self, at=None):
        if self.is_16:
            payload = {"chargePointVendor": "Volt", "chargePointModel": "One", "firmwareVersion": "1.2"}
            payload["chargePointSerialNumber"] = "S-1"
        else:
            card = {"vendorName": "Volt", "model": "One", "firmwareVersion": "1.2", "serialNumber": "S-1"}
            payload = {"reason": "PowerUp", "chargingStation": card}
        return self.say("BootNotification", payload, at)

    def status(self, word, at):
        if self.is_16:
            payload = {"connectorId": self.connector, "errorCode": "NoError", "status": word}
            payload["timestamp"] = format_time(at)
        else:
            payload = {"evseId": self.connector, "connectorId": 1, "timestamp": format_time(at)}
            payload["connectorStatus"] = word if word in ("Available", "Faulted", "Unavailable") else "Occupied"
        return self.say("StatusNotification", payload, at)

    def authorize(self, token, at=None):
        if self.is_16:
            return self.say("Authorize", {"idTag": token}, at)["idTagInfo"]
        return self.say("Authorize", {"idToken": {"idToken": token, "type": "ISO14443"}}, at)["idTokenInfo"]

    def start(self, token, at, wh=0, received_at=None, **more):
        if self.is_16:
            payload = {"connectorId": self.connector, "idTag": token, "meterStart": wh, "timestamp": format_time(at)}
            answer = self.say("StartTransaction", payload | more, received_at or at)
            self.transaction_id = answer["transactionId"]
            return answer["idTagInfo"]
        payload = {
            "eventType": "Started",
            "timestamp": format_time(at),
            "triggerReason": "Authorized",
            "seqNo": self._number(),
            "transactionInfo": {"transactionId": self.transaction_id, "chargingState": "EVConnected"},
            "evse": {"id": self.connector, "connectorId": 1},
            "meterValue": [self.meter(at, wh, "Transaction.Begin")],
        }
        if token:
            payload["idToken"] = {"idToken": token, "type": "ISO14443"}
        return self.say("TransactionEvent", payload | more, received_at or at).get("idTokenInfo")

    def meter(self, at, wh, context="Sample.Periodic", unit="Wh", **values):
        """One meterValue; `values` by measurand with dots as underscores, such as Power_Active_Import=7400."""
        sampled = [("Energy.Active.Import.Register", wh, unit)] if wh is not None else []
        units = {"Power.Active.Import": "W", "Current.Import": "A", "Voltage": "V", "SoC": "Percent"}
        sampled += [(name.replace("_", "."), value, units[name.replace("_", ".")]) for name, value in values.items()]
        return {"timestamp": format_time(at), "sampledValue": [self._sampled(*one, context) for one in sampled]}

    def _sampled(self, measurand, value, unit, context):
        if self.is_16:
            said = {"value": str(value), "context": context, "measurand": measurand}
            return said | ({"unit": unit} if unit else {})
        said = {"value": value, "context": context, "measurand": measurand}
        return said | ({"unitOfMeasure": {"unit": unit}} if unit else {})

    def reading(self, at, wh, received_at=None, unit="Wh", **values):
        return self.readings([self.meter(at, wh, unit=unit, **values)], at, received_at)

    def readings(self, meter_values, at, received_at=None, **more):
        if self.is_16:
            payload = {"connectorId": self.connector, "meterValue": meter_values}
            payload["transactionId"] = self.transaction_id
            return self.say("MeterValues", payload, received_at or at)
        payload = {
            "eventType": "Updated",
            "timestamp": format_time(at),
            "triggerReason": "MeterValuePeriodic",
            "seqNo": self._number(),
            "transactionInfo": {"transactionId": self.transaction_id},
            "meterValue": meter_values,
        }
        return self.say("TransactionEvent", payload | more, received_at or at)

    def stop(self, at, wh, reason="EVDisconnected", token="", received_at=None, **more):
        if self.is_16:
            payload = {"transactionId": self.transaction_id, "meterStop": wh, "timestamp": format_time(at)}
            payload |= {"reason": reason} | ({"idTag": token} if token else {})
            return self.say("StopTransaction", payload | more, received_at or at)
        payload = {
            "eventType": "Ended",
            "timestamp": format_time(at),
            "triggerReason": "EVDeparted",
            "seqNo": self._number(),
            "transactionInfo": {"transactionId": self.transaction_id, "stoppedReason": reason},
            "meterValue": [self.meter(at, wh, "Transaction.End")],
        }
        if token:
            payload["idToken"] = {"idToken": token, "type": "ISO14443"}
        return self.say("TransactionEvent", payload | more, received_at or at)

    def _number(self):
        self.seq_no += 1
        return self.seq_no - 1


def ago(**span):
    """A whole second of the past."""
    return (clock.now() - timedelta(**span)).replace(microsecond=0)


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


def only():
    return ChargingSession.objects.get()


def events(name):
    return [event.payload for event in Event.objects.filter(name=name).order_by("pk")]


def discrepancies():
    return list(Discrepancy.objects.order_by("pk").values_list("kind", flat=True))
