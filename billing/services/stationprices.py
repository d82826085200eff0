"""Prices on the stations' own displays: 2.1 stations keep a tariff, show it and may reckon with it."""

from typing import Final

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from billing import lookup, wording
from billing.models import Tariff
from evcms.core import audit, clock
from evcms.core.access import Access, Permission
from stations import queries
from stations import services as stations
from stations.commands import SetDefaultTariff
from stations.models import Command, Connector, Station

PROTOCOL: Final = "ocpp2.1"


def show_tariffs(*, access: Access, station: Station) -> list[Command]:
    """Sends the tariff in force at each EVSE to its station. Whoever may command stations may do it.

    Raises ValidationError with a sentence: another version than 2.1, or no price there. A tariff that OCPP 2.1 cannot
    say (holidays, a night pause of the idle fee) ends its command as unsupported.
    """
    access.demand(Permission.COMMAND)
    if not queries.stations(access).filter(pk=station.pk).exists():
        raise PermissionDenied(_("There is no such station."))
    if station.protocol != PROTOCOL:
        raise ValidationError(_("Only a station that speaks OCPP 2.1 keeps prices."))
    plugs = Connector.objects.filter(station=station, archived_at=None).select_related("station__site", "evse")
    first = {plug.evse_id: plug for plug in plugs.order_by("-evse__number", "-number")}
    found = [(plug, tariff) for plug in reversed(first.values()) if (tariff := _tariff(plug))]
    if not found:
        raise ValidationError(_("No price is in force there."))
    with transaction.atomic():
        audit.record(access, "station.tariffs_shown", station, tariffs=sorted({str(tariff) for _plug, tariff in found}))
        return [_send(access, plug, tariff) for plug, tariff in found]


def _tariff(plug: Connector) -> Tariff | None:
    station = plug.station
    return lookup.tariff_in_force(
        organization_id=station.organization_id or 0, site_id=station.site_id, station_id=station.pk,
        connector_id=plug.pk, at=clock.now(),
    )  # fmt: skip


def _send(access: Access, plug: Connector, tariff: Tariff) -> Command:
    terms = lookup.terms_of(tariff, lookup.setting_here(plug))
    text = "; ".join(line.sentence for line in wording.price_lines(terms))
    command = SetDefaultTariff(f"tariff-{tariff.pk}", terms.to_json(), plug.evse.number, text)
    return stations.send(station=plug.station, command=command, origin=access.actor, user=access.user)
