"""Double entry, append-only: rows are never changed or deleted; a mistake is posted back."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from billing.vocabulary import LedgerAccount
from evcms.core import clock
from evcms.core.models import Organization

from .disputes import Dispute, Payout
from .documents import Bill
from .funding import Account, Collection, Statement, Voucher
from .payments import Payment, Refund


class JournalEntry(models.Model):
    """One fact about money, balanced: the sum of its lines is 0. `key` makes a second posting of the same fact none."""

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="journal")
    key = models.CharField(max_length=120)
    kind = models.CharField(max_length=32)
    currency = models.CharField(max_length=3)
    at = models.DateTimeField(default=clock.now)
    text = models.CharField(max_length=200, blank=True)
    bill = models.ForeignKey(Bill, models.PROTECT, null=True, related_name="journal")
    payment = models.ForeignKey(Payment, models.PROTECT, null=True, related_name="journal")
    refund = models.ForeignKey(Refund, models.PROTECT, null=True, related_name="journal")
    collection = models.ForeignKey(Collection, models.PROTECT, null=True, related_name="journal")
    account = models.ForeignKey(Account, models.PROTECT, null=True, related_name="journal")
    voucher = models.ForeignKey(Voucher, models.PROTECT, null=True, related_name="journal")
    statement = models.ForeignKey(Statement, models.PROTECT, null=True, related_name="journal")
    dispute = models.ForeignKey(Dispute, models.PROTECT, null=True, related_name="journal")
    payout = models.ForeignKey(Payout, models.PROTECT, null=True, related_name="journal")

    class Meta:
        verbose_name_plural = "journal entries"
        ordering = ("-at", "-id")
        constraints = [models.UniqueConstraint(fields=["organization", "key"], name="posted_once")]
        indexes = [models.Index(fields=["organization", "at"], name="journal_by_time")]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


class JournalLine(models.Model):
    """Signed minor units: debit positive, credit negative. `sub`: whose (account, voucher, tax rate)."""

    entry = models.ForeignKey(JournalEntry, models.PROTECT, related_name="lines")
    account = models.CharField(max_length=20, choices=LedgerAccount)
    sub = models.CharField(max_length=40, blank=True)
    amount_minor = models.BigIntegerField()

    class Meta:
        indexes = [models.Index(fields=["account", "sub"], name="lines_of_account")]

    def __str__(self) -> str:
        return f"{self.account} {self.amount_minor}"

    @property
    def owed(self) -> int:
        """With the sign of the one whom we owe: what came on his balance is positive."""
        return -self.amount_minor


class BillingSettings(models.Model):
    """An organization's rules about money; without a row the defaults hold."""

    organization = models.OneToOneField(Organization, models.CASCADE, related_name="billing_settings")
    second_person = models.BooleanField(
        _("large refunds need a second person"), default=True, help_text=_("An owner may switch it off; it is logged")
    )
    refund_limit_minor = models.BigIntegerField(_("refunds up to this need one person"), default=5000)
    refuse_unfunded = models.BooleanField(
        _("refuse cards without a way to pay"),
        default=False,
        help_text=_("Off: they charge, and the bill stays unpaid until somebody settles it"),
    )
    most_debt_minor = models.BigIntegerField(
        _("open debt that still lets a driver charge"), default=0, help_text=_("Above it the card is refused")
    )

    class Meta:
        verbose_name_plural = "billing settings"

    def __str__(self) -> str:
        return f"money rules of {self.organization}"
