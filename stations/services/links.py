"""Gateways and their leases, the links of stations, and handshakes that we refused.

Locks are taken station first, then connection, in station order: two gateways never wait for each other in a circle.
"""

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.db.models import F

from evcms.core import audit, clock
from evcms.core.events import broadcast, publish
from evcms.core.models import Organization
from stations.events import GatewayLost, StationConnected, StationDisconnected, StationQuarantined
from stations.models import Connection, Gateway, RefusedHandshake, Station
from stations.texts import address_of, fit
from stations.vocabulary import Approval, RefusalReason

log = structlog.get_logger(__name__)

REPEATS_WITHIN = timedelta(hours=1)
MOST_STRANGERS = 200  # rows an hour for identities that we do not know; more share one row
MOST_REFUSALS = 5000  # rows in all; the oldest go
OTHERS = "(others)"


# Gateways ------------------------------------------------------------------------------------------


def gateway_started(*, gateway_id: uuid.UUID, host: str, pid: int) -> Gateway:
    """A gateway process begins to take links. Each process has an id of its own; a second call renews the first."""
    now = clock.now()
    with transaction.atomic():
        gateway, _ = Gateway.objects.update_or_create(
            pk=gateway_id,
            defaults={"host": fit(host, 120), "pid": pid, "lease_until": now + _lease(), "ended_at": None},
            create_defaults={"host": fit(host, 120), "pid": pid, "lease_until": now + _lease(), "started_at": now},
        )
    return gateway


def gateway_alive(*, gateway_id: uuid.UUID) -> bool:
    """Renews the lease. False when it was given up for lost meanwhile: close all links and start under a new id."""
    with transaction.atomic():
        mine = Gateway.objects.filter(pk=gateway_id, ended_at=None)
        return mine.update(lease_until=clock.now() + _lease()) == 1


def gateway_ended(*, gateway_id: uuid.UUID) -> None:
    """It stops by itself; what is still linked to it goes offline for one cause."""
    with transaction.atomic():
        _end_gateway(gateway_id, at=clock.now(), reason="the gateway stopped", always_tell=False)


def sweep_gateways() -> int:
    """Gateways whose lease lapsed: closes their links, publishes ONE GatewayLost each. Returns how many were lost."""
    lapsed = Gateway.objects.filter(ended_at=None, lease_until__lt=clock.now()).order_by("pk")
    lost = 0
    for gateway_id, lease_until in list(lapsed.values_list("pk", "lease_until")):
        with transaction.atomic():
            lost += _end_gateway(gateway_id, at=lease_until, reason="the gateway was lost", always_tell=True)
    return lost


def _lease() -> timedelta:
    return timedelta(seconds=settings.OCPP_LEASE_SECONDS)


def _end_gateway(gateway_id: uuid.UUID, *, at: datetime, reason: str, always_tell: bool) -> bool:
    """Conditional on what was read, so that a renewal in the last moment, or another sweep, wins."""
    standing = Gateway.objects.filter(pk=gateway_id, ended_at=None)
    if always_tell:
        standing = standing.filter(lease_until=at)
    if not standing.update(ended_at=clock.now()):
        return False
    linked = Station.objects.select_for_update(of=("self",)).filter(connection__gateway_id=gateway_id).order_by("pk")
    rows = list(linked.values_list("pk", "organization_id"))
    Connection.objects.filter(gateway_id=gateway_id, closed_at=None).update(closed_at=at, close_reason=reason)
    Station.objects.filter(connection__gateway_id=gateway_id).update(connection=None, offline_since=at)
    if rows or always_tell:
        station_ids = [station_id for station_id, _ in rows]
        publish(GatewayLost(gateway_id=str(gateway_id), station_ids=station_ids, at=at.isoformat()))
    _tell_online(rows, online=False)
    return True


# Links ---------------------------------------------------------------------------------------------


def connected(*, station_id: int, gateway_id: uuid.UUID, protocol: str, address: str | None) -> Connection:
    """A station's handshake is done: this link is its link from now on, wherever the older one is.

    The gateway that holds an older link hears `connection.replaced`. Raises Station.DoesNotExist.
    """
    now = clock.now()
    with transaction.atomic():
        station = Station.objects.select_for_update().only("id", "organization_id", "connection_id").get(pk=station_id)
        old = _live_link(station.connection_id, now)
        Connection.objects.filter(station_id=station_id, closed_at=None).update(
            closed_at=now, close_reason="replaced by a newer link"
        )
        link = Connection.objects.create(
            station_id=station_id, gateway_id=gateway_id, opened_at=now, protocol=protocol, address=address_of(address)
        )
        Station.objects.filter(pk=station_id).update(
            connection=link, protocol=protocol, last_seen_at=now, offline_since=None
        )
        if old is None:
            publish(StationConnected(station_id=station_id))
            _tell_online([(station_id, station.organization_id)], online=True)
        elif old != gateway_id:
            broadcast("connection.replaced", {"station_id": station_id}, groups=[f"gateway.{old}"])
    return link


def _live_link(connection_id: int | None, now: datetime) -> uuid.UUID | None:
    """The gateway of the link when it is open under a live lease."""
    if connection_id is None:
        return None
    live = Connection.objects.filter(
        pk=connection_id, closed_at=None, gateway__ended_at=None, gateway__lease_until__gt=now
    )
    return live.values_list("gateway_id", flat=True).first()


