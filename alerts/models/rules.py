"""When is it trouble here: what an organization wants otherwise than the catalogue says."""

from django.core.validators import MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from alerts.vocabulary import IncidentKind, Severity
from evcms.core import clock
from evcms.core.models import Organization


class Rule(models.Model):
    """Overrides the catalogue for one kind of trouble within a scope; what is null stays as the catalogue says.

    The narrowest scope wins: station, then model at a site, model, site, organization. `schedule` is a list of
    {"weekdays": [0..6], "from": "HH:MM", "until": "HH:MM"} in the site's zone; empty means always. `recovery` is a
    list of RecoveryKind, null means the catalogue's.
    """

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="alert_rules")
    kind = models.CharField(_("trouble"), max_length=24, choices=IncidentKind)
    site = models.ForeignKey("stations.Site", models.CASCADE, null=True, blank=True, related_name="+")
    station = models.ForeignKey("stations.Station", models.CASCADE, null=True, blank=True, related_name="+")
    station_model = models.CharField(_("model"), max_length=64, blank=True)
    scope = models.CharField(max_length=120, default="organization", editable=False, help_text=_("All three in one"))
    enabled = models.BooleanField(_("switched on"), default=True)
    threshold = models.PositiveIntegerField(
        _("threshold"), null=True, blank=True, help_text=_("In the unit that the catalogue names")
    )
    duration_s = models.PositiveIntegerField(_("for at least (s)"), null=True, blank=True)
    severity = models.PositiveSmallIntegerField(_("severity"), choices=Severity, null=True, blank=True)
    schedule = models.JSONField(_("when"), default=list, blank=True)
    recovery = models.JSONField(_("automatic steps"), null=True, blank=True)
    recovery_tries = models.PositiveSmallIntegerField(
        _("automatic tries a day"), default=2, validators=[MinValueValidator(0)], help_text=_("For one station")
    )
    interrupts = models.BooleanField(
        _("restart even while somebody charges"), default=False, help_text=_("Only the step that restarts at once")
    )
    policy = models.ForeignKey("alerts.EscalationPolicy", models.SET_NULL, null=True, blank=True, related_name="rules")
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "kind", "scope"], name="one_rule_per_scope"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.station or self.station_model or self.site or self.organization}"
