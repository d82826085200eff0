"""What partners see and send. Energy is integer mWh, power integer W, money integer minor units with its currency."""

from .alerts import (
    DeliveryAttemptSerializer,
    IncidentAction,
    IncidentSerializer,
    NotificationSerializer,
    OnCallSerializer,
)
from .base import Choice, Row
from .charging import (
    ReservationSerializer,
    ReservationWish,
    SampleSerializer,
    SessionSerializer,
    TariffSerializer,
    TokenSerializer,
)
from .network import ConnectorSerializer, ConnectorWish, EvseSerializer, SiteSerializer, StationSerializer, StationWish
from .reports import (
    FirmwareFileSerializer,
    FirmwareUpdateSerializer,
    LogSerializer,
    Reported,
    SecurityEventSerializer,
    StationEventSerializer,
)
from .talk import CommandSerializer, CommandWish, MessageSerializer, VariableSerializer

__all__ = [
    "Choice",
    "CommandSerializer",
    "CommandWish",
    "ConnectorSerializer",
    "ConnectorWish",
    "DeliveryAttemptSerializer",
    "EvseSerializer",
    "FirmwareFileSerializer",
    "FirmwareUpdateSerializer",
    "IncidentAction",
    "IncidentSerializer",
    "LogSerializer",
    "MessageSerializer",
    "NotificationSerializer",
    "OnCallSerializer",
    "Reported",
    "ReservationSerializer",
    "ReservationWish",
    "Row",
    "SampleSerializer",
    "SecurityEventSerializer",
    "SessionSerializer",
    "SiteSerializer",
    "StationEventSerializer",
    "StationSerializer",
    "StationWish",
    "TariffSerializer",
    "TokenSerializer",
    "VariableSerializer",
]
