"""Dynamic QR codes (OCPP 2.1 part 2, C25): set up on a station, and what a driver's phone brings is judged."""

import secrets
from datetime import datetime, timedelta
from typing import Final

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from evcms.core import audit, clock
from evcms.core.access import Access, Permission
from stations import totp
from stations.commands import SetVariables
from stations.models import Command, Connector, DynamicQr, Station
from stations.vocabulary import Approval

from .commands import send
from .configuration import see_station

VALIDITY: Final = 60  # seconds: a code on a screen that a person photographs
LENGTH: Final = 20  # characters, about 119 bits
FORMER_LIVES: Final = timedelta(minutes=10)
PROTOCOL: Final = "ocpp2.1"
LONGEST_TOKEN: Final = 64


def set_up_dynamic_qr(*, access: Access, station: Station, base_url: str) -> Command:
    """A new secret, and the station told to show codes of `<base_url>/q/<identity>/<evse>?t=<token>&v=<version>`.

    Raises ValidationError for a station that speaks another version than 2.1.
    """
    access.demand(Permission.COMMAND)
    see_station(access, station)
    if station.protocol != PROTOCOL:
        raise ValidationError(_("Dynamic QR codes need a station that speaks OCPP 2.1."))
    with transaction.atomic():
        before = DynamicQr.objects.select_for_update().filter(station=station).first()
        fresh = {"secret": secrets.token_urlsafe(24), "former": before.secret if before else ""}
        fields = fresh | {"validity": VALIDITY, "length": LENGTH, "changed_at": clock.now()}
        row, _made = DynamicQr.objects.update_or_create(station=station, defaults=fields)
        audit.record(access, "station.dynamic_qr", station)
        command = SetVariables(_values(row, base_url))
        return send(station=station, command=command, origin=access.actor, user=access.user)


def _values(row: DynamicQr, base_url: str) -> tuple[tuple[str, str], ...]:
    values = {
        "URLTemplate": f"{base_url}/q/{{chargingStationId}}/{{evse}}?t={{totp}}&v={{version}}",
        "TOTPVersion": totp.VERSION,
        "ValidityTime": str(row.validity),
        "SharedSecret": row.secret,
        "Length": str(row.length),
        "Enabled": "true",
    }
    return tuple((f"WebPaymentsCtrlr.{name}", value) for name, value in values.items())


def verify_dynamic_qr(*, identity: str, evse: int, token: str, at: datetime) -> Connector | None:
    """The connector whose station's screen showed this code about now; None for an old or made-up one."""
    if len(token) > LONGEST_TOKEN:
        return None
    rows = DynamicQr.objects.filter(station__approval=Approval.ACCEPTED, station__archived_at=None)
    row = rows.filter(station__identity=identity).first()
    if row is None or not any(totp.verify(settings, token, at) for settings in _settings(row, at)):
        return None
    plugs = Connector.objects.filter(station_id=row.station_id, evse__number=evse, archived_at=None)
    return plugs.select_related("station__site", "evse").order_by("number").first()


def _settings(row: DynamicQr, at: datetime) -> list[totp.Settings]:
    """The secret before holds on while the station takes the new one over."""
    known = [row.secret] + ([row.former] if row.former and at - row.changed_at < FORMER_LIVES else [])
    return [totp.Settings(secret, row.validity, row.length) for secret in known]
