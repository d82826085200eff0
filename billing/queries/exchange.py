"""Tariffs as partners get them."""

from decimal import Decimal

from billing import lookup, ocpi
from billing.models import Tariff
from billing.ocpi import Exported, Owner


def as_ocpi(tariff: Tariff, version: str) -> Exported:
    """The Tariff object as it stands; changed when its row last was (its history tells)."""
    organization = tariff.organization
    latest = tariff.history.order_by("-history_date").values_list("history_date", flat=True).first()
    letters = "".join(each for each in organization.slug.upper() if each.isalnum())
    return ocpi.to_ocpi(
        lookup.terms_of(tariff),
        version=version,
        tariff_id=str(tariff.pk),
        owner=Owner(organization.country, f"{letters}XXX"[:3]),
        last_updated=latest or tariff.created_at,
        name=tariff.name,
        hold=Decimal(tariff.hold) if tariff.hold else None,
    )
