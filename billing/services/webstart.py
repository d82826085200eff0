"""A driver pays on his phone: a 2.1 station is told, so that nobody starts at its EVSE meanwhile (C25)."""

from typing import Final

from billing.models import Payment
from stations import queries
from stations import services as stations
from stations.commands import WebPaymentStarted

PROTOCOL: Final = "ocpp2.1"
TIMEOUT: Final = 300  # seconds; more than five minutes would keep honest people away
ORIGIN: Final = "payment"


def keep_evse(payment: Payment) -> None:
    """The provider's page has been opened; in the caller's transaction."""
    _tell(payment, TIMEOUT)


def free_evse(payment: Payment) -> None:
    """The page was left or has expired."""
    _tell(payment, 0)


def _tell(payment: Payment, timeout: int) -> None:
    connector = payment.connector
    station = connector.station
    if station.protocol != PROTOCOL or queries.gateway_of(station.pk) is None:
        return
    command = WebPaymentStarted(connector.evse.number, timeout)
    stations.send(station=station, command=command, origin=ORIGIN, expires_in=20)
