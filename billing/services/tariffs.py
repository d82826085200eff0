"""Tariffs, by people. Editing one never touches a running session or an open payment: those hold snapshots."""

import hashlib
import json
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, TypedDict, Unpack

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from billing import holidays, lookup
from billing.events import TariffChanged
from billing.models import Tariff, TariffAssignment
from billing.terms import Element, Idle
from evcms.core import audit, clock, events
from evcms.core.access import Access, Permission
from evcms.core.money import exponent
from sessions.models import DriverGroup
from stations.models import Connector, Site, Station
from stations.queries import visible_sites

MOST_TAX: Final = Decimal(100)


class TariffFields(TypedDict, total=False):
    """Any: JSON of billing.terms.Element and Idle. Bounds and hold are decimal text in major units; empty: none."""

    name: str
    currency: str
    elements: list[dict[str, Any]]
    idle: dict[str, Any]
    tax_included: bool
    min_price: str
    max_price: str
    holidays_of: str
    hold: str


def create_tariff(*, access: Access, **fields: Unpack[TariffFields]) -> Tariff:
    """Raises PermissionDenied, ValidationError."""
    access.demand(Permission.TARIFFS)
    organization = access.organization
    tariff = Tariff(**{"currency": organization.currency, **fields}, organization=organization)
    check(tariff)
    with transaction.atomic():
        tariff.save()
        audit.record(access, "tariff.created", tariff, **fields)
        events.publish(TariffChanged(tariff_id=tariff.pk))
    return tariff


def fingerprint(tariff: Tariff) -> str:
    """Of what the editor shows: two that open it see the same as long as nobody saves."""
    shown = {field.name: field.value_from_object(tariff) for field in tariff._meta.concrete_fields}
    return hashlib.sha256(json.dumps(shown, sort_keys=True, default=str).encode()).hexdigest()[:32]


def edit_tariff(*, access: Access, tariff: Tariff, seen: str = "", **fields: Unpack[TariffFields]) -> Tariff:
    """`seen`: the fingerprint of what somebody had before his eyes; his old price must not undo a colleague's new one.

    Raises PermissionDenied, ValidationError: also when the tariff is another by now.
    """
    _demand(access, tariff)
    with transaction.atomic():
        tariff = Tariff.objects.select_for_update().get(pk=tariff.pk)
        if seen and seen != fingerprint(tariff):
            raise ValidationError(_("Somebody else changed this tariff meanwhile. Open it again; yours is not saved."))
        before = {name: getattr(tariff, name) for name in fields}
        for name, value in fields.items():
            setattr(tariff, name, value)
        check(tariff)
        changed = {name: [before[name], value] for name, value in fields.items() if before[name] != value}
        if changed:
            tariff.save()
            audit.record(access, "tariff.edited", tariff, **changed)
            events.publish(TariffChanged(tariff_id=tariff.pk))
    return tariff


def archive_tariff(*, access: Access, tariff: Tariff) -> None:
    """Takes a tariff out of force everywhere; what runs keeps its snapshot."""
    _demand(access, tariff)
    with transaction.atomic():
        if Tariff.objects.filter(pk=tariff.pk, archived_at=None).update(archived_at=clock.now()):
            audit.record(access, "tariff.archived", tariff)
            events.publish(TariffChanged(tariff_id=tariff.pk))


def check(tariff: Tariff) -> None:
    """Raises ValidationError, a sentence a field. What a card cannot be charged is refused here, not at the plug.

    Elements and blocking are kept as their dataclasses write them, so that equal tariffs are equal rows.
    """
    tariff.currency = tariff.currency.upper()
    _read(tariff)
    tariff.full_clean(exclude=["organization", "elements", "idle"])
    problems: dict[str, str] = {}
    digits = exponent(tariff.currency)
    for name in ("hold", "min_price", "max_price"):
        if _digits(getattr(tariff, name)) > digits:
            words = {"currency": tariff.currency, "n": digits}
            problems[name] = _("Amounts in %(currency)s have %(n)s decimals.") % words
    if len(tariff.currency) == 3 and tariff.currency.isalpha():
        problems |= _problems(tariff)
    else:
        problems["currency"] = _("Three letters, such as EUR.")
    if problems:
        raise ValidationError(problems)


