"""Tariffs, frozen prices, payments and receipts. Money is integer minor units; unit prices are decimal text."""

import secrets
from typing import TYPE_CHECKING

from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from evcms.core import clock
from evcms.core.models import Organization, User
from sessions.models import Attempt, ChargingSession, Driver
from stations.models import Connector, Site, Station

from .vocabulary import LOOKS, BillState, PaymentState, RefundState, Step

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

DECIMAL = RegexValidator(r"^\d{1,9}(\.\d{1,6})?\Z", _("A number such as 0.49, with a point"))


def guest_token() -> str:
    """128 bits: who knows it may see and stop that one payment's session."""
    return secrets.token_urlsafe(16)


def price_field(label: "StrOrPromise", default: str = "0") -> models.CharField:
    """A unit price in major units as decimal text: exact on every database."""
    return models.CharField(label, max_length=20, default=default, validators=[DECIMAL])


class Tariff(models.Model):
    """What a driver pays: energy, time, start and idle parts, tax, caps. Edits never touch running sessions."""

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="tariffs")
    name = models.CharField(_("name"), max_length=80)
    currency = models.CharField(_("currency"), max_length=3)
    per_kwh = price_field(_("per kWh"))
    per_minute = price_field(_("per minute of charging"))
    per_start = price_field(_("per session"))
    idle_per_minute = price_field(_("per minute after charging"))
    idle_grace_minutes = models.PositiveSmallIntegerField(_("free minutes after charging"), default=15)
    tax_percent = price_field(_("tax (%)"), "21")
    tax_included = models.BooleanField(_("prices include tax"), default=True)
    max_price = models.CharField(_("never more than"), max_length=20, blank=True, validators=[DECIMAL])
    hold = models.CharField(
        _("amount held"),
        max_length=20,
        default="50",
        validators=[DECIMAL],
        help_text=_("Blocked on the card before the start"),
    )
    created_at = models.DateTimeField(default=clock.now, editable=False)
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)
    history = HistoricalRecords()

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class TariffAssignment(models.Model):
    """Where a tariff holds: the most particular wins (connector, station, site, organization)."""

    tariff = models.ForeignKey(Tariff, models.CASCADE, related_name="assignments")
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="tariff_assignments")
    site = models.ForeignKey(Site, models.CASCADE, null=True, blank=True, related_name="+")
    station = models.ForeignKey(Station, models.CASCADE, null=True, blank=True, related_name="+")
    connector = models.ForeignKey(Connector, models.CASCADE, null=True, blank=True, related_name="+")
    valid_from = models.DateTimeField(default=clock.now)
    valid_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["organization", "valid_from"], name="assignments_in_force")]

    def __str__(self) -> str:
        return f"{self.tariff} → {self.connector or self.station or self.site or self.organization}"


class PriceSnapshot(models.Model):
    """A tariff's terms as they were when somebody relied on them. Immutable; shared by equal terms (`digest`)."""

    tariff = models.ForeignKey(Tariff, models.PROTECT, null=True, related_name="snapshots")
    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    digest = models.CharField(max_length=64)
    terms = models.JSONField(help_text=_("billing.pricing.Terms as JSON"))
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "tariff", "digest"], name="one_snapshot", nulls_distinct=False
            )
        ]

    def __str__(self) -> str:
        return f"{self.tariff} at {self.created_at:%F %T}"


class Payment(models.Model):
    """One hold on one card, and what became of it. Card data never comes here: the provider's page takes it."""

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="payments")
    public_id = models.CharField(max_length=32, unique=True, default=guest_token, editable=False)
    connector = models.ForeignKey(Connector, models.PROTECT, related_name="payments")
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
            models.Index(fields=["organization", "-created_at"], name="payments_of_organization"),
            models.Index(fields=["state", "due_at"], name="payments_to_do"),
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


class Refund(models.Model):
    """Money given back from a captured payment. `public_id` is also the stem of its idempotency keys."""

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="refunds")
    payment = models.ForeignKey(Payment, models.PROTECT, related_name="refunds")
    public_id = models.CharField(max_length=32, unique=True, default=guest_token, editable=False)
    request_key = models.CharField(
        max_length=64, blank=True, help_text=_("The asker's own key: the same key twice is one refund")
    )
    amount_minor = models.BigIntegerField()
    reason = models.CharField(_("reason"), max_length=200)
    state = models.CharField(max_length=10, choices=RefundState, default=RefundState.REQUESTED)
    requested_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
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
            models.UniqueConstraint(
                fields=["payment", "request_key"], condition=~models.Q(request_key=""), name="one_refund_per_request"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount_minor} {self.payment.currency} {self.state}"

    @property
    def look(self) -> str:
        return LOOKS.get(self.state, self.state)


class Bill(models.Model):
    """A session's price: snapshot from the start, total and trace (billing.pricing.Trace as JSON) at the end."""

    session = models.OneToOneField(ChargingSession, models.PROTECT, related_name="bill")
    organization = models.ForeignKey(Organization, models.PROTECT, related_name="bills")
    snapshot = models.ForeignKey(PriceSnapshot, models.PROTECT, null=True, related_name="bills")
    state = models.CharField(max_length=8, choices=BillState, default=BillState.OPEN)
    currency = models.CharField(max_length=3)
    net_minor = models.BigIntegerField(default=0)
    tax_minor = models.BigIntegerField(default=0)
    total_minor = models.BigIntegerField(default=0)
    shortfall_minor = models.BigIntegerField(
        default=0, help_text=_("Part of the total that was not charged; see reason")
    )
    trace = models.JSONField(null=True)
    reason = models.CharField(max_length=160, blank=True, help_text=_("Why it is free, unpaid or waits for a person"))
    created_at = models.DateTimeField(default=clock.now)
    final_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["organization", "final_at"], name="bills_by_day")]

    def __str__(self) -> str:
        return f"bill of {self.session_id}: {self.total_minor} {self.currency}"


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
    """The fiscal document of one paid session, unchanged for ever; numbered without gaps per organization and year."""

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="receipts")
    public_id = models.CharField(max_length=32, unique=True, default=guest_token, editable=False)
    year = models.PositiveSmallIntegerField()
    sequence = models.PositiveIntegerField()
    payment = models.OneToOneField(Payment, models.PROTECT, related_name="receipt")
    bill = models.OneToOneField(Bill, models.PROTECT, related_name="receipt")
    currency = models.CharField(max_length=3)
    net_minor = models.BigIntegerField()
    tax_minor = models.BigIntegerField()
    total_minor = models.BigIntegerField()
    document = models.JSONField(help_text=_("Everything the receipt says: seller, place, times, energy, lines, taxes"))
    issued_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "year", "sequence"], name="receipt_number")]
        ordering = ("-issued_at", "-id")

    def __str__(self) -> str:
        return self.number

    @property
    def number(self) -> str:
        return f"{self.year}-{self.sequence:06d}"


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
