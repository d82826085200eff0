"""Prices on the stations' own displays: 2.1 stations keep a tariff, show it and may reckon with it."""

from dataclasses import dataclass
from typing import Final

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from billing import lookup, wording
from billing.models import Tariff
from billing.terms import Terms
from evcms.core import audit, clock
from evcms.core.access import Access, Permission
from sessions.models import IdToken
from sessions.services.tokens import fold
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


@dataclass(frozen=True)
class OwnPrice:
    """A tariff that holds for one driver only. `text`: its prices in the words of the connector's page."""

    tariff_id: str
    terms: Terms
    text: str


def own_price(*, station_id: int, token_value: str, language: str = "") -> OwnPrice | None:
    """The price of the driver's group, where it is another than everybody's (2.1 AuthorizeResponse.tariff).

    An Authorize names no EVSE: a station whose plugs have different prices for the group is told none.
    """
    plugs = _plugs(station_id)
    organization = plugs[0].station.organization_id if plugs else None
    group = group_of(organization, token_value) if organization else None
    if group is None:
        return None
    pairs = {(_tariff(plug, group), _tariff(plug)) for plug in plugs}
    own = {mine for mine, _everybodys in pairs}
    tariff = own.pop() if len(own) == 1 else None
    if tariff is None or all(tariff == everybodys for _mine, everybodys in pairs):
        return None
    terms = lookup.terms_of(tariff, lookup.setting_here(plugs[0]))
    with translation.override(language or None):
        text = "; ".join(line.sentence for line in wording.price_lines(terms))
    return OwnPrice(f"tariff-{tariff.pk}", terms, text)


def group_of(organization_id: int, token_value: str) -> int | None:
    """The group of the driver whom a token belongs to."""
    rows = IdToken.objects.filter(organization_id=organization_id, folded=fold(token_value))
    return rows.values_list("driver__group_id", flat=True).first()


def _plugs(station_id: int) -> list[Connector]:
    rows = Connector.objects.filter(station_id=station_id, archived_at=None)
    return list(rows.select_related("station__site", "evse").order_by("evse__number", "number"))


def _tariff(plug: Connector, group_id: int | None = None) -> Tariff | None:
    station = plug.station
    return lookup.tariff_in_force(
        organization_id=station.organization_id or 0, site_id=station.site_id, station_id=station.pk,
        connector_id=plug.pk, at=clock.now(), group_id=group_id,
    )  # fmt: skip


def _send(access: Access, plug: Connector, tariff: Tariff) -> Command:
    terms = lookup.terms_of(tariff, lookup.setting_here(plug))
    text = "; ".join(line.sentence for line in wording.price_lines(terms))
    command = SetDefaultTariff(f"tariff-{tariff.pk}", terms.to_json(), plug.evse.number, text)
    return stations.send(station=plug.station, command=command, origin=access.actor, user=access.user)
