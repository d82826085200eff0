"""The interval store added up by days, for pages of a whole network. See `services.availability_days`."""

from django.db import models

from .street import Site


class AvailabilityDay(models.Model):
    """What a site had come to by the beginning of a local day of its organization: any days are a difference of two.

    The columns are those of `tallies.Tally`; seconds, of all its ports together. They stand for what was counted by
    the hours, the contract, the ports and the zone that the site's mark names.
    """

    site = models.ForeignKey(Site, models.CASCADE, related_name="availability_days")
    day = models.DateField()
    present_s = models.BigIntegerField()
    open_s = models.BigIntegerField()
    contract_s = models.BigIntegerField()
    outage_s = models.BigIntegerField()
    excused_s = models.BigIntegerField()
    closed_s = models.BigIntegerField()
    contract_unseen_s = models.BigIntegerField()
    contract_outage_s = models.BigIntegerField()
    contract_grace_s = models.BigIntegerField()
    contract_excused_s = models.BigIntegerField()
    rapid_open_s = models.BigIntegerField()
    rapid_unseen_s = models.BigIntegerField()
    rapid_broken_s = models.BigIntegerField()
    heard = models.PositiveIntegerField()
    gone = models.PositiveIntegerField()
    rapid_heard = models.PositiveIntegerField()
    rapid_gone = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["day", "site"], name="one_tally_of_a_day")]

    def __str__(self) -> str:
        return f"{self.site_id} by {self.day}"


class AvailabilityDayMark(models.Model):
    """By the beginning of `day` all of a site is counted; None: nothing is.

    `rules` and `ports` say by which hours, contract and zone, and of which ports: where these differ from what holds
    now, the days are not read, and are counted again.
    """

    site = models.OneToOneField(Site, models.CASCADE, related_name="availability_days_mark")
    zone = models.CharField(max_length=64)
    rules = models.CharField(max_length=40)
    ports = models.CharField(max_length=80)
    day = models.DateField(null=True)

    def __str__(self) -> str:
        return f"{self.site_id} until {self.day}"
