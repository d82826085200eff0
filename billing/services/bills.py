"""Bills: opened with a frozen price when a session starts, priced for good when it ends."""

from django.db import transaction

from sessions.models import ChargingSession

from .. import lookup
from ..models import Bill


def open_bill(*, session_id: int) -> None:
    """Freezes the price of a session that has just started; a second call changes nothing.

    The terms of its payment win (the driver saw them), else the most particular tariff in force. Without any, the bill
    has no snapshot: it ends in REVIEW, never as a silent zero.
    """
    session = ChargingSession.objects.values(
        "organization_id", "site_id", "station_id", "connector_id", "started_at", "organization__currency",
        "attempt__payment__snapshot_id", "attempt__payment__currency",
    ).get(pk=session_id)
    snapshot_id = session["attempt__payment__snapshot_id"]
    currency = session["attempt__payment__currency"] or session["organization__currency"]
    with transaction.atomic():
        if snapshot_id is None:
            tariff = lookup.tariff_in_force(
                organization_id=session["organization_id"], site_id=session["site_id"],
                station_id=session["station_id"], connector_id=session["connector_id"], at=session["started_at"],
            )
            if tariff:
                snapshot_id, currency = lookup.snapshot_of(tariff).pk, tariff.currency
        Bill.objects.bulk_create(
            [Bill(session_id=session_id, organization_id=session["organization_id"], snapshot_id=snapshot_id,
                  currency=currency)],
            ignore_conflicts=True,
        )
