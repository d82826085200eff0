"""An organization's rules about money as they stand; without a row of its own the defaults hold."""

from .models import BillingSettings


def rules_of(organization_id: int) -> BillingSettings:
    found = BillingSettings.objects.filter(organization_id=organization_id).first()
    return found or BillingSettings(organization_id=organization_id)
