"""OCPP 2.x, A04: SecurityEventNotification."""

from collections.abc import Sequence

from evcms.ocpp import selfreports
from evcms.ocpp.charger import Charger, Payload
from stations import services


def security_event(charger: Charger, payload: Payload) -> Payload:
    services.security_reported(station_id=charger.station_id, report=selfreports.security(charger, payload))
    return {}


def security_events(messages: Sequence[tuple[Charger, Payload]]) -> list[Payload]:
    services.securities_reported(
        reports=[(charger.station_id, selfreports.security(charger, payload)) for charger, payload in messages]
    )
    return [{} for _ in messages]


HANDLERS = {"SecurityEventNotification": security_event}
MANY = {"SecurityEventNotification": security_events}
