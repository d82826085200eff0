"""A card terminal built into a charger: it holds an amount, and settles what the session cost.

OCPP 2.1 has messages for it; chargers of older versions tell by DataTransfer (vendor org.evcms.payment).
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from secrets import token_hex
from typing import TYPE_CHECKING

from evcms.simulator.chargers.outbox import Payload
from evcms.simulator.chargers.port import Authorization, Port, Session

if TYPE_CHECKING:
    from evcms.simulator.chargers.charger import Charger

VENDOR = "org.evcms.payment"
HELD = Decimal("50.00")
KNOWS_COST_WITHIN = timedelta(hours=1)


async def pay(charger: Charger, connector: int, held: Decimal = HELD, currency: str = "EUR") -> str:
    """A bank card at the terminal: "Accepted" when the money is held and charging may begin, else why not."""
    port = charger.ports[connector]
    taken = port.authorization is not None or charger.waits_for_phone(port)
    if taken or not charger.may_start(port, "", ""):
        return "Occupied"
    reference = "psp_" + token_hex(10)
    token, kind = await charger.announce_payment(port, reference, held, currency)
    if not token:
        return "Rejected"
    port.screen.message = f"{held} {currency} held on your card"
    patience = charger.patience()
    paid = Authorization(token, kind, "", "Authorized", patience, reference=reference, held=held, currency=currency)
    charger.authorized(port, paid)
    return "Accepted"


async def settle(charger: Charger, port: Port, session: Session) -> None:
    """Once the CSMS has said what it cost: take that, never more than was held, and tell."""
    await charger.wait_for(lambda: session.final_cost is not None, KNOWS_COST_WITHIN.total_seconds())
    amount = min(session.held, session.final_cost or Decimal(0))
    status = "Settled" if amount > 0 else "Canceled"
    charger.tx_settled(port, session, status, amount)


def by_data_transfer(charger: Charger, session: Session, status: str, amount: Decimal) -> Payload:
    """The Settlement message of our vendor."""
    return {
        "pspRef": session.reference,
        "amount": float(amount),
        "currency": session.currency,
        "status": status,
        "transactionId": session.transaction_id,
        "receiptId": f"T-{session.reference[-6:]}",
        "timestamp": charger.timestamp(),
    }


def announcement(charger: Charger, port: Port, reference: str, held: Decimal, currency: str, tag: str) -> Payload:
    """The DirectPayment message of our vendor."""
    return {
        "pspRef": reference,
        "amount": float(held),
        "currency": currency,
        "connectorId": port.plug.evse_id,
        "idTag": tag,
        "timestamp": charger.timestamp(),
    }
