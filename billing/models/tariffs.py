"""What a driver pays, where it holds, and its frozen form. Unit prices are decimal text in major units."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from evcms.core import clock
from evcms.core.models import Organization
from sessions.models import DriverGroup
from stations.models import Connector, Site, Station

from .base import DECIMAL, price_field


class Tariff(models.Model):
    """What a driver pays: elements of prices, blocking, tax, caps. Edits never touch running sessions."""

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="tariffs")
    name = models.CharField(_("name"), max_length=80)
    currency = models.CharField(_("currency"), max_length=3)
    elements = models.JSONField(
        _("prices"), default=list, help_text=_("Elements as OCPI says them (billing.terms.Element as JSON)")
    )
    idle = models.JSONField(
        _("blocking"), default=dict, blank=True, help_text=_("Grace, cap and night pause (billing.terms.Idle as JSON)")
    )
    tax_included = models.BooleanField(_("prices include tax"), default=True)
    min_price = models.CharField(
        _("never less than"), max_length=20, blank=True, validators=[DECIMAL], help_text=_("Once energy has flowed")
    )
    max_price = models.CharField(_("never more than"), max_length=20, blank=True, validators=[DECIMAL])
    holidays_of = models.CharField(
        _("holidays of"), max_length=12, blank=True, help_text=_("A country or part of one: NL, DE-BY")
    )
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
    """Where a tariff holds. Of several the highest priority wins, then a driver group's own, then the most particular
    place (connector, station, site, organization), then the one that began last.
    """

    tariff = models.ForeignKey(Tariff, models.CASCADE, related_name="assignments")
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="tariff_assignments")
    site = models.ForeignKey(Site, models.CASCADE, null=True, blank=True, related_name="+")
    station = models.ForeignKey(Station, models.CASCADE, null=True, blank=True, related_name="+")
    connector = models.ForeignKey(Connector, models.CASCADE, null=True, blank=True, related_name="+")
    group = models.ForeignKey(DriverGroup, models.CASCADE, null=True, blank=True, related_name="+")
    priority = models.SmallIntegerField(_("priority"), default=0, help_text=_("A higher one wins over a nearer place"))
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
    terms = models.JSONField(help_text=_("billing.terms.Terms as JSON"))
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "tariff", "digest"], name="one_snapshot", nulls_distinct=False
            )
        ]

    def __str__(self) -> str:
        return f"{self.tariff} at {self.created_at:%F %T} UTC"


class SitePricing(models.Model):
    """What money must know of a site; without a row: split at the boundary, energy cost unknown."""

    site = models.OneToOneField(Site, models.CASCADE, related_name="pricing")
    frozen = models.BooleanField(
        _("price of the start holds for the whole session"),
        default=False,
        help_text=_("Some rules (NEVI, 23 CFR 680) forbid a price that changes during a session"),
    )
    energy_cost = price_field(_("energy cost per kWh"))
    history = HistoricalRecords()

    class Meta:
        verbose_name_plural = "site pricing"

    def __str__(self) -> str:
        return f"pricing of {self.site}"
