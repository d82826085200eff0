"""May somebody pay and start at this connector now?"""

from datetime import datetime

from django.conf import settings
from django.db.models import Q, QuerySet

from evcms.core import clock
from sessions.models import ChargingSession
from sessions.vocabulary import AttemptState
from stations import queries as stations
from stations.models import Connector
from stations.vocabulary import Shown

from . import lookup
from .errors import PaymentRefused
from .models import Payment, Tariff
from .vocabulary import PaymentState, Refusal

REFUSED = {
    Shown.OFFLINE: Refusal.OFFLINE,
    Shown.FAULTED: Refusal.FAULTED,
    Shown.MAINTENANCE: Refusal.MAINTENANCE,
    Shown.UNAVAILABLE: Refusal.UNAVAILABLE,
    Shown.UNKNOWN: Refusal.UNAVAILABLE,
    Shown.RESERVED: Refusal.RESERVED,
    Shown.CHARGING: Refusal.OCCUPIED,
    Shown.SUSPENDED: Refusal.OCCUPIED,
}  # OCCUPIED is not refused: a car that is plugged in and waits for its payment looks so


def tariff_at(connector: Connector, at: datetime, *, group_id: int | None = None) -> Tariff | None:
    """For a driver of the group; None: for anybody. Another organization's group finds nothing of its own."""
    station = connector.station
    if station.organization_id is None:
        return None
    return lookup.tariff_in_force(
        organization_id=station.organization_id,
        site_id=station.site_id,
        station_id=station.pk,
        connector_id=connector.pk,
        at=at,
        group_id=group_id,
    )


def price_to_start(connector: Connector, *, group_id: int | None, by_card: bool = True) -> Tariff:
    """The price of a start here and now. Raises PaymentRefused with a sentence when there can be none."""
    tariff = tariff_at(connector, clock.now(), group_id=group_id)
    refused = refusal(connector, tariff, by_card=by_card)
    if refused or tariff is None:
        raise PaymentRefused(refused or Refusal.NO_TARIFF)
    return tariff


def refusal(connector: Connector, tariff: Tariff | None, *, by_card: bool = True) -> Refusal | None:
    """Why a paid start is refused; None when it is possible. `by_card`: it needs the payment provider."""
    if by_card and not settings.PAYMENTS_ON:
        return Refusal.PAYMENTS_OFF
    if connector.archived_at or connector.station.archived_at:
        return Refusal.UNAVAILABLE
    if tariff is None:
        return Refusal.NO_TARIFF
    if lookup.terms_of(tariff).free:
        return Refusal.FREE
    return REFUSED.get(stations.shown(connector)) or (Refusal.OCCUPIED if taken(connector) else None)


def taken(connector: Connector, *, other_than: int | None = None) -> bool:
    """Does somebody charge at this EVSE, or has paid and is about to? `other_than`: a payment that does not count.

    A session without an accepted token is a car that waits for its payment.
    """
    running = _running().filter(evse_id=connector.evse_id)
    if other_than is not None:
        running = running.exclude(payment__id=other_than)
    if running.exists():
        return True
    return _paid().filter(connector__evse_id=connector.evse_id).exclude(pk=other_than or 0).exists()


def taken_evses() -> set[int]:
    """`taken` for all EVSEs at once: ids. One query."""
    charging = _running().order_by().values_list("evse_id", flat=True)
    pending = _paid().order_by().values_list("connector__evse_id", flat=True)
    return {evse for evse in charging.union(pending) if evse}


def _running() -> QuerySet[ChargingSession]:
    return ChargingSession.objects.filter(ended_at=None, authorized=True)


def _paid() -> QuerySet[Payment]:
    """Holds whose start is under way or whose session runs."""
    started = Q(attempt=None) | Q(attempt__state__in=[AttemptState.REQUESTED, AttemptState.STARTED])
    return Payment.objects.filter(started, state=PaymentState.AUTHORIZED)
