"""Cars that are plugged in and wait for somebody to pay at a card reader, and which reader serves them."""

from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db.models import Count, Q, QuerySet

from evcms.core import clock
from sessions.models import Attempt
from sessions.vocabulary import AttemptState
from stations.models import Connector
from stations.vocabulary import OCCUPIED_STATUSES, ConnectorStatus

from . import availability
from .models import CardReader
from .vocabulary import PaymentKind, ReaderState, Refusal

MOST_ROUNDS: Final = 3  # times that one plugged-in car is asked for; then it has to be plugged in anew
NOT_A_ROUND: Final = ("reader_offline", "reader_busy", "not_possible")  # codes of payments that nobody was asked for
LOOK_BACK: Final = timedelta(hours=12)  # a car that has waited longer stands there for another reason


def served(reader: CardReader) -> QuerySet[Connector]:
    """A station's own reader serves its plugs, a site's those of all its stations that have none of their own."""
    rows = Connector.objects.filter(archived_at=None, station__archived_at=None)
    if reader.station_id:
        return rows.filter(station_id=reader.station_id)
    if reader.site_id is None:
        return rows.none()
    own = CardReader.objects.filter(archived_at=None, station__isnull=False).values("station_id")
    return rows.filter(station__site_id=reader.site_id).exclude(station_id__in=own)


def readers_with_cars() -> QuerySet[CardReader]:
    """Readers that rest while a car at one of their plugs may wait for them."""
    now = clock.now()
    fresh = {"status": ConnectorStatus.PREPARING, "status_at__lte": now - _patience(), "status_at__gt": now - LOOK_BACK}
    plugged = Connector.objects.filter(**fresh)
    near = Q(station_id__in=plugged.values("station_id"))
    near |= Q(station=None, site_id__in=plugged.values("station__site_id"))
    return CardReader.objects.filter(near, archived_at=None, due_at=None).exclude(state=ReaderState.OFFLINE)


def next_car(reader: CardReader) -> Connector | None:
    """The plug whose car is asked for now: who was asked least, then who came first."""
    now = clock.now()
    plugged = served(reader).filter(
        status=ConnectorStatus.PREPARING, status_at__lte=now - _patience(), status_at__gt=now - LOOK_BACK
    )
    plugged = plugged.exclude(pk__in=_asked_elsewhere(reader)).select_related(
        "station__organization", "station__site", "evse"
    )
    rounds = {connector.pk: _rounds(connector) for connector in plugged}
    for connector in sorted(plugged, key=lambda row: (rounds[row.pk], row.status_at, row.pk)):
        if rounds[connector.pk] < MOST_ROUNDS and payable(connector):
            return connector
    return None


def _asked_elsewhere(reader: CardReader) -> QuerySet[CardReader]:
    asking = CardReader.objects.filter(asking__isnull=False).exclude(pk=reader.pk)
    return asking.values("asking__connector_id")  # type: ignore[return-value]


def _rounds(connector: Connector) -> int:
    """How often a reader has asked since the car was plugged in."""
    asked = connector.payments.filter(kind=PaymentKind.READER, created_at__gte=connector.status_at)
    asked = asked.exclude(error_code__in=NOT_A_ROUND)
    return int(asked.aggregate(number=Count("pk"))["number"])


def payable(connector: Connector) -> bool:
    return why_not(connector) is None


def why_not(connector: Connector) -> Refusal | None:
    """Why nobody can pay and start here now; OCCUPIED, too, when somebody's start is under way."""
    refusal = availability.refusal(connector, availability.tariff_at(connector, clock.now()))
    if refusal is not None:
        return refusal
    asked = Attempt.objects.filter(connector=connector, state=AttemptState.REQUESTED, expires_at__gt=clock.now())
    return Refusal.OCCUPIED if asked.exists() else None


def plugged_in(connector_id: int) -> bool:
    return Connector.objects.filter(pk=connector_id, status__in=OCCUPIED_STATUSES).exists()


def _patience() -> timedelta:
    """An RFID card held to the station right after plugging in comes first."""
    return timedelta(seconds=settings.CARD_READER_WAIT)
