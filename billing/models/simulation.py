"""Drafts tried on past sessions: what was asked for, how far it is, what came out."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from billing.vocabulary import RunState
from evcms.core import clock
from evcms.core.models import Organization, User
from stations.models import Site

from .tariffs import Tariff


class SimulationRun(models.Model):
    """One run. `draft` None: each session under the terms it was billed with, which must change nothing."""

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="simulations")
    user = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    tariff = models.ForeignKey(Tariff, models.SET_NULL, null=True, related_name="+")
    name = models.CharField(max_length=80)
    draft = models.JSONField(null=True, help_text=_("billing.terms.Terms as JSON; zone and freezing are each site's"))
    currency = models.CharField(max_length=3)
    sites = models.ManyToManyField(Site, related_name="+")
    since = models.DateField(help_text=_("First day, in the organization's zone"))
    until = models.DateField(help_text=_("Last day"))
    state = models.CharField(max_length=8, choices=RunState, default=RunState.WAITING)
    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    skipped = models.PositiveIntegerField(
        default=0, help_text=_("Sessions without stored periods or of other currency")
    )
    result = models.JSONField(null=True)
    error = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=clock.now)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True, default=clock.now, help_text=_("When a worker may take it (again)"))

    class Meta:
        ordering = ("-created_at", "-id")
        indexes = [models.Index(fields=["due_at"], name="simulations_to_do")]

    def __str__(self) -> str:
        return f"{self.name}: {self.since}–{self.until} {self.state}"
