"""Card payments, their time-line, money given back, and what the provider tells us."""

from typing import TYPE_CHECKING

from django.db import models
from django.utils.translation import gettext_lazy as _

from billing.vocabulary import LOOKS, PaymentKind, PaymentState, ReceiptKind, RefundState, Step
from evcms.core import clock
from evcms.core.models import Organization, User
from sessions.models import Attempt, ChargingSession, Driver
from stations.models import Connector

from .base import guest_token
from .tariffs import PriceSnapshot

if TYPE_CHECKING:
    from .documents import Receipt
    from .funding import Collection


class Payment(models.Model):
    """One hold on one card, and what became of it. Card data never comes here: the provider's page takes it."""

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="payments")
    public_id = models.CharField(max_length=32, unique=True, default=guest_token, editable=False)
    kind = models.CharField(max_length=8, choices=PaymentKind, default=PaymentKind.SCAN)
    connector = models.ForeignKey(Connector, models.PROTECT, related_name="payments")
    method = models.ForeignKey("billing.PaymentMethod", models.SET_NULL, null=True, related_name="payments")
    account = models.ForeignKey("billing.Account", models.PROTECT, null=True, related_name="payments")
    voucher = models.ForeignKey("billing.Voucher", models.PROTECT, null=True, related_name="payments")
    reader = models.ForeignKey("billing.CardReader", models.SET_NULL, null=True, related_name="payments")
    attempt = models.OneToOneField(Attempt, models.PROTECT, null=True, related_name="payment")
    session = models.OneToOneField(ChargingSession, models.PROTECT, null=True, related_name="payment")
    driver = models.ForeignKey(Driver, models.SET_NULL, null=True, related_name="payments")
    snapshot = models.ForeignKey(PriceSnapshot, models.PROTECT, related_name="payments")
    state = models.CharField(max_length=12, choices=PaymentState, default=PaymentState.CREATED)
    currency = models.CharField(max_length=3)
    hold_minor = models.BigIntegerField()
    due_minor = models.BigIntegerField(null=True, help_text=_("To capture, decided at the end"))
    captured_minor = models.BigIntegerField(default=0)
    refunded_minor = models.BigIntegerField(default=0)
    disputed_minor = models.BigIntegerField(default=0, help_text=_("Taken back by the bank for now, or for good"))
    fee_minor = models.BigIntegerField(null=True, help_text=_("What the provider kept, once it has said so"))
    incremental = models.BooleanField(default=False, help_text=_("The provider lets this hold grow"))
    increments = models.PositiveSmallIntegerField(default=0)
    wanted_minor = models.BigIntegerField(null=True, help_text=_("A larger hold that the provider is being asked for"))
    email = models.EmailField(blank=True)
    language = models.CharField(max_length=8, default="en")
    intent_id = models.CharField(max_length=80, blank=True, db_index=True)
    checkout_id = models.CharField(max_length=80, blank=True, db_index=True)
    checkout_url = models.URLField(max_length=600, blank=True)
    charge_id = models.CharField(max_length=80, blank=True)
    card = models.CharField(max_length=40, blank=True, help_text=_("Brand and last four digits, as receipts show them"))
    capture_before = models.DateTimeField(null=True)
    error_code = models.CharField(max_length=80, blank=True)
    error_text = models.CharField(max_length=255, blank=True)
    created_at = models.DateTimeField(default=clock.now)
    authorized_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(null=True, help_text=_("When the sweep looks at it next"))

    class Meta:
        ordering = ("-created_at", "-id")
        indexes = [
            models.Index(  # all that the sums of a list read, so that a month of them opens no row
                fields=[
                    "organization",
                    "-created_at",
                    "currency",
                    "state",
                    "captured_minor",
                    "refunded_minor",
                    "due_minor",
                    "hold_minor",
                    "error_code",
                ],
                name="payments_of_organization",
            ),
            models.Index(fields=["state", "due_at"], name="payments_to_do"),
            models.Index(
                fields=["organization", "settled_at"],
                condition=models.Q(settled_at__isnull=False),
                name="payments_by_day",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(captured_minor__lte=models.F("hold_minor")), name="capture_within_hold"
            ),
            models.CheckConstraint(
                condition=models.Q(refunded_minor__lte=models.F("captured_minor")), name="refund_within_capture"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.public_id[:8]} {self.state}"

    @property
    def receipt(self) -> "Receipt | None":
        """The document that holds now: the newest receipt that no credit note has taken back whole."""
        whole = (document for document in self.receipts.all() if document.refund_id is None)
        documents = sorted(whole, key=lambda document: document.pk)
        taken_back = {document.corrects_id for document in documents if document.kind == ReceiptKind.CREDIT}
        standing = [each for each in documents if each.kind == ReceiptKind.RECEIPT and each.pk not in taken_back]
        return standing[-1] if standing else None


class PaymentEvent(models.Model):
    """A payment's time-line: what happened, when, by whose word."""

    payment = models.ForeignKey(Payment, models.CASCADE, related_name="events")
    at = models.DateTimeField(default=clock.now)
    kind = models.CharField(max_length=40)
    text = models.CharField(max_length=255, blank=True)
    amount_minor = models.BigIntegerField(null=True)

    class Meta:
        ordering = ("at", "id")

    def __str__(self) -> str:
        return self.kind

    @property
    def currency(self) -> str:
        return self.payment.currency

    @property
    def label(self) -> str:
        """The kind in words: a state that the payment came to, or a step on its way."""
        for words in (PaymentState, Step):
            if self.kind in words:
                return str(words(self.kind).label)
        return self.kind

    @property
    def look(self) -> str:
        """The status whose shape and colour it is drawn with."""
        return LOOKS.get(self.kind, self.kind)


ONE_OF_BOTH = models.Q(payment__isnull=False, collection=None) | models.Q(payment=None, collection__isnull=False)


class Refund(models.Model):
    """Money given back from a captured payment or a paid collection (`charge`, exactly one). `public_id` is also the
    stem of its idempotency keys.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="refunds")
    payment = models.ForeignKey(Payment, models.PROTECT, null=True, related_name="refunds")
    collection = models.ForeignKey("billing.Collection", models.PROTECT, null=True, related_name="refunds")
    public_id = models.CharField(max_length=32, unique=True, default=guest_token, editable=False)
    request_key = models.CharField(
        max_length=64, blank=True, help_text=_("The asker's own key: the same key twice is one refund")
    )
    amount_minor = models.BigIntegerField()
    reason = models.CharField(_("reason"), max_length=200)
    state = models.CharField(max_length=10, choices=RefundState, default=RefundState.REQUESTED)
    requested_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    decided_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+", help_text=_("The second person"))
    decided_at = models.DateTimeField(null=True)
    provider_id = models.CharField(max_length=80, blank=True, db_index=True)
    error_text = models.CharField(max_length=255, blank=True)
    created_at = models.DateTimeField(default=clock.now)
    done_at = models.DateTimeField(null=True)
    refusals = models.PositiveSmallIntegerField(default=0, help_text=_("Answers that were a no: each takes a new key"))
    tries = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(null=True, help_text=_("When the sweep looks at it next"))

    class Meta:
        ordering = ("-created_at", "-id")
        indexes = [models.Index(fields=["state", "due_at"], name="refunds_to_do")]
        constraints = [
            models.CheckConstraint(condition=models.Q(amount_minor__gt=0), name="refund_is_positive"),
            models.CheckConstraint(condition=ONE_OF_BOTH, name="refund_of_one_charge"),
            models.UniqueConstraint(
                fields=["payment", "request_key"], condition=~models.Q(request_key=""), name="one_refund_per_request"
            ),
            models.UniqueConstraint(
                fields=["collection", "request_key"],
                condition=~models.Q(request_key=""),
                name="one_refund_per_request_of_collection",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount_minor} {self.charge.currency} {self.state}"

    @property
    def charge(self) -> "Payment | Collection":
        """What the provider had charged."""
        found = self.payment or self.collection
        assert found is not None  # refund_of_one_charge
        return found

    @property
    def look(self) -> str:
        return LOOKS.get(self.state, self.state)


class WebhookEvent(models.Model):
    """What the provider told us: stored once, applied by fetching the object, both in one transaction."""

    provider_id = models.CharField(max_length=80, unique=True)
    kind = models.CharField(max_length=80)
    object_id = models.CharField(max_length=80, blank=True)
    received_at = models.DateTimeField(default=clock.now)
    applied_at = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(null=True, default=clock.now, help_text=_("When it is applied; null when it was"))
    error = models.CharField(max_length=255, blank=True)

    class Meta:
        indexes = [models.Index(fields=["due_at"], condition=models.Q(applied_at=None), name="webhooks_to_apply")]

    def __str__(self) -> str:
        return f"{self.kind} {self.provider_id}"
