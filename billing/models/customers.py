"""Who charges, of periods with too many sessions to be counted while somebody waits: asked for, worked, kept."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from billing.vocabulary import RunState
from evcms.core import clock
from evcms.core.models import Membership, Organization


class CustomerRun(models.Model):
    """One counting of local days. `due_at` None: it is over. `asked` tells scopes apart that are not the same rows."""

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="+")
    membership = models.ForeignKey(Membership, models.CASCADE, related_name="+", help_text=_("By whose sites"))
    asked = models.CharField(max_length=160, help_text=_("Site, tariff and segment; of which sites"))
    site = models.BigIntegerField(null=True)
    tariff = models.BigIntegerField(null=True)
    segment = models.CharField(max_length=12)
    since = models.DateField(help_text=_("First day, in the organization's zone"))
    until = models.DateField(help_text=_("Last day"))
    days = models.PositiveIntegerField()
    state = models.CharField(max_length=8, choices=RunState, default=RunState.WAITING)
    result = models.JSONField(null=True, help_text=_("billing.queries.customers.Figures as JSON; nobody is in it"))
    error = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=clock.now)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True, default=clock.now, help_text=_("When a worker may take it (again)"))

    class Meta:
        ordering = ("-created_at", "-id")
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "asked", "since", "until"],
                condition=models.Q(due_at__isnull=False),
                name="one_customer_run",
            )
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=models.Q(due_at__isnull=False), name="customers_to_count"),
            models.Index(fields=["organization", "asked", "until"], name="customers_counted"),
        ]

    def __str__(self) -> str:
        return f"{self.organization_id}: {self.since}–{self.until} {self.state}"
