"""What drivers report from the connector page."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from alerts.vocabulary import Problem
from evcms.core import clock
from evcms.core.models import Organization

from .incidents import Incident
from .links import link_token
from .people import Destination, Recipient


class ProblemReport(models.Model):
    """A driver's word about a connector, perhaps with a photo; it belongs to an incident until that is over."""

    public_id = models.CharField(max_length=40, unique=True, default=link_token, editable=False)
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="problem_reports")
    connector = models.ForeignKey("stations.Connector", models.CASCADE, related_name="+")
    problem = models.CharField(_("what is wrong"), max_length=12, choices=Problem)
    text = models.CharField(_("in your words"), max_length=1000, blank=True)
    photo = models.CharField(max_length=200, blank=True, help_text=_("File below the media folder"))
    recipient = models.ForeignKey(Recipient, models.SET_NULL, null=True, related_name="problem_reports")
    destination = models.ForeignKey(Destination, models.SET_NULL, null=True, related_name="+")
    language = models.CharField(max_length=8, default="en")
    incident = models.ForeignKey(Incident, models.SET_NULL, null=True, related_name="reports")
    created_at = models.DateTimeField(default=clock.now)
    closed_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.get_problem_display()} ({self.created_at:%F %H:%M} UTC)"
