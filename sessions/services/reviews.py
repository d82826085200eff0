"""What did not add up, or could not be decided by rule, looked at by a person: once, with a reason, and audited."""

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from evcms.core import audit, clock
from evcms.core.access import Access, Permission
from sessions.models import Attempt, Discrepancy
from sessions.vocabulary import Party, ReviewOutcome
from stations.models import Station
from stations.queries import visible_sites

from . import attempt_days


def resolve_discrepancy(
    *,
    access: Access,
    discrepancy: Discrepancy,
    note: str = "",
    outcome: ReviewOutcome = ReviewOutcome.ACCEPTED,
) -> bool:
    """Somebody has looked. False when somebody was faster. Raises PermissionDenied, Discrepancy.DoesNotExist."""
    if not access.can(Permission.MONEY):  # who sets the money right, and who looks after the stations
        access.demand(Permission.INCIDENTS)
    if not _sees(access, discrepancy.station):
        raise Discrepancy.DoesNotExist
    with transaction.atomic():
        mine = Discrepancy.objects.filter(pk=discrepancy.pk, resolved_at=None).update(
            resolved_at=clock.now(), outcome=outcome, resolved_by=access.user, note=note.strip()[:255]
        )
        if mine:
            audit.record(
                access, "discrepancy.resolved", discrepancy, kind=str(discrepancy.kind), outcome=str(outcome),
                note=note, session=discrepancy.session_id,
            )  # fmt: skip
    return bool(mine)


def decide_cause(*, access: Access, attempt: Attempt, party: Party, reason: str) -> bool:
    """Whose part failed, when the evidence names several. It stands, whatever is found out later.

    False when somebody was faster. Raises PermissionDenied, Attempt.DoesNotExist, ValidationError with a sentence.
    """
    access.demand(Permission.INCIDENTS)
    if not _sees(access, attempt.station):
        raise Attempt.DoesNotExist
    if not reason.strip():
        raise ValidationError(_("Say why."))
    with transaction.atomic():
        open_ = Attempt.objects.filter(pk=attempt.pk, conflicting=True, decided_at=None)
        mine = open_.update(party=party, decided_by=access.user, decided_at=clock.now())
        if mine:
            attempt_days.forget(organization_id=attempt.organization_id, at=attempt.at)
            audit.record(
                access, "attempt.cause_decided", attempt, before=attempt.party, after=str(party), reason=reason.strip()
            )
    return bool(mine)


def _sees(access: Access, station: Station) -> bool:
    visible = access.all_sites or station.site in visible_sites(access)
    return station.organization_id == access.organization.pk and visible
