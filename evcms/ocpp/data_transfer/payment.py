"""A terminal in the station, told by DataTransfer where the version has no message for it.

`DirectPayment` before the start, `Settlement` after the end; the same services as OCPP 2.1's own messages.
The JSON is described in docs/terminal-by-datatransfer.md.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from billing import services
from billing.vocabulary import SettlementStatus, StationAuthorization, StationReceipt, StationSettlement
from evcms.ocpp.charger import Charger
from evcms.ocpp.readings import parse_time

from .vendor import Message, Reply, Unreadable

VENDOR: Final = "org.evcms.payment"
LONGEST: Final = 255
MOST: Final = Decimal(10) ** 9  # of any currency's major unit


def direct_payment(charger: Charger, data: Any) -> Reply:
    """Any: JSON."""
    said = _object(data)
    accepted = services.station_authorized(
        station_id=charger.station_id,
        authorization=StationAuthorization(
            psp_ref=_text(said, "pspRef"),
            amount=_amount(said, "amount"),
            currency=_text(said, "currency").upper(),
            id_token=_text(said, "idTag"),
            evse=_whole(said, "connectorId"),
            at=_time(charger, said),
        ),
    )
    return Reply(accepted, {} if accepted else {"error": "no price in this currency is in force at this connector"})


def settlement(charger: Charger, data: Any) -> Reply:
    """Any: JSON."""
    said = _object(data)
    status = _text(said, "status")
    if status not in SettlementStatus:
        raise Unreadable("status is one of " + ", ".join(SettlementStatus.values))
    receipt = services.station_settled(
        station_id=charger.station_id,
        settlement=StationSettlement(
            psp_ref=_text(said, "pspRef"),
            status=SettlementStatus(status),
            amount=_amount(said, "amount"),
            at=_time(charger, said),
            currency=_text(said, "currency").upper(),
            transaction_id=_transaction(said),
            receipt_id=_text(said, "receiptId", needed=False),
            vat_number=_text(said, "vatNumber", needed=False),
        ),
    )
    return Reply(True, told(receipt))


def told(receipt: StationReceipt) -> dict[str, Any]:
    """Any: JSON; members that we have."""
    return {name: value for name, value in (("receiptUrl", receipt.url), ("receiptId", receipt.receipt_id)) if value}


def _object(data: Any) -> dict[str, Any]:
    """Any: JSON."""
    if not isinstance(data, dict):
        raise Unreadable("data is a JSON object")
    return data


def _text(said: Mapping[str, Any], name: str, *, needed: bool = True) -> str:
    """Any: JSON."""
    value = said.get(name, "")
    if not isinstance(value, str) or len(value) > LONGEST or (needed and not value.strip()):
        raise Unreadable(f"{name} is a text of at most {LONGEST} characters")
    return value.strip()


def _whole(said: Mapping[str, Any], name: str) -> int | None:
    """Any: JSON."""
    value = said.get(name)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**31):
        raise Unreadable(f"{name} is a whole number")
    return value


def _transaction(said: Mapping[str, Any]) -> str:
    """Any: JSON. A number in 1.6, a text in 2.x; empty when none is said."""
    value = said.get("transactionId", "")
    return (
        _text(said, "transactionId", needed=False)
        if isinstance(value, str)
        else str(_whole(said, "transactionId") or "")
    )


def _amount(said: Mapping[str, Any], name: str) -> Decimal:
    """Any: JSON. Major units."""
    value = said.get(name)
    if not isinstance(value, int | Decimal) or isinstance(value, bool) or not 0 <= value < MOST:
        raise Unreadable(f"{name} is an amount in major units, such as 25.00")
    return Decimal(value)


def _time(charger: Charger, said: Mapping[str, Any]) -> datetime:
    """Any: JSON; the moment of reception when none is said."""
    stamp = said.get("timestamp")
    return parse_time(stamp, charger.received_at) if isinstance(stamp, str) else charger.received_at


MESSAGES: Final[Mapping[str, Message]] = {"DirectPayment": direct_payment, "Settlement": settlement}
