"""What the forecast "free by" learnt last night, and how good the same way was on weeks that it had not seen."""

from django.db import models

from evcms.core import clock
from evcms.core.models import Organization
from stations.models import Site


class FreeByFit(models.Model):
    """Of a network. `tables`: `general` and `knots` of planning.freeby.Model; `scores`: its Score of each horizon."""

    organization = models.OneToOneField(Organization, models.CASCADE, related_name="free_by_fit")
    made_at = models.DateTimeField(default=clock.now)
    since = models.DateTimeField()
    held_out = models.DateTimeField(help_text="From here on weeks were kept back for the score")
    until = models.DateTimeField()
    ports = models.PositiveIntegerField(default=0)
    looks = models.PositiveIntegerField(default=0)
    tables = models.JSONField(default=dict)
    scores = models.JSONField(default=list)

    def __str__(self) -> str:
        return f"{self.organization_id} {self.made_at:%F}"


class FreeBySite(models.Model):
    """What one site has of its own."""

    site = models.OneToOneField(Site, models.CASCADE, related_name="free_by")
    made_at = models.DateTimeField(default=clock.now)
    table = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"{self.site_id} {self.made_at:%F}"
