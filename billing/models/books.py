"""The books summed up: what pages read that look back over years of journal lines and provider's movements."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from billing.vocabulary import LedgerAccount
from evcms.core.models import Organization

from .disputes import Payout


class LedgerDay(models.Model):
    """The journal's lines of one local day of the organization, up to the mark's last entry; minor units."""

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="+", db_index=False)
    day = models.DateField()
    account = models.CharField(max_length=20, choices=LedgerAccount)
    kind = models.CharField(max_length=32, help_text=_("Of the entry"))
    currency = models.CharField(max_length=3)
    debit_minor = models.BigIntegerField()
    credit_minor = models.BigIntegerField(help_text=_("Positive, too"))
    lines = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "day", "account", "kind", "currency"], name="one_ledger_day"
            )
        ]

    def __str__(self) -> str:
        return f"{self.organization_id} {self.day} {self.account} {self.currency}"


class LedgerMark(models.Model):
    """How far an organization's journal is summed up, in days of this zone. Locked by whoever counts.

    `entry`: the last one that is in the rows. One with a higher number that was booked before `until` is not in them.
    """

    organization = models.OneToOneField(Organization, models.CASCADE, related_name="+")
    zone = models.CharField(max_length=64, blank=True)
    until = models.DateTimeField(null=True, help_text=_("Entries booked before are counted"))
    entry = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.organization_id} {self.until}"


class PayoutShare(models.Model):
    """What of a payout is an organization's (None: nobody's). It says nothing while the payout's lines are read."""

    payout = models.ForeignKey(Payout, models.CASCADE, related_name="shares", db_index=False)
    organization = models.ForeignKey(Organization, models.CASCADE, null=True, related_name="+")
    net_minor = models.BigIntegerField()
    fee_minor = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["payout", "organization"], name="one_share_of_a_payout")]

    def __str__(self) -> str:
        return f"{self.payout_id} {self.organization_id} {self.net_minor}"
