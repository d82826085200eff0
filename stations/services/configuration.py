"""Sites, stations and connectors as people configure them: permitted, validated, audited with before and after.

Values come as a mapping by field name; unknown names and bad values raise ValidationError by field. Objects of another
organization, or of a site that the membership does not see, raise PermissionDenied (the doors answer 404 before).
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final
from zoneinfo import available_timezones

from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import models, transaction
from django.db.models import Min
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from evcms.core import audit, clock, countries
from evcms.core.access import Access, Permission
from stations import hours, passwords, queries
from stations.models import Connector, Evse, Site, Station
from stations.vocabulary import OCCUPIED_STATUSES, Approval, SecurityProfile

from . import availability_days
from .availability import touch
from .links import close_link

Values = Mapping[str, Any]  # Any: each field takes its own type; the model's fields convert and check

SITE_FIELDS: Final = (
    "name",
    "address",
    "postal_code",
    "city",
    "country",
    "latitude",
    "longitude",
    "time_zone",
    "grid_limit_w",
    "opening_hours",
    "access_notes",
    "access_notes_in",
    "accessible",
    "public",
)
STATION_FIELDS: Final = (
    "site",
    "identity",
    "name",
    "security_profile",
    "vendor",
    "model",
    "serial_number",
    "heartbeat_interval",
)
CONNECTOR_FIELDS: Final = ("plug", "power_type", "cable", "max_power_w")


# Sites ------------------------------------------------------------------------------------------------


def create_site(*, access: Access, values: Values) -> Site:
    """Raises PermissionDenied, ValidationError. A member without all sites cannot make one: he would not see it."""
    access.demand(Permission.STATIONS)
    if not access.all_sites:
        raise PermissionDenied(_("Only members of all sites may add a site."))
    site = Site(organization=access.organization)
    with transaction.atomic():
        assign(site, values, SITE_FIELDS)
        check_site(site)
        site.save()
        audit.record(access, "site.created", site, after=plain(site, SITE_FIELDS))
    return site


def edit_site(*, access: Access, site: Site, values: Values) -> Site:
    access.demand(Permission.STATIONS)
    see_site(access, site)
    with transaction.atomic():
        site = Site.objects.select_for_update().get(pk=site.pk)
        before = plain(site, SITE_FIELDS)
        assign(site, values, SITE_FIELDS)
        check_site(site)
        _save_changes(access, "site.edited", site, before, plain(site, SITE_FIELDS))
    return site


def archive_site(*, access: Access, site: Site) -> None:
    """Out of all lists and off the map; never deleted. Raises ValidationError while stations stand there."""
    access.demand(Permission.STATIONS)
    see_site(access, site)
    with transaction.atomic():
        standing = Station.objects.filter(site=site, archived_at=None).count()
        if standing:
            text = ngettext(
                "%(count)d station still stands at %(site)s: move or archive it first.",
                "%(count)d stations still stand at %(site)s: move or archive them first.",
                standing,
            )
            raise ValidationError(text % {"count": standing, "site": site})
        if Site.objects.filter(pk=site.pk, archived_at=None).update(archived_at=clock.now()):
            audit.record(access, "site.archived", site)


def archive_sites(*, access: Access, sites: Iterable[Site]) -> tuple[int, list[str]]:
    """Each for itself: how many went, and a sentence for each that stays because stations stand there."""
    gone, refused = 0, []
    for site in sites:
        try:
            archive_site(access=access, site=site)
            gone += 1
        except ValidationError as error:
            refused += error.messages
    return gone, refused


def check_site(site: Site) -> None:
    errors: dict[str, list[str]] = {}
    if site.time_zone not in available_timezones():
        text = _("%(zone)s is no time zone; give one such as Europe/Amsterdam.")
        errors["time_zone"] = [text % {"zone": site.time_zone}]
    site.country = str(site.country).upper()
    if site.country not in countries.names():
        errors["country"] = [_("Give the country as its two letters of ISO 3166, such as NL or GB.")]
    for name in ("latitude", "longitude"):
        if getattr(site, name) != getattr(site, name):  # NaN, which no validator refuses
            errors[name] = [_("This is no coordinate.")]
    if hours.read(site.opening_hours) is None:
        text = _("Write the hours such as Mo-Fr 06:00-22:00; Sa 08:00-18:00, or 24/7 for always open.")
        errors["opening_hours"] = [text]
    site.access_notes_in = site.access_notes_in or {}  # an empty field of a form is None
    if not _texts_by_language(site.access_notes_in):
        errors["access_notes_in"] = [_("Give a text for each language, by its code.")]
    full_clean(site, errors, exclude=[])


def _texts_by_language(said: object) -> bool:
    known = dict(settings.LANGUAGES)
    return isinstance(said, dict) and all(
        code in known and isinstance(text, str) and "\0" not in text for code, text in said.items()
    )


# Stations ---------------------------------------------------------------------------------------------


def create_station(
    *, access: Access, values: Values, password: str | None = None, approval: Approval = Approval.ACCEPTED
) -> Station:
    """A station that a person enters is accepted at once. `password`: a chosen one; `set_password` makes one."""
    access.demand(Permission.STATIONS)
    station = Station(organization=access.organization, approval=approval)
    with transaction.atomic():
        assign(station, values, STATION_FIELDS)
        check_station(access, station)
        station.save()
        audit.record(access, "station.created", station, after=plain(station, STATION_FIELDS), approval=str(approval))
        if password:
            set_password(access=access, station=station, password=password)
    return station


def edit_station(*, access: Access, station: Station, values: Values) -> Station:
    """The identity may change only until the station has spoken: its charger knows itself by it."""
    access.demand(Permission.STATIONS)
    see_station(access, station)
    with transaction.atomic():
        station = Station.objects.select_for_update().get(pk=station.pk)
        before, old_site = plain(station, STATION_FIELDS), station.site_id
        assign(station, values, STATION_FIELDS)
        if station.identity != before["identity"] and station.last_seen_at:
            raise ValidationError({"identity": [_("The station has spoken under its identity; it cannot change now.")]})
        check_station(access, station)
        _save_changes(access, "station.edited", station, before, plain(station, STATION_FIELDS))
        if station.site_id != old_site:
            availability_days.forget([old_site, station.site_id])
    return station


def archive_station(*, access: Access, station: Station) -> None:
    """Out of all lists, its link is closed and its next handshake refused; its sessions stay.

    Raises ValidationError while a car charges at it.
    """
    access.demand(Permission.STATIONS)
    see_station(access, station)
    with transaction.atomic():
        station = Station.objects.select_for_update(of=("self",)).get(pk=station.pk)
        if queries.online(station) and station.connectors.filter(status__in=OCCUPIED_STATUSES).exists():
            raise ValidationError(_("A car stands at %(station)s: stop its session first.") % {"station": station})
        if station.archived_at is None:
            station.archived_at = clock.now()
            station.save(update_fields=["archived_at"])
            audit.record(access, "station.archived", station)
            close_link(station, "the station was archived")
            touch([station.pk], station.archived_at)


def restore_station(*, access: Access, station: Station) -> None:
    """Back from the archive, as it was; its charger may call. Raises ValidationError when its site is archived."""
    access.demand(Permission.STATIONS)
    see_station(access, station)
    with transaction.atomic():
        station = Station.objects.select_for_update(of=("self",)).select_related("site").get(pk=station.pk)
        if station.site and station.site.archived_at:
            raise ValidationError(_("Its site %(site)s is archived.") % {"site": station.site})
        if station.archived_at is not None:
            station.archived_at = None
            station.save(update_fields=["archived_at"])
            audit.record(access, "station.restored", station)
            touch([station.pk], clock.now())


def check_station(access: Access, station: Station) -> None:
    errors: dict[str, list[str]] = {}
    site = station.site
    if site is None and not access.all_sites:
        errors["site"] = [_("Choose one of your sites.")]
    if site is not None and (site.archived_at or not queries.visible_sites(access).filter(pk=site.pk).exists()):
        errors["site"] = [_("There is no such site.")]
    full_clean(station, errors, exclude=["organization", "connection"])


def set_password(*, access: Access, station: Station, password: str | None = None) -> str:
    """Sets a chosen password, or makes one. Returned once and never kept; links that are open stay.

    A station that nobody would ask for it (security profile 0) gets profile 1 with it.

    Raises ValidationError for a chosen one that no charger can have.
    """
    access.demand(Permission.STATIONS)
    see_station(access, station)
    generated = password is None
    plaintext = passwords.make() if password is None else password
    if not generated:
        passwords.check_chosen(plaintext)
    digest = passwords.digest(plaintext, generated=generated)
    with transaction.atomic():
        Station.objects.filter(pk=station.pk).update(password_digest=digest)
        unasked = Station.objects.filter(pk=station.pk, security_profile=SecurityProfile.NONE)
        lifted = {"security_profile": [0, 1]} if unasked.update(security_profile=SecurityProfile.BASIC) else {}
        audit.record(access, "station.password_set", station, generated=generated, **lifted)
    station.password_digest = digest
    station.security_profile = SecurityProfile.BASIC if lifted else station.security_profile
    return plaintext


# Connectors -------------------------------------------------------------------------------------------


def set_connectors(*, access: Access, station: Station, connectors: Iterable[Values]) -> list[Connector]:
    """The station's connectors are these: `{"evse": 1, "connector": 1, "plug": …, "max_power_w": …, "evse_id": …}`.

    Left out ones are archived (their sessions and QR codes stay known), returning ones revived. Raises ValidationError
    with a list of sentences, or while a car stands at one that would go.
    """
    access.demand(Permission.STATIONS)
    see_station(access, station)
    wanted = [_numbered(values) for values in connectors]
    keys = [(evse, number) for evse, number, _values in wanted]
    if twice := sorted({key for key in keys if keys.count(key) > 1}):
        text = _("Connector %(connector)d of EVSE %(evse)d is given twice.")
        raise ValidationError([text % {"evse": evse, "connector": number} for evse, number in twice])
    with transaction.atomic():
        before = _as_plain_list(station)
        away = Connector.objects.filter(station=station).aggregate(since=Min("archived_at"))["since"]
        kept = [_set_connector(station, *one) for one in wanted]
        _archive_others(station, {connector.pk for connector in kept})
        after = _as_plain_list(station)
        if before != after:
            audit.record(access, "station.connectors_set", station, before=before, after=after)
            touch([station.pk], away or clock.now())  # one that comes back was not in order while it was away
            availability_days.forget([station.site_id])
    return kept


def _numbered(values: Values) -> tuple[int, int, Values]:
    numbers = {}
    for name, largest in (("evse", 999), ("connector", 99)):
        given = values.get(name, 1)
        if isinstance(given, str) and given.strip().isdecimal():
            given = int(given)
        if not isinstance(given, int) or isinstance(given, bool) or not 1 <= given <= largest:
            text = _("%(name)s must be a whole number from 1 to %(largest)d.")
            raise ValidationError(text % {"name": name, "largest": largest})
        numbers[name] = given
    return numbers["evse"], numbers["connector"], values


def _set_connector(station: Station, evse_number: int, number: int, values: Values) -> Connector:
    evse = Evse.objects.filter(station=station, number=evse_number).first() or Evse(station=station, number=evse_number)
    evse.evse_id = str(values.get("evse_id", evse.evse_id) or "")
    full_clean(evse, {}, exclude=["station"])
    evse.save()
    connector = Connector.objects.filter(evse=evse, number=number).first()
    connector = connector or Connector(evse=evse, station=station, number=number)
    chosen = {name: value for name, value in values.items() if name not in ("evse", "connector", "evse_id")}
    assign(connector, chosen, CONNECTOR_FIELDS)
    connector.archived_at = None
    full_clean(connector, {}, exclude=["evse", "station"])
    connector.save()
    return connector


def _archive_others(station: Station, kept: set[int]) -> None:
    leaving = Connector.objects.filter(station=station, archived_at=None).exclude(pk__in=kept)
    if queries.online(station) and (busy := leaving.filter(status__in=OCCUPIED_STATUSES).first()):
        raise ValidationError(_("A car stands at %(connector)s: it cannot go now.") % {"connector": busy})
    leaving.update(archived_at=clock.now())


def _as_plain_list(station: Station) -> list[dict[str, object]]:
    rows = Connector.objects.filter(station=station, archived_at=None).select_related("evse")
    return [
        {"evse": row.evse.number, "connector": row.number, "evse_id": row.evse.evse_id} | plain(row, CONNECTOR_FIELDS)
        for row in rows.order_by("evse__number", "number")
    ]


# Shared -----------------------------------------------------------------------------------------------


def see_site(access: Access, site: Site) -> None:
    if not queries.visible_sites(access).filter(pk=site.pk).exists():
        raise PermissionDenied(_("There is no such site."))


def see_station(access: Access, station: Station) -> None:
    mine = Station.objects.filter(pk=station.pk, organization=access.organization)
    if not access.all_sites:
        mine = mine.filter(site__grants__membership=access.membership)
    if not mine.exists():
        raise PermissionDenied(_("There is no such station."))


def assign(row: models.Model, values: Values, allowed: tuple[str, ...]) -> None:
    """Raises ValidationError for names that are no fields."""
    unknown = sorted(set(values) - set(allowed))
    if unknown:
        text = _("There is no field %(name)s; there are: %(all)s.")
        raise ValidationError({name: [text % {"name": name, "all": ", ".join(allowed)}] for name in unknown})
    for name, value in values.items():
        if isinstance(value, str) and "\0" in value:
            raise ValidationError({name: [_("Null characters are not allowed.")]})
        setattr(row, name, value)


def full_clean(row: models.Model, errors: dict[str, list[str]], *, exclude: list[str]) -> None:
    """The model's own checks, together with the errors found so far."""
    try:
        row.full_clean(exclude=[*exclude, *errors])
    except ValidationError as found:
        raise ValidationError(found.message_dict | errors) from None
    if errors:
        raise ValidationError(errors)


def plain(row: models.Model, names: Iterable[str]) -> dict[str, object]:
    """The fields as JSON values, for the audit log."""
    return {name: _plain(getattr(row, name)) for name in names}


def _plain(value: object) -> object:
    if isinstance(value, models.Model | datetime):
        return str(value)
    return str(value) if isinstance(value, str) else value


def _save_changes(
    access: Access, action: str, row: models.Model, before: dict[str, object], after: dict[str, object]
) -> None:
    """Saves and audits what differs; writes nothing when nothing does."""
    changed = [name for name in after if before[name] != after[name]]
    if not changed:
        return
    row.save(update_fields=changed)
    audit.record(
        access,
        action,
        row,
        before={name: before[name] for name in changed},
        after={name: after[name] for name in changed},
    )
