"""Days made of hours: what pages read that look back over months of a whole network."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from evcms.core import clock
from evcms.core.models import Organization
from stations.models import Evse, Site


class UsageDay(models.Model):
    """Sums of one local day. `hours`: lists of 24 (there, occupied, charging, started, energy), by the local hour;
    `stays` and `energies`: how many of the sessions that ended lie in each class (`vocabulary.STAYS_S`, `…_MWH`).
    """

    day = models.DateField()
    ports = models.PositiveIntegerField(default=0)
    there_seconds = models.BigIntegerField(default=0, help_text=_("Ports times the seconds that the day has had"))
    occupied_seconds = models.BigIntegerField(default=0)
    charging_seconds = models.BigIntegerField(default=0)
    energy_mwh = models.BigIntegerField(default=0)
    deliverable_mwh = models.BigIntegerField(default=0, help_text=_("What the ports could give while cars charged"))
    sessions_started = models.PositiveIntegerField(default=0)
    sessions_ended = models.PositiveIntegerField(default=0)
    stay_seconds = models.BigIntegerField(default=0, help_text=_("Of the sessions that ended"))
    ended_mwh = models.BigIntegerField(default=0)
    hours = models.JSONField(default=dict)
    stays = models.JSONField(default=list)
    energies = models.JSONField(default=list)
    counted_at = models.DateTimeField(default=clock.now)

    class Meta:
        abstract = True


class SiteDay(UsageDay):
    """In the site's own zone."""

    site = models.ForeignKey(Site, models.CASCADE, related_name="usage_days", db_index=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["site", "day"], name="one_site_day")]
        indexes = [models.Index(fields=["day"], name="site_days_by_day")]

    def __str__(self) -> str:
        return f"{self.site_id} {self.day}"


class NetworkDay(UsageDay):
    """All sites of an organization in one zone, so that a network of thousands is few rows a day."""

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="usage_days", db_index=False)
    zone = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "day", "zone"], name="one_network_day")]

    def __str__(self) -> str:
        return f"{self.organization_id} {self.zone} {self.day}"


class LateHour(models.Model):
    """An hour of a day that was thought final has changed: counted again, then deleted. The same one may come often."""

    evse = models.ForeignKey(Evse, models.CASCADE, related_name="+", db_index=False)
    hour = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.evse_id} {self.hour:%F %H}"


class RollupMark(models.Model):
    """How far an organization's days are final. Locked by whoever counts."""

    organization = models.OneToOneField(Organization, models.CASCADE, related_name="+")
    day = models.DateField(null=True, help_text=_("The first day that will be counted again"))

    def __str__(self) -> str:
        return f"{self.organization_id} {self.day}"
