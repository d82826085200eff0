"""OCPP 2.1, C: NotifyWebPaymentStarted (C25), NotifySettlement (C20-C23), VatNumberValidation (C22)."""

from decimal import Decimal

from billing import services, vat
from billing.vocabulary import SettlementStatus, StationSettlement
from evcms.ocpp.charger import Call, Charger, CommandCodec, Payload
from evcms.ocpp.data_transfer.payment import told
from evcms.ocpp.readings import parse_time
from stations import commands
from stations.vocabulary import Answer


def notify_settlement(charger: Charger, payload: Payload) -> Payload:
    receipt = services.station_settled(
        station_id=charger.station_id,
        settlement=StationSettlement(
            psp_ref=payload["pspRef"],
            status=SettlementStatus(payload["status"]),
            amount=Decimal(payload["settlementAmount"]),
            at=parse_time(payload["settlementTime"], charger.received_at),
            transaction_id=payload.get("transactionId", ""),
            status_text=payload.get("statusInfo", ""),
            receipt_id=payload.get("receiptId", ""),
            receipt_url=payload.get("receiptUrl", ""),
            vat_number=payload.get("vatNumber", ""),
            company=payload.get("vatCompany", {}).get("name", ""),
        ),
    )
    return told(receipt)


def vat_number(charger: Charger, payload: Payload) -> Payload:
    """Form and check digits; we ask no register, so no company is named."""
    said = {name: payload[name] for name in ("vatNumber", "evseId") if name in payload}
    try:
        vat.check(payload["vatNumber"])
    except vat.WrongVatNumber as error:
        return said | {
            "status": "Rejected",
            "statusInfo": {"reasonCode": "InvalidVatNumber", "additionalInfo": error.reason},
        }
    return said | {"status": "Accepted"}


def _web(command: commands.WebPaymentStarted) -> Call:
    return Call("NotifyWebPaymentStarted", {"evseId": command.evse, "timeout": command.timeout})


def _heard(command: commands.WebPaymentStarted, payload: Payload) -> Answer:
    """The answer says nothing: it has heard."""
    return Answer(True, "Accepted", payload)


HANDLERS = {"NotifySettlement": notify_settlement, "VatNumberValidation": vat_number}
COMMANDS = {commands.WebPaymentStarted: CommandCodec(_web, _heard)}
