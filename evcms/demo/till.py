"""The past's payments at the provider double: the objects that live calls leave, so that refunds work on them."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from django.conf import settings

from billing.gateways.amounts import from_wire, to_wire
from billing.gateways.base import Claim, ClaimStatus, Transfer, TransferStatus
from billing.models import Collection, Payment
from billing.vocabulary import Purpose
from evcms.simulator.provider import history
from evcms.simulator.provider.history import History
from evcms.simulator.provider.provider import Provider
from evcms.simulator.provider.resources import terminal

AT_ONCE: Final = 500  # payments in one transaction of the double's file
NUMBERS: Final = {"4444": "5555555555554444", "8431": "3566002020360505", "5556": "4000056655665556"}
USUAL: Final = "4242424242424242"
DECLINED: Final = ("4000000000009995", "4000000000000002", "4000000000000069")
PAGE_LIVES: Final = timedelta(minutes=45)  # billing.services.payments


@dataclass(frozen=True)
class Held:
    """What the provider says of one payment; empty where nothing came."""

    intent_id: str
    charge_id: str
    checkout_id: str
    url: str
    card: str
    capture_before: datetime | None
    decline: tuple[str, str] = ("", "")


class Till:
    """`hold` writes one payment with its end; a second call with the same payment changes nothing."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._block: Any = None  # Any: the open context manager of `history`
        self._past: History | None = None
        self._count = 0

    def hold(
        self, payment: Payment, *, at: datetime, number: str = USUAL, taken: int | None = None, until: datetime
    ) -> Held:
        """`taken`: minor units captured at `until`; 0 frees the hold; None: the card was declined, the page closed."""
        past = self._open()
        paid = past.payment(
            payment.public_id,
            amount=payment.hold_minor,
            currency=payment.currency.lower(),
            at=int(at.timestamp()),
            taken=taken,
            taken_at=int(until.timestamp()),
            number=number,
            description=_title(payment),
            metadata={"payment": payment.public_id},
            page=_page(payment, at),
        )
        if taken is None:
            past.close_page(payment.public_id, paid.session, at=int(until.timestamp()))
        return self._held(paid.intent, paid.charge, paid.session)

    def saved(self, payment: Payment, *, at: datetime, taken: int, until: datetime) -> Held:
        """A hold on the payment's card on file, as `hold`; no page."""
        assert payment.method is not None
        paid = self._open().payment(
            payment.public_id, amount=payment.hold_minor, currency=payment.currency.lower(), at=int(at.timestamp()),
            taken=taken, taken_at=int(until.timestamp()), customer=payment.method.customer_id,
            method=payment.method.method_id, description=_title(payment), metadata={"payment": payment.public_id},
        )  # fmt: skip
        return self._held(paid.intent, paid.charge, "")

    def collect(self, row: Collection, *, at: datetime, until: datetime) -> Held:
        """A top-up, debt or statement that was paid on its page."""
        page = _page_of(row, at, f"{settings.PUBLIC_URL}/pay/{row.public_id}/back")
        paid = self._open().payment(
            row.public_id, amount=row.amount_minor, currency=row.currency.lower(), at=int(at.timestamp()),
            taken=row.amount_minor, taken_at=int(until.timestamp()), description=str(Purpose(row.purpose).label),
            metadata=page["metadata"], page=page,
        )  # fmt: skip
        return self._held(paid.intent, paid.charge, paid.session)

    def dispute(self, row: Collection, *, reason: str, at: datetime) -> Claim:
        """Its bank takes the whole of it back; nobody has answered yet."""
        key = f"dispute-{row.public_id}"
        made = self._open().dispute(key, row.charge_id, reason=reason, at=int(at.timestamp()))
        currency = row.currency
        return Claim(
            dispute_id=made["id"], intent_id=row.intent_id, charge_id=row.charge_id, currency=currency,
            amount_minor=from_wire(made["amount"], currency), taken_minor=from_wire(made["amount"], currency),
            fee_minor=from_wire(sum(line["fee"] for line in made["balance_transactions"]), currency), reason=reason,
            status=ClaimStatus.NEEDS_RESPONSE, opened_at=at,
            respond_by=datetime.fromtimestamp(made["evidence_details"]["due_by"], UTC),
        )  # fmt: skip

    def pay_out(self, currency: str, *, at: datetime) -> Transfer | None:
        """What had become available by then goes to the bank; None when there was nothing."""
        identifier = self._open().payout(f"payout-{at:%Y-%m-%d}", currency.lower(), at=int(at.timestamp()))
        made = self._provider.store.get(identifier) if identifier else None
        if made is None:
            return None
        return Transfer(
            transfer_id=made["id"], currency=currency, amount_minor=from_wire(made["amount"], currency),
            status=TransferStatus(made["status"]), itemized=bool(made["automatic"]),
            created_at=datetime.fromtimestamp(made["created"], UTC),
            arrives_on=datetime.fromtimestamp(made["arrival_date"], UTC).date(),
        )  # fmt: skip

    def refund(self, payment: Payment, reference: str, *, amount: int, at: datetime) -> str:
        return self._open().refund(
            reference,
            payment.charge_id,
            amount=amount,
            at=int(at.timestamp()),
            metadata={"refund": reference},
        )

    def card(self, key: str, *, email: str, name: str, at: datetime, number: str = USUAL) -> tuple[str, str]:
        """(customer, payment method) of a driver who saved a card at `at`."""
        past, moment = self._open(), int(at.timestamp())
        customer = past.customer(key, at=moment, email=email, name=name)
        return customer, past.card(f"{key}-card", customer, at=moment, number=number)

    def reader(self, label: str, *, owner: str, place: str, address: dict[str, str]) -> tuple[str, str]:
        """(reader, its location) of that label; made when there is none. Before the first payment of a seeding."""
        known = self._provider.store.select("terminal.reader", [("label", "=", label)])
        if known:
            return str(known[0]["id"]), str(known[0]["location"])
        mine = {"organization": owner}
        location = self._provider.effect(
            lambda call: terminal.create_location(call, {"display_name": place, "address": address, "metadata": mine})
        )
        values = {"registration_code": "simulated-wpe", "label": label, "location": location["id"], "metadata": mine}
        made = self._provider.effect(lambda call: terminal.create_reader(call, values))
        return str(made["id"]), str(location["id"])

    def _open(self) -> History:
        if self._past is None or self._count >= AT_ONCE:
            self.close()
            self._block = history(self._provider)
            self._past = self._block.__enter__()
        self._count += 1
        return self._past

    def close(self) -> None:
        if self._past is not None:
            self._block.__exit__(None, None, None)
        self._past, self._count = None, 0

    def abandon(self, error: BaseException) -> None:
        """What is not closed yet is taken back."""
        if self._past is not None:
            with suppress(type(error)):
                self._block.__exit__(type(error), error, error.__traceback__)
        self._past = None

    def _held(self, intent_id: str, charge_id: str, checkout_id: str) -> Held:
        store = self._provider.store
        charge, intent = store.get(charge_id) or {}, store.get(intent_id) or {}
        details = charge.get("payment_method_details") or {}
        card = details.get(details.get("type", ""), {})
        before = charge.get("_hold_until")  # until the capture the card's `capture_before` says the same
        error = intent.get("last_payment_error") or {}
        return Held(
            intent_id,
            charge_id,
            checkout_id,
            f"{self._provider.public_url}/c/pay/{checkout_id}",
            f"{str(card.get('brand', 'card')).title()} •••• {card['last4']}" if card else "",
            datetime.fromtimestamp(before, UTC) if before else None,
            (str(error.get("decline_code") or error.get("code") or ""), str(error.get("message") or "")),
        )


