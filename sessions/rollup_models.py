"""Days made of hours: what pages read that look back over months of a whole network."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from evcms.core import clock
from evcms.core.models import Organization
from stations.models import Connector, Evse, Site

from .vocabulary import AttemptGrouping, PowerClass


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
        indexes = [  # with all that is summed over many sites, so that a month of them opens no row
            models.Index(
                fields=[
                    "day", "site", "ports", "there_seconds", "occupied_seconds", "charging_seconds", "energy_mwh",
                    "deliverable_mwh", "sessions_started", "sessions_ended", "stay_seconds", "ended_mwh",
                ],
                name="site_days_by_day",
            )
        ]  # fmt: skip

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


class SqueezeDay(models.Model):
    """How short a site was on a local day: of all its ports (`power_class` empty) or of those of one class of power.

    `hours`: lists of 24 by the local hour: seconds without a free port, seconds with one (three minutes after a full
    time left out, see `planning.arrivals`), and the starts in those. `missed`: thousandths of drivers who found no free
    port, as estimated, with the bounds of a 90 % interval; None while nobody can say.
    """

    site = models.ForeignKey(Site, models.CASCADE, related_name="squeeze_days", db_index=False)
    day = models.DateField()
    power_class = models.CharField(max_length=4, choices=PowerClass, blank=True)
    ports = models.PositiveIntegerField(default=0)
    full_seconds = models.PositiveIntegerField(default=0)
    down_seconds = models.PositiveIntegerField(default=0, help_text=_("Of all ports together"))
    short_seconds = models.PositiveIntegerField(default=0, help_text=_("In which power was short"))
    hours = models.JSONField(default=dict)
    missed = models.PositiveIntegerField(null=True)
    missed_low = models.PositiveIntegerField(null=True)
    missed_high = models.PositiveIntegerField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["site", "day", "power_class"], name="one_squeeze_day")]
        indexes = [  # as that of the site's days
            models.Index(
                fields=[
                    "day", "power_class", "site", "ports", "full_seconds", "down_seconds", "short_seconds", "missed",
                    "missed_low", "missed_high",
                ],
                name="squeeze_by_day",
            )
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.site_id} {self.day} {self.power_class}"


class SiteDemand(models.Model):
    """Drivers who come to a site in each hour of its week, corrected for those whom nobody saw (`planning.arrivals`).

    `rates`: 168 of them; `low` and `high` bound the week's sum, nine times of ten.
    """

    site = models.OneToOneField(Site, models.CASCADE, related_name="demand")
    rates = models.JSONField(default=list)
    weekly = models.FloatField()
    low = models.FloatField()
    high = models.FloatField()
    since = models.DateField()
    until = models.DateField()
    counted_at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return f"{self.site_id} until {self.until}"


class QueueSign(models.Model):
    """Somebody opened a busy connector's page in this hour: how often, and nothing of who."""

    connector = models.ForeignKey(Connector, models.CASCADE, related_name="queue_signs", db_index=False)
    hour = models.DateTimeField()
    looks = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["connector", "hour"], name="one_queue_sign")]
        indexes = [models.Index(fields=["hour"], name="queue_signs_by_hour")]

    def __str__(self) -> str:
        return f"{self.connector_id} {self.hour:%F %H}"


class AttemptDay(models.Model):
    """Attempts that are over and began on one local day of the organization, counted three ways (`grouping`):
    by hour, stage, cause and rule; by site; by model and firmware. `services.attempt_days` counts them.
    """

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="+", db_index=False)
    zone = models.CharField(max_length=64, help_text=_("In which the day begins"))
    grouping = models.CharField(max_length=5, choices=AttemptGrouping)
    day = models.DateField()
    hour = models.PositiveSmallIntegerField(null=True)
    stage = models.PositiveSmallIntegerField(null=True)
    party = models.CharField(max_length=8, blank=True)
    rule = models.CharField(max_length=20, blank=True)
    site = models.ForeignKey(Site, models.CASCADE, null=True, related_name="+", db_index=False)
    model = models.CharField(max_length=64, blank=True)
    firmware = models.CharField(max_length=64, blank=True)
    attempts = models.PositiveIntegerField()
    counts = models.PositiveIntegerField(help_text=_("In the success rate"))
    well = models.PositiveIntegerField(help_text=_("Ended well"))

    class Meta:
        indexes = [models.Index(fields=["organization", "zone", "grouping", "day"], name="attempt_days")]

    def __str__(self) -> str:
        return f"{self.grouping} {self.day}"
