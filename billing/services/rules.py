"""Money rules: who may give how much back alone, and which cards are let charge. Owners only, all of it audited."""

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from billing.models import BillingSettings
from evcms.core import audit
from evcms.core.access import Access, Permission

FIELDS = ("second_person", "refund_limit_minor", "refuse_unfunded", "most_debt_minor")


def edit_rules(
    *, access: Access, second_person: bool, refund_limit_minor: int, refuse_unfunded: bool, most_debt_minor: int
) -> BillingSettings:
    """Raises PermissionDenied for who is no owner, ValidationError for an amount below zero."""
    access.demand(Permission.PEOPLE)
    if min(refund_limit_minor, most_debt_minor) < 0:
        raise ValidationError(_("An amount cannot be below zero."))
    wanted = dict(zip(FIELDS, (second_person, refund_limit_minor, refuse_unfunded, most_debt_minor), strict=True))
    with transaction.atomic():
        BillingSettings.objects.bulk_create([BillingSettings(organization=access.organization)], ignore_conflicts=True)
        row = BillingSettings.objects.select_for_update().get(organization=access.organization)
        before = {name: getattr(row, name) for name in FIELDS}
        changed = {name: [before[name], value] for name, value in wanted.items() if before[name] != value}
        for name, value in wanted.items():
            setattr(row, name, value)
        row.save()
        if changed:
            audit.record(access, "money_rules.edited", row, **changed)
    return row