def disconnected(*, connection_id: int, reason: str) -> bool:
    """A socket ended. True when the station is offline by it; the late goodbye of an older socket changes nothing."""
    now = clock.now()
    with transaction.atomic():
        linked = Station.objects.select_for_update(of=("self",)).filter(connection_id=connection_id)
        row = linked.values_list("pk", "organization_id").first()
        Connection.objects.filter(pk=connection_id, closed_at=None).update(closed_at=now, close_reason=fit(reason, 120))
        if row is None:
            return False
        Station.objects.filter(pk=row[0]).update(connection=None, offline_since=now)
        publish(StationDisconnected(station_id=row[0], at=now.isoformat()))
        _tell_online([row], online=False)
    return True


def close_link(station: Station, reason: str) -> None:
    """Ends the link in the rows, in the caller's transaction; its gateway hears of it and closes the socket."""
    now = clock.now()
    gateway_id = _live_link(station.connection_id, now)
    Connection.objects.filter(station=station, closed_at=None).update(closed_at=now, close_reason=reason)
    if Station.objects.filter(pk=station.pk, connection__isnull=False).update(connection=None, offline_since=now):
        publish(StationDisconnected(station_id=station.pk, at=now.isoformat()))
        _tell_online([(station.pk, station.organization_id)], online=False)
    if gateway_id:
        broadcast("connection.replaced", {"station_id": station.pk}, groups=[f"gateway.{gateway_id}"])


def _tell_online(rows: Iterable[tuple[int, int | None]], *, online: bool) -> None:
    """One signal for each organization and one for each station."""
    by_organization: dict[int | None, list[int]] = {}
    for station_id, organization_id in rows:
        by_organization.setdefault(organization_id, []).append(station_id)
        broadcast("station.online", {"station_ids": [station_id], "online": online}, groups=[f"station.{station_id}"])
    for organization_id, station_ids in by_organization.items():
        groups = ["map"] + ([f"org.{organization_id}"] if organization_id else [])
        broadcast("station.online", {"station_ids": station_ids, "online": online}, groups=groups)


def seen(*, contacts: dict[int, datetime]) -> None:
    """Last contact of many stations, in one statement and in station order; never moves it back."""
    if not contacts:
        return
    moment = connection.ops.adapt_datetimefield_value
    table, pk = Station._meta.db_table, Station._meta.pk.column
    statement = (
        f"UPDATE {table} SET last_seen_at = %s WHERE {pk} = %s"  # noqa: S608
        " AND (last_seen_at IS NULL OR last_seen_at < %s)"
    )
    rows = [(moment(at), station_id, moment(at)) for station_id, at in sorted(contacts.items())]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.executemany(statement, rows)


# Strangers and refusals ----------------------------------------------------------------------------


def quarantine(*, identity: str, address: str | None, protocol: str) -> Station | None:
    """The row of a station that knocks: the known one as it is, or a new quarantined one.

    None when QUARANTINE_LIMIT strangers wait already. It belongs to the only organization if there is just one.
    """
    known = Station.objects.filter(identity=identity).first()
    if known is not None:
        return known
    if Station.objects.filter(approval=Approval.QUARANTINED, archived_at=None).count() >= settings.QUARANTINE_LIMIT:
        return None
    now = clock.now()
    with transaction.atomic():
        organization = sole_organization()
        new = Station(identity=identity, organization=organization, protocol=protocol, created_at=now, last_seen_at=now)
        Station.objects.bulk_create([new], ignore_conflicts=True)
        station = Station.objects.get(identity=identity)
        if station.created_at == now:  # else another gateway was faster by a microsecond or more
            publish(StationQuarantined(station_id=station.pk))
            audit.record_system(organization, "station.quarantined", station, address=address, protocol=protocol)
            if organization:
                broadcast("station.quarantined", {"station_id": station.pk}, groups=[f"org.{organization.pk}"])
    return station


def sole_organization() -> Organization | None:
    """The only organization of the installation, else None."""
    some = list(Organization.objects.order_by("pk")[:2])
    return some[0] if len(some) == 1 else None


def refuse_handshake(
    *, identity: str, reason: RefusalReason, detail: str, offered: str = "", address: str | None = None
) -> None:
    """Shows the operator a charger that was turned away. Repeats within the hour are counted, rows are bounded."""
    now = clock.now()
    name = fit(identity, 200)
    news = {"last_at": now, "detail": fit(detail, 255), "offered": fit(offered, 200), "address": address_of(address)}
    with transaction.atomic():
        if _counted(name, reason, now, news):
            return
        station = Station.objects.filter(identity=name).only("pk", "organization_id").first()
        if station is None and _strangers(now) >= MOST_STRANGERS:
            name = OTHERS
            if _counted(name, reason, now, news):
                return
        organization_id = station.organization_id if station else getattr(sole_organization(), "pk", None)
        RefusedHandshake.objects.create(
            identity=name, station=station, organization_id=organization_id, reason=reason, first_at=now, **news
        )
        _drop_oldest_refusals()


def _counted(identity: str, reason: RefusalReason, now: datetime, news: dict[str, object]) -> bool:
    recent = RefusedHandshake.objects.filter(identity=identity, reason=reason, first_at__gt=now - REPEATS_WITHIN)
    latest = recent.order_by("-first_at").values_list("pk", flat=True).first()
    return latest is not None and RefusedHandshake.objects.filter(pk=latest).update(count=F("count") + 1, **news) == 1


def _strangers(now: datetime) -> int:
    return RefusedHandshake.objects.filter(station=None, last_at__gt=now - REPEATS_WITHIN).count()


def _drop_oldest_refusals() -> None:
    beyond = RefusedHandshake.objects.order_by("-last_at").values_list("last_at", flat=True)[MOST_REFUSALS:]
    border = beyond.first() if beyond else None
    if border is not None:
        RefusedHandshake.objects.filter(last_at__lte=border).delete()
