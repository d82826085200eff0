"""What a session cost, and the fiscal documents about it."""

from django.db import models
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast
from django.utils.translation import gettext_lazy as _

from billing.vocabulary import BillState, FundingSource, ReceiptKind
from evcms.core import clock
from evcms.core.models import Organization, User
from evcms.core.money import format_money
from sessions.models import ChargingSession

from .base import guest_token
from .payments import Payment, Refund
from .tariffs import PriceSnapshot


class Bill(models.Model):
    """A session's price: snapshot from the start, total and trace (billing.pricing.Trace as JSON) at the end."""

    session = models.OneToOneField(ChargingSession, models.PROTECT, related_name="bill")
    organization = models.ForeignKey(Organization, models.PROTECT, related_name="bills")
    snapshot = models.ForeignKey(PriceSnapshot, models.PROTECT, null=True, related_name="bills")
    state = models.CharField(max_length=8, choices=BillState, default=BillState.OPEN)
    source = models.CharField(max_length=8, choices=FundingSource, default=FundingSource.NONE)
    account = models.ForeignKey("billing.Account", models.PROTECT, null=True, related_name="bills")
    voucher = models.ForeignKey("billing.Voucher", models.PROTECT, null=True, related_name="bills")
    statement = models.ForeignKey("billing.Statement", models.PROTECT, null=True, related_name="bills")
    currency = models.CharField(max_length=3)
    net_minor = models.BigIntegerField(default=0)
    tax_minor = models.BigIntegerField(default=0)
    total_minor = models.BigIntegerField(default=0)
    shortfall_minor = models.BigIntegerField(
        default=0, help_text=_("Part of the total that was not charged; see reason")
    )
    waived_minor = models.BigIntegerField(default=0, help_text=_("Part of the shortfall that nobody will ask for"))
    waived_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    waived_reason = models.CharField(max_length=200, blank=True)
    trace = models.JSONField(null=True)
    traced_minor = models.GeneratedField(
        expression=Cast(KeyTextTransform("total", "trace"), models.BigIntegerField()),
        output_field=models.BigIntegerField(null=True), db_persist=True,
        help_text=_("The trace's total, kept by the database beside it: a year's traces are too many to open"),
    )  # fmt: skip
    traced_mwh = models.GeneratedField(
        expression=Cast(KeyTextTransform("energy_mwh", "trace"), models.BigIntegerField()),
        output_field=models.BigIntegerField(null=True), db_persist=True,
        help_text=_("The energy that the trace priced"),
    )  # fmt: skip
    periods = models.JSONField(null=True, help_text=_("All that any tariff needs to price this session; compact"))
    reason = models.CharField(max_length=160, blank=True, help_text=_("Why it is free, unpaid or waits for a person"))
    created_at = models.DateTimeField(default=clock.now)
    final_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["organization", "final_at"], name="bills_by_day"),
            models.Index(fields=["organization"], condition=models.Q(state="review"), name="bills_to_review"),
        ]

    def __str__(self) -> str:
        amount = format_money(self.total_minor, self.currency) if self.currency else "–"
        return f"bill of session {self.session_id}: {amount}"


class ReceiptCounter(models.Model):
    """The last number of an organization's year, locked while the next is taken: no gaps."""

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    year = models.PositiveSmallIntegerField()
    last = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "year"], name="one_counter")]

    def __str__(self) -> str:
        return f"{self.organization_id}/{self.year}: {self.last}"


class Receipt(models.Model):
    """A fiscal document, unchanged for ever: the receipt of a session or a purchase, or the credit note that takes one
    back, whole or (goodwill) in part. Numbered without gaps per organization and year, over all kinds.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="receipts")
    public_id = models.CharField(max_length=32, unique=True, default=guest_token, editable=False)
    year = models.PositiveSmallIntegerField()
    sequence = models.PositiveIntegerField()
    kind = models.CharField(max_length=8, choices=ReceiptKind, default=ReceiptKind.RECEIPT)
    corrects = models.ForeignKey("self", models.PROTECT, null=True, related_name="corrections")
    payment = models.ForeignKey(Payment, models.PROTECT, null=True, related_name="receipts")
    refund = models.ForeignKey(
        Refund, models.PROTECT, null=True, related_name="receipts",
        help_text=_("Of a credit note over a part: the goodwill that it is about; the receipt stands"),
    )  # fmt: skip
    bill = models.ForeignKey(Bill, models.PROTECT, null=True, related_name="receipts")
    currency = models.CharField(max_length=3)
    net_minor = models.BigIntegerField()
    tax_minor = models.BigIntegerField()
    total_minor = models.BigIntegerField()
    document = models.JSONField(help_text=_("Everything the receipt says: seller, place, times, energy, lines, taxes"))
    issued_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "year", "sequence"], name="receipt_number"),
            models.UniqueConstraint(
                fields=["bill"], condition=models.Q(corrects=None, kind="receipt"), name="one_first_receipt"
            ),
        ]
        indexes = [
            models.Index(  # all that the register asks of a month: the documents themselves are wide
                fields=[
                    "organization", "issued_at", "id", "year", "sequence", "kind", "currency", "net_minor",
                    "tax_minor", "total_minor",
                ],
                name="receipts_by_time",
            )
        ]  # fmt: skip
        ordering = ("-issued_at", "-id")

    def __str__(self) -> str:
        return self.number

    @property
    def number(self) -> str:
        return f"{self.year}-{self.sequence:06d}"
