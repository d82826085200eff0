"""Boot: the identity card of a station, and our word whether it may work."""

import zlib
from datetime import datetime
from typing import Final

from django.conf import settings
from django.db import transaction

from evcms.core.events import broadcast, publish
from stations.events import StationBooted
from stations.models import Station
from stations.texts import fit
from stations.vocabulary import Approval, Boot, BootDecision

from .firmware import firmware_seen

RETRY_SECONDS: Final = 60  # until a station that waits, or is rejected, boots again
SPREAD: Final = 0.25  # intervals differ by up to a quarter, so that stations which start together part
CARD: Final = {
    "vendor": 64, "model": 64, "serial_number": 64, "firmware_version": 64, "iccid": 32, "imsi": 32,
}  # fmt: skip


def booted(*, station_id: int, boot: Boot, received_at: datetime) -> BootDecision:
    """BootNotification. Open sessions are left alone: the station will speak of them, or the sweep will.

    Raises Station.DoesNotExist.
    """
    columns = ("identity", "organization_id", "approval", "heartbeat_interval", *CARD)
    with transaction.atomic():
        row = Station.objects.values(*columns).get(pk=station_id)
        card = {
            name: fit(getattr(boot, name), length, field=name, identity=row["identity"])
            for name, length in CARD.items()
        }
        news = {name: value for name, value in card.items() if value and value != row[name]}
        renewed = "firmware_version" in news and bool(row["firmware_version"])  # a first boot brings nothing new
        since = {"firmware_since": received_at} if renewed else {}
        Station.objects.filter(pk=station_id).update(
            last_boot_at=received_at, last_seen_at=received_at, **news, **since
        )
        if renewed:
            firmware_seen(station_id=station_id, version=news["firmware_version"], at=received_at)
        publish(StationBooted(station_id=station_id, reason=fit(boot.reason, 64)))
        groups = [f"station.{station_id}"] + ([f"org.{row['organization_id']}"] if row["organization_id"] else [])
        broadcast("station.booted", {"station_id": station_id}, groups=groups)
    return decide(row["identity"], Approval(row["approval"]), row["heartbeat_interval"])


def decide(identity: str, approval: Approval, heartbeat_interval: int | None) -> BootDecision:
    """An interval that the operator set for this station is kept exactly; others are spread by identity."""
    if approval != Approval.ACCEPTED:
        return BootDecision(approval, spread(RETRY_SECONDS, identity))
    return BootDecision(approval, heartbeat_interval or spread(settings.OCPP_HEARTBEAT_INTERVAL, identity))


def spread(seconds: int, identity: str) -> int:
    """Between 75 % and 100 % of `seconds`, always the same for one identity."""
    share = zlib.crc32(identity.encode()) / 0xFFFF_FFFF
    return max(1, round(seconds * (1 - SPREAD * share)))
