"""Stripe Terminal, server-driven (docs.stripe.com/terminal/payments/collect-card-payment?terminal-sdk-platform=
server-driven): the reader is told by API calls, what it did comes as a webhook or is fetched.
"""

from collections.abc import Sequence
from typing import Any, Final

from stripe.params import PaymentIntentCreateParams
from stripe.params.terminal import ReaderCreateParams

from billing.gateways import amounts
from billing.gateways.base.holds import Hold
from billing.gateways.base.readers import Address, Asking, Reader, ScreenLine

from .client import Part, id_of, member
from .holds import read_hold

ASKING: Final = {"in_progress": Asking.WAITING, "succeeded": Asking.DONE, "failed": Asking.FAILED}
MOST = 100  # of a page, the most that the API gives
OWNER = "organization"


class ReaderPart(Part):
    def readers(self) -> list[Reader]:
        listed = self._ask(lambda: self._client.v1.terminal.readers.list({"limit": MOST}))
        return [read_reader(each) for each in self._ask(lambda: list(listed.auto_paging_iter()))]

    def reader(self, reader_id: str) -> Reader:
        return read_reader(self._ask(lambda: self._client.v1.terminal.readers.retrieve(reader_id)))

    def register_reader(self, *, code: str, label: str, owner: str, location_id: str, key: str) -> Reader:
        params: ReaderCreateParams = {
            "registration_code": code, "label": label, "location": location_id, "metadata": {OWNER: owner},
        }  # fmt: skip
        readers = self._client.v1.terminal.readers
        return read_reader(self._ask(lambda: readers.create(params, {"idempotency_key": key})))

    def claim_reader(self, reader_id: str, *, label: str, owner: str, key: str) -> Reader:
        readers = self._client.v1.terminal.readers
        return read_reader(self._ask(lambda: readers.update(
            reader_id, {"label": label, "metadata": {OWNER: owner}}, {"idempotency_key": key}
        )))  # fmt: skip

    def create_location(self, address: Address, *, owner: str, key: str) -> str:
        locations = self._client.v1.terminal.locations
        made = self._ask(lambda: locations.create(
            {
                "display_name": address.name,
                "address": {
                    "line1": address.line, "city": address.city, "postal_code": address.postal_code,
                    "country": address.country,
                },
                "metadata": {OWNER: owner},
            },
            {"idempotency_key": key},
        ))  # fmt: skip
        return str(made.id)

    def create_present_hold(self, *, reference: str, amount_minor: int, currency: str, title: str, key: str) -> Hold:
        params: PaymentIntentCreateParams = {
            "amount": amounts.to_wire(amount_minor, currency),
            "currency": currency.lower(),
            "allowed_payment_method_types": ["card_present"],
            "capture_method": "manual",
            "description": title,
            "metadata": {"payment": reference},
            "expand": ["latest_charge"],
        }
        intents = self._client.v1.payment_intents
        return read_hold(self._ask(lambda: intents.create(params, {"idempotency_key": key})))

    def ask_tap(self, reader_id: str, intent_id: str, *, key: str) -> Reader:
        readers = self._client.v1.terminal.readers
        return read_reader(self._ask(lambda: readers.process_payment_intent(
            reader_id, {"payment_intent": intent_id, "process_config": {"skip_tipping": True}}, {"idempotency_key": key}
        )))  # fmt: skip

    def stop_asking(self, reader_id: str) -> Reader:
        return read_reader(self._ask(lambda: self._client.v1.terminal.readers.cancel_action(reader_id)))

    def show(self, reader_id: str, lines: Sequence[ScreenLine], *, currency: str, total_minor: int) -> Reader:
        readers = self._client.v1.terminal.readers
        return read_reader(self._ask(lambda: readers.set_reader_display(reader_id, {
            "type": "cart",
            "cart": {
                "currency": currency.lower(),
                "total": amounts.to_wire(total_minor, currency),
                "line_items": [
                    {"description": line.text, "amount": amounts.to_wire(line.amount_minor, currency), "quantity": 1}
                    for line in lines
                ],
            },
        })))  # fmt: skip


def read_reader(reader: Any) -> Reader:
    """Any: the SDK's object, whose members differ by API version."""
    action = getattr(reader, "action", None)
    asked = getattr(action, "process_payment_intent", None) if action else None
    api_error = getattr(action, "api_error", None) if action else None
    return Reader(
        reader_id=reader.id,
        label=reader.label or "",
        device=str(reader.device_type or ""),
        serial=str(reader.serial_number or ""),
        online=reader.status == "online",
        location_id=id_of(getattr(reader, "location", None)),
        owner=member(getattr(reader, "metadata", None), OWNER),
        asking=ASKING.get(str(action.status), Asking.NOTHING) if action and asked else Asking.NOTHING,
        intent_id=id_of(asked.payment_intent) if asked else "",
        error_code=_refusal(action, api_error),
        error_text=str(getattr(action, "failure_message", None) or "")[:255] if action else "",
    )


def _refusal(action: Any, api_error: Any) -> str:
    said = getattr(api_error, "decline_code", None) or getattr(action, "failure_code", None)
    return str(said or "")
