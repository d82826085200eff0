"""What a driver or an operator can be told about money, as sentences."""

from .vocabulary import Refusal


class PaymentError(Exception):
    """`text` is a translated sentence for the person who asked."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class PaymentRefused(PaymentError):
    """A paid start is not possible at this connector now; no money has moved."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(str(refusal.label))
        self.refusal = refusal


class ProviderUnavailable(PaymentError):
    """The provider gave no answer or refused; nothing was charged. Trying again may help."""


class IllegalMove(Exception):
    """A payment was asked to go where PAYMENT_MOVES has no way."""
