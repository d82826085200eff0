"""Free labels that an organization puts on its stations."""

from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from evcms.core.models import Organization


class Tag(models.Model):
    """Offered while a station bears it."""

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="station_tags")
    name = models.CharField(_("tag"), max_length=40)

    class Meta:
        ordering = ("name",)
        constraints = [models.UniqueConstraint("organization", Lower("name"), name="one_tag_of_a_name")]

    def __str__(self) -> str:
        return self.name
