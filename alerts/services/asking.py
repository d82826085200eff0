"""How often we write to an address that has not agreed. Counted in rows, so that it holds without Redis, and bounded by
what an SMS costs: pumping numbers that earn by being texted must not pay.
"""

import hashlib
from datetime import timedelta
from ipaddress import ip_address, ip_network
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from alerts.models import Asked
from alerts.vocabulary import ChannelName
from evcms.core import clock
from evcms.core.models import Organization

HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
PREFIX: Final = 7  # digits of a number that a range of one provider shares
KEPT: Final = timedelta(days=2)

# field → ((most, within), …); "" counts all of the organization
MAIL: Final = {"address": ((3, HOUR), (8, DAY)), "network": ((10, HOUR), (30, DAY)), "": ((2_000, DAY),)}
SMS: Final = {
    "address": ((3, HOUR), (5, DAY)),
    "network": ((5, HOUR), (10, DAY)),
    "prefix": ((10, HOUR), (20, DAY)),
}


def may_ask(*, organization_id: int, channel: ChannelName, address: str, network: str = "") -> bool:
    """True counts as asked."""
    return refusal(organization_id=organization_id, channel=channel, address=address, network=network) is None


def refusal(*, organization_id: int, channel: ChannelName, address: str, network: str = "") -> str | None:
    """None: nothing is in the way, and it counts as asked. Else the limit that is reached: "network" (who asks),
    "prefix" (numbers like this one), "" (the organization), and only then "address", which tells of somebody else.

    One asks at a time in an organization, so that a thousand at once get no further.
    """
    asked = {
        "address": _digest(address),
        "network": _digest(_network(network)) if network else "",
        "prefix": address[:PREFIX] if channel == ChannelName.SMS else "",
    }
    with transaction.atomic():
        Organization.objects.select_for_update().get(pk=organization_id)
        reached = _reached(Asked.objects.filter(organization=organization_id, channel=channel), channel, asked)
        if reached is None:
            Asked.objects.create(organization_id=organization_id, channel=channel, at=clock.now(), **asked)
    return reached


def _reached(rows: QuerySet[Asked], channel: ChannelName, asked: dict[str, str]) -> str | None:
    limits = {**SMS, "": ((settings.SMS_CODES_PER_DAY, DAY),)} if channel == ChannelName.SMS else MAIL
    now = clock.now()
    for name, several in sorted(limits.items(), key=lambda limit: limit[0] == "address"):
        if name and not asked[name]:
            continue
        same = rows.filter(**{name: asked[name]}) if name else rows
        if any(same.filter(at__gt=now - span).count() >= most for most, span in several):
            return name
    return None


def forget() -> int:
    """Nightly: counts that count no more."""
    return Asked.objects.filter(at__lt=clock.now() - KEPT).delete()[0]


def _network(address: str) -> str:
    """A customer of an IPv6 network has 2^64 addresses: they count as one."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    return str(ip_network((found, 64), strict=False)) if found.version == 6 else address


def _digest(text: str) -> str:
    return hashlib.sha256(f"{settings.SECRET_KEY}{text}".encode()).hexdigest()[:32]