def _read(tariff: Tariff) -> None:
    """Raises ValidationError for elements or a blocking fee that make no sense."""
    problems = {}
    try:
        tariff.elements = [Element.from_json(element).to_json() for element in tariff.elements]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        problems["elements"] = _("These prices make no sense: %(why)s.") % {"why": error}
    try:
        tariff.idle = Idle.from_json(tariff.idle).to_json()
    except (ValueError, TypeError, AttributeError) as error:
        problems["idle"] = _("This blocking fee makes no sense: %(why)s.") % {"why": error}
    if problems:
        raise ValidationError(problems)


def _problems(tariff: Tariff) -> dict[str, str]:
    problems = {}
    least, most = lookup.decimal(tariff.min_price), lookup.decimal(tariff.max_price)
    if tariff.holidays_of and not holidays.known(tariff.holidays_of):
        problems["holidays_of"] = _("No holidays are known of %(region)s.") % {"region": tariff.holidays_of}
    elif tariff.max_price and most == 0:
        problems["max_price"] = _("Leave it empty for no cap.")
    elif tariff.max_price and least > most:
        problems["min_price"] = _("The lowest price is above the highest.")
    else:
        terms = lookup.terms_of(tariff)
        if not terms.elements:
            problems["elements"] = _("Say a price, if only that charging is free.")
        if any(rate >= MOST_TAX for rate in terms.rates):
            problems["elements"] = _("A tax of 100 % or more makes no sense.")
        if lookup.decimal(tariff.hold) == 0 and not terms.free:
            problems["hold"] = _("A paid start needs an amount to hold.")
    return problems


def _digits(text: str) -> int:
    return max(0, -int(Decimal(text or "0").normalize().as_tuple().exponent))


def assign_tariff(
    *,
    access: Access,
    tariff: Tariff,
    site: Site | None = None,
    station: Station | None = None,
    connector: Connector | None = None,
    group: DriverGroup | None = None,
    priority: int = 0,
    valid_from: datetime | None = None,
    valid_until: datetime | None = None,
) -> TariffAssignment:
    """Puts a tariff in force at one place (none: the whole organization), for all drivers or those of a group. Which of
    several holds: `lookup.rank`.
    """
    _demand(access, tariff)
    if group and group.organization_id != access.organization.pk:
        raise PermissionDenied(_("This group is not yours."))
    _check_place(access, site, station, connector)
    start = valid_from or clock.now()
    if valid_until and valid_until <= start:
        raise ValidationError({"valid_until": _("The end comes before the beginning.")})
    with transaction.atomic():
        assignment = TariffAssignment.objects.create(
            tariff=tariff,
            organization=access.organization,
            site=site,
            station=station,
            connector=connector,
            group=group,
            priority=priority,
            valid_from=start,
            valid_until=valid_until,
        )
        audit.record(access, "tariff.assigned", tariff, to=str(assignment), valid_from=start.isoformat())
        events.publish(TariffChanged(tariff_id=tariff.pk))
    return assignment


def _check_place(access: Access, site: Site | None, station: Station | None, connector: Connector | None) -> None:
    chosen = sum(place is not None for place in (site, station, connector))
    if chosen > 1:
        raise ValidationError(_("Choose one place: a site, a station or a connector."))
    if not chosen and not access.all_sites:
        raise ValidationError(_("Only members of all sites may set a price everywhere: choose a place."))
    station = connector.station if connector else station
    site_id = station.site_id if station else (site.pk if site else None)
    organization_id = station.organization_id if station else (site.organization_id if site else None)
    if organization_id not in (None, access.organization.pk):
        raise PermissionDenied(_("This place is not yours."))
    if site_id and not visible_sites(access).filter(pk=site_id).exists():
        raise PermissionDenied(_("This place is not yours."))


def end_assignment(*, access: Access, assignment: TariffAssignment) -> None:
    """From now on the tariff no longer holds there; what it priced stays explained."""
    _demand(access, assignment.tariff)
    _check_place(access, assignment.site, assignment.station, assignment.connector)
    with transaction.atomic():
        TariffAssignment.objects.filter(pk=assignment.pk).update(valid_until=clock.now())
        audit.record(access, "tariff.unassigned", assignment.tariff, place=str(assignment))
        events.publish(TariffChanged(tariff_id=assignment.tariff_id))


def _demand(access: Access, tariff: Tariff) -> None:
    access.demand(Permission.TARIFFS)
    if tariff.organization_id != access.organization.pk:
        raise PermissionDenied(_("This tariff is not yours."))
