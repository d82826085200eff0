"""The car that is plugged in, told by DataTransfer where the version has no place for it (autocharge is offered).

`CarId` from the plug on, until the charge ends: {"evccid": "001A2B3C4D5E", "connectorId": 1}.
"""

from collections.abc import Mapping
from typing import Any, Final

from billing import services
from evcms.ocpp.charger import Charger

from .vendor import Message, Reply, Unreadable

VENDOR: Final = "org.evcms.car"


def car_id(charger: Charger, data: Any) -> Reply:
    """Any: JSON."""
    vehicle = data.get("evccid") if isinstance(data, Mapping) else data
    if not isinstance(vehicle, str) or len(vehicle) > 40:
        raise Unreadable("evccid is a text, such as 001A2B3C4D5E")
    place = data.get("connectorId") if isinstance(data, Mapping) else None
    evse = place if isinstance(place, int) and not isinstance(place, bool) and 0 < place < 1000 else None
    services.car_reported(station_id=charger.station_id, vehicle=vehicle, evse=evse)
    return Reply(True)


MESSAGES: Final[Mapping[str, Message]] = {"CarId": car_id}
