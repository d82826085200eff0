"""Which cars a station saw around a charge, and why a driver who asked for plug and go was not asked about his."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from billing.models import Enrolment
from evcms.core import clock
from sessions import cars
from sessions.models import Attempt, ChargingSession, IdToken
from sessions.vocabulary import AttemptState

AROUND: Final = timedelta(minutes=10)  # a car's id comes this long before its driver's card, at most


class Why(StrEnum):
    UNSEEN = "unseen"  # no car told its id
    OTHERS = "others"  # several cars at once: nobody can tell which is whose
    TAKEN = "taken"  # it is enrolled already


@dataclass(frozen=True)
class Miss:
    """`session`: his last charge since he asked."""

    session: ChargingSession
    why: Why


def refused_cars(session: ChargingSession) -> set[str]:
    """Ids of unknown cars that the station asked about around the session's start, and got no start for."""
    until = session.ended_at or clock.now()
    tried = Attempt.objects.filter(
        station_id=session.station_id, state=AttemptState.FAILED, at__gte=session.started_at - AROUND, at__lte=until
    )
    return {cars.vehicle_id(value, mac=True) for value in tried.values_list("token_value", flat=True)} - {""}


def others_there(session: ChargingSession) -> bool:
    """Did anybody else begin at this station around that time? Then the car might be his."""
    near = (session.started_at - AROUND, session.started_at + AROUND)
    others = ChargingSession.objects.filter(station_id=session.station_id, started_at__range=near)
    return others.exclude(pk=session.pk).exclude(driver_id=session.driver_id or 0).exists()


def enrolled(organization_id: int, vehicle: str) -> bool:
    return IdToken.objects.filter(organization_id=organization_id, folded=cars.token_value(vehicle)).exists()


def miss_of(wish: Enrolment) -> Miss | None:
    """What came of his last charge since he asked; None before it. Four queries at most."""
    rows = ChargingSession.objects.filter(
        driver_id=wish.driver_id, started_at__gte=wish.created_at, ended_at__isnull=False, authorized=True
    )
    last = rows.select_related("station", "site").order_by("-started_at").first()
    if last is None:
        return None
    found = refused_cars(last)
    if not found:
        return Miss(last, Why.UNSEEN)
    if len(found) == 1 and enrolled(wish.organization_id, next(iter(found))):
        return Miss(last, Why.TAKEN)
    return Miss(last, Why.OTHERS)
