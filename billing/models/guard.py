"""What a station itself was told about a session's money: how far it may go without us, and what it shows."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from evcms.core import clock
from sessions.models import ChargingSession


class GuardState(models.TextChoices):
    PLANNED = "planned", _("the station is being told")
    ACCEPTED = "accepted", _("the station stops by itself")
    REFUSED = "refused", _("no offline guard: the station refused the limit")
    UNSUPPORTED = "unsupported", _("no offline guard: the station knows no such limit")


class BudgetGuard(models.Model):
    """The limit that holds while the station is out of our reach: then, or with so much energy, it stops."""

    session = models.OneToOneField(ChargingSession, models.CASCADE, related_name="budget_guard")
    state = models.CharField(max_length=12, choices=GuardState, default=GuardState.PLANNED)
    until = models.DateTimeField(null=True, help_text=_("At full power the station stops then"))
    limit_mwh = models.BigIntegerField(null=True, help_text=_("Energy of the session at which it stops"))
    by_transaction_limit = models.BooleanField(default=False, help_text=_("OCPP 2.1 transactionLimit, not a profile"))
    command_id = models.UUIDField(null=True, db_index=True)
    told_at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return f"{self.session_id}: {self.state}"

    @property
    def warning(self) -> str:
        """What a page says when the station does not stop by itself; empty while it does, or may."""
        alone = self.state in (GuardState.REFUSED, GuardState.UNSUPPORTED)
        return str(GuardState(self.state).label) if alone else ""


class CostShown(models.Model):
    """What the station's display was last told of a session's cost."""

    session = models.OneToOneField(ChargingSession, models.CASCADE, related_name="cost_shown")
    total_minor = models.BigIntegerField()
    at = models.DateTimeField(default=clock.now)
    final = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"{self.session_id}: {self.total_minor}"
