"""How well each station serves those who come."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from evcms.core import clock


class StationHealth(models.Model):
    """Judged by `services.judge_stations` over the last 90 days; the list's filter and the station's page read it."""

    station = models.OneToOneField("stations.Station", models.CASCADE, primary_key=True, related_name="wellness")
    permille = models.PositiveSmallIntegerField(help_text=_("Of 1,000 who come, so many are served"))
    up_permille = models.PositiveSmallIntegerField(help_text=_("Time in order"))
    tried = models.PositiveIntegerField(help_text=_("Attempts that count"))
    failed = models.PositiveIntegerField(help_text=_("Of them, because of the station"))
    target_permille = models.PositiveSmallIntegerField(help_text=_("The availability that is agreed for its site"))
    short = models.BooleanField(help_text=_("Below what is agreed"))
    judged_at = models.DateTimeField(default=clock.now)

    class Meta:
        verbose_name_plural = "station health"
        indexes = [models.Index(fields=["short"], condition=models.Q(short=True), name="health_short")]

    def __str__(self) -> str:
        return f"station {self.station_id}: {self.permille} ‰"