def _title(payment: Payment) -> str:
    return f"Charging at {payment.connector}"


def _page(payment: Payment, at: datetime) -> dict[str, Any]:
    """Any: parameters of a Checkout Session, as billing.gateways.stripe sends them."""
    price = {
        "currency": payment.currency.lower(),
        "unit_amount": to_wire(payment.hold_minor, payment.currency),
        "product_data": {"name": _title(payment)},
    }
    return {
        "client_reference_id": payment.public_id,
        "allowed_payment_method_types": ["card"],
        "line_items": [{"quantity": 1, "price_data": price}],
        "metadata": {"payment": payment.public_id},
        "customer_email": payment.email,
        "success_url": f"{settings.PUBLIC_URL}/s/{payment.public_id}/back",
        "cancel_url": f"{settings.PUBLIC_URL}/c/{payment.connector.code}",
        "expires_at": int((at + PAGE_LIVES).timestamp()),
    }


def _page_of(row: Collection, at: datetime, back: str) -> dict[str, Any]:
    """Any: as `_page`."""
    price = {
        "currency": row.currency.lower(),
        "unit_amount": to_wire(row.amount_minor, row.currency),
        "product_data": {"name": str(Purpose(row.purpose).label)},
    }
    return {
        "client_reference_id": row.public_id,
        "allowed_payment_method_types": ["card"],
        "line_items": [{"quantity": 1, "price_data": price}],
        "metadata": {"collection": row.public_id},
        "customer_email": row.email,
        "success_url": back,
        "cancel_url": back,
        "expires_at": int((at + PAGE_LIVES).timestamp()),
    }


@contextmanager
def opened(file: Path) -> Iterator[Till]:
    """The double's file, which no double may serve meanwhile."""
    provider = Provider(str(file), public_url=settings.STRIPE_API_BASE, merchant="Marenhaven Laadt")
    till = Till(provider)
    try:
        yield till
        till.close()
    except BaseException as error:
        till.abandon(error)
        raise
    finally:
        provider.close()
