"""What banks and the provider do with our money: disputes, fees, payouts."""

from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _

from billing.reasons import of_dispute, of_movement
from billing.vocabulary import DisputeState, PayoutState
from evcms.core import clock
from evcms.core.models import Organization, User

from .base import guest_token
from .funding import Collection
from .payments import ONE_OF_BOTH, Payment, Refund

CLAIM_LOOKS: Final[dict[str, str]] = {
    DisputeState.NEEDS_RESPONSE: "warning",
    DisputeState.UNDER_REVIEW: "pending",
    DisputeState.WON: "captured",
    DisputeState.LOST: "failed",
    DisputeState.CLOSED: "released",
}
PAYOUT_LOOKS: Final[dict[str, str]] = {PayoutState.PAID: "captured", PayoutState.CANCELED: "released"}


class Dispute(models.Model):
    """A cardholder's bank takes a payment or a collection (`charge`, exactly one) back until it has decided."""

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="disputes")
    public_id = models.CharField(max_length=32, unique=True, default=guest_token, editable=False)
    payment = models.ForeignKey(Payment, models.PROTECT, null=True, related_name="disputes")
    collection = models.ForeignKey(Collection, models.PROTECT, null=True, related_name="disputes")
    provider_id = models.CharField(max_length=80, unique=True)
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()
    aside_minor = models.BigIntegerField(
        default=0, help_text=_("Of a top-up: kept aside on its balance until the bank has decided")
    )
    fee_minor = models.BigIntegerField(default=0)
    reason = models.CharField(max_length=40)
    state = models.CharField(max_length=16, choices=DisputeState, default=DisputeState.NEEDS_RESPONSE)
    respond_by = models.DateTimeField(null=True)
    evidence_asked_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    evidence_sent_at = models.DateTimeField(null=True)
    error_text = models.CharField(max_length=255, blank=True)
    opened_at = models.DateTimeField(default=clock.now)
    closed_at = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(null=True, help_text=_("When evidence is to be sent"))

    class Meta:
        ordering = ("-opened_at", "-id")
        constraints = [models.CheckConstraint(condition=ONE_OF_BOTH, name="dispute_of_one_charge")]

    def __str__(self) -> str:
        return f"{self.provider_id} {self.state}"

    @property
    def charge(self) -> Payment | Collection:
        """What the provider had charged."""
        found = self.payment or self.collection
        assert found is not None  # dispute_of_one_charge
        return found

    @property
    def look(self) -> str:
        """The status whose shape and colour it is drawn with."""
        return CLAIM_LOOKS.get(self.state, self.state)

    @property
    def reason_in_words(self) -> str:
        return of_dispute(self.reason)


class Payout(models.Model):
    """One transfer of the provider to the bank; of the whole installation's account."""

    provider_id = models.CharField(max_length=80, unique=True)
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()
    state = models.CharField(max_length=10, choices=PayoutState)
    arrives_on = models.DateField(null=True)
    created_at = models.DateTimeField()
    seen_at = models.DateTimeField(default=clock.now)
    checked_at = models.DateTimeField(null=True, help_text=_("When its lines were read and their sum compared"))
    difference_minor = models.BigIntegerField(default=0, help_text=_("Its amount less the sum of its lines"))
    error_text = models.CharField(max_length=255, blank=True)
    due_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-created_at", "-id")

    def __str__(self) -> str:
        return self.provider_id

    @property
    def look(self) -> str:
        return PAYOUT_LOOKS.get(self.state, self.state)


class BalanceLine(models.Model):
    """One movement of the provider's balance, as it reports it, matched to the row of ours that it is about."""

    provider_id = models.CharField(max_length=80, unique=True)
    organization = models.ForeignKey(Organization, models.PROTECT, null=True, related_name="balance_lines")
    payout = models.ForeignKey(Payout, models.PROTECT, null=True, related_name="lines")
    kind = models.CharField(max_length=40)
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()
    fee_minor = models.BigIntegerField(default=0)
    net_minor = models.BigIntegerField()
    source_id = models.CharField(max_length=80, blank=True)
    payment = models.ForeignKey(Payment, models.PROTECT, null=True, related_name="balance_lines")
    refund = models.ForeignKey(Refund, models.PROTECT, null=True, related_name="balance_lines")
    dispute = models.ForeignKey(Dispute, models.PROTECT, null=True, related_name="balance_lines")
    collection = models.ForeignKey(Collection, models.PROTECT, null=True, related_name="balance_lines")
    at = models.DateTimeField()

    class Meta:
        ordering = ("-at", "-id")
        indexes = [models.Index(fields=["at"], condition=models.Q(organization=None), name="lines_of_nobody")]

    def __str__(self) -> str:
        return f"{self.kind} {self.net_minor} {self.currency}"

    @property
    def kind_in_words(self) -> str:
        return of_movement(self.kind)
