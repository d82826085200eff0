"""Proofs: asked for, worked by a task, kept for the page."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from billing.vocabulary import RunState
from evcms.core import clock
from evcms.core.models import Organization, User


class ProofRun(models.Model):
    """One run of all checks over local days. `due_at` None: it is over."""

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="proofs")
    user = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+", help_text=_("None: nightly"))
    since = models.DateField(help_text=_("First day, in the organization's zone"))
    until = models.DateField(help_text=_("Last day"))
    state = models.CharField(max_length=8, choices=RunState, default=RunState.WAITING)
    result = models.JSONField(null=True, help_text=_("billing.proof.Proof as JSON"))
    moved = models.JSONField(null=True, help_text=_("What the journal moved: account, currency, amount"))
    error = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=clock.now)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True, default=clock.now, help_text=_("When a worker may take it (again)"))

    class Meta:
        ordering = ("-created_at", "-id")
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "since", "until"],
                condition=models.Q(due_at__isnull=False),
                name="one_proof_run",
            )
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=models.Q(due_at__isnull=False), name="proofs_to_do"),
            models.Index(fields=["organization", "since"], name="proofs_of_period"),
        ]

    def __str__(self) -> str:
        return f"{self.organization_id}: {self.since}–{self.until} {self.state}"
