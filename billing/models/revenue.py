"""Days of money made of bills: what insight reads that looks back over months of a whole network."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from billing.vocabulary import FundingSource
from evcms.core.models import Organization
from stations.models import Site

from .tariffs import Tariff


class RevenueSums(models.Model):
    """Sums of the priced bills whose sessions ended on a local day of the organization; minor units and mWh."""

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="+", db_index=False)
    day = models.DateField()
    tariff = models.ForeignKey(Tariff, models.SET_NULL, null=True, related_name="+")
    source = models.CharField(max_length=8, choices=FundingSource)
    currency = models.CharField(max_length=3)
    step = models.SmallIntegerField(help_text=_("Class of the price (billing.revenue.STEPS); -1: nothing to pay"))
    sessions = models.PositiveIntegerField(default=0)
    energy_mwh = models.BigIntegerField(default=0)
    net_minor = models.BigIntegerField(default=0)
    billed_minor = models.BigIntegerField(default=0)
    unpaid_minor = models.BigIntegerField(default=0)

    class Meta:
        abstract = True


class RevenueDay(RevenueSums):
    """Of all sites together: few rows a day, however large the network is."""

    class Meta:
        indexes = [models.Index(fields=["organization", "day"], name="revenue_by_day")]

    def __str__(self) -> str:
        return f"{self.organization_id} {self.day} {self.source} {self.currency}"


class SiteRevenueDay(RevenueSums):
    """Of one site (None: sessions without one). Narrow: a bill with its trace is hundreds of times as wide."""

    site = models.ForeignKey(Site, models.SET_NULL, null=True, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["organization", "day"], name="site_revenue_by_day")]

    def __str__(self) -> str:
        return f"{self.site_id} {self.day} {self.source} {self.currency}"


class RevenueMark(models.Model):
    """How far an organization's days are counted, in the zone that they were counted in. Locked by whoever counts."""

    organization = models.OneToOneField(Organization, models.CASCADE, related_name="+")
    zone = models.CharField(max_length=64, blank=True)
    day = models.DateField(null=True, help_text=_("The first day that is not counted yet"))

    def __str__(self) -> str:
        return f"{self.organization_id} {self.day}"


class LateBill(models.Model):
    """A bill of this day changed when the day may have been counted: counted again, then deleted. May come often."""

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="+")
    day = models.DateField()

    def __str__(self) -> str:
        return f"{self.organization_id} {self.day}"
