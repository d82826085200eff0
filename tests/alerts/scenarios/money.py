"""Payments as rows: what became of them is all that detectors look at."""

from billing import lookup
from billing.models import Payment, Tariff


def payment(connector, **fields):
    fields = {"currency": "EUR", "hold_minor": 3000, "kind": "scan"} | fields
    return Payment.objects.create(
        organization=connector.station.organization, connector=connector,
        snapshot=lookup.snapshot_of(Tariff.objects.get()), **fields,
    )  # fmt: skip
