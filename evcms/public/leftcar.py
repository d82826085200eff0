"""A car whose charge is over and that is still plugged in: whoever pays now charges that car."""

from datetime import timedelta
from enum import StrEnum
from typing import Final

from django.contrib import messages
from django.http import HttpRequest
from django.utils.translation import gettext as _

from evcms.public import keys
from sessions.models import ChargingSession, Driver
from stations.models import Connector, StatusChange
from stations.vocabulary import OCCUPIED_STATUSES, ConnectorStatus

AROUND: Final = timedelta(minutes=1)  # of the end: stop and "available" come in either order
MINE: Final = "mine"  # a form's field, and the address's word, of who says that the car is his


class Left(StrEnum):
    NOTHING = ""
    OWN = "own"  # this browser or this driver charged it
    ASKED = "asked"  # somebody else's, as far as we know: the page asks
    CLAIMED = "claimed"  # he says it is his


def left_here(request: HttpRequest, connector: Connector, driver: Driver | None) -> Left:
    """Two queries where a plug is taken, none elsewhere."""
    last = _last_of_its_car(connector)
    if last is None:
        return Left.NOTHING
    if keys.paid_here(request, connector, last.pk) or (driver is not None and last.driver_id == driver.pk):
        return Left.OWN
    return Left.CLAIMED if MINE in (request.POST or request.GET) else Left.ASKED


def refuses(request: HttpRequest, connector: Connector, driver: Driver | None) -> bool:
    """May no start be paid before he says whose car it is? The page that comes next asks."""
    asked = left_here(request, connector, driver) == Left.ASKED
    if asked:
        messages.warning(request, _("Nothing was started: a car that has finished is still plugged in."))
    return asked


def _last_of_its_car(connector: Connector) -> ChargingSession | None:
    """The ended session of the car that hangs there. None when it has charged nothing yet, or charges."""
    if connector.status not in OCCUPIED_STATUSES:
        return None
    last = ChargingSession.objects.filter(connector=connector).order_by("-started_at", "-pk").first()
    if last is None or last.ended_at is None:
        return None
    since = max(last.started_at, last.ended_at - AROUND)
    free = StatusChange.objects.filter(connector=connector, status=ConnectorStatus.AVAILABLE, happened_at__gte=since)
    return None if free.exists() else last
