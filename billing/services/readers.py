"""Card readers, by people: found at the provider or registered by the code on their screen, put somewhere, tried, taken
away. Whose a reader is stands at the provider, too: one organization never sees another's.
"""

import secrets
from collections.abc import Callable
from typing import Final, TypeVar

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.utils import translation
from django.utils.translation import gettext as _

from billing.errors import ProviderUnavailable
from billing.gateways import PaymentsOff, gateway
from billing.gateways.base import Address, GatewayError, Reader, ScreenLine
from billing.models import CardReader
from billing.vocabulary import ReaderState
from evcms.core import audit, clock, events
from evcms.core.access import Access, Permission
from stations.models import Site, Station
from stations.queries import stations, visible_sites

from . import tapping

OFFLINE: Final = "terminal_reader_offline"
T = TypeVar("T")


def offered(*, access: Access) -> list[Reader]:
    """Readers of the provider's account that nobody has put anywhere yet. Raises PermissionDenied, and
    ProviderUnavailable with a sentence.
    """
    access.demand(Permission.STATIONS)
    known = set(CardReader.objects.filter(archived_at=None).values_list("provider_id", flat=True))
    mine = ("", access.organization.slug)
    return [each for each in _told(lambda: gateway().readers()) if each.reader_id not in known and each.owner in mine]


def add_reader(
    *, access: Access, provider_id: str, label: str, site: Site | None = None, station: Station | None = None
) -> CardReader:
    """Puts a reader that the provider knows at a station or a site. Raises PermissionDenied, ValidationError,
    ProviderUnavailable.
    """
    _check(access, site, station)
    found = next((each for each in offered(access=access) if each.reader_id == provider_id), None)
    if found is None:
        raise ValidationError(_("The provider has no such reader, or it stands somewhere already."))
    owner, key = access.organization.slug, f"{provider_id}-claim-{secrets.token_hex(8)}"
    seen = _told(lambda: gateway().claim_reader(provider_id, label=label, owner=owner, key=key))
    return _kept(access, seen, label, site, station)


def register_reader(
    *, access: Access, code: str, label: str, site: Site | None = None, station: Station | None = None
) -> CardReader:
    """Registers a new reader by the words that it shows on its own screen. Raises as `add_reader`."""
    _check(access, site, station)
    place = site or (station.site if station else None)
    if place is None:
        raise ValidationError(_("A reader needs an address: give the station a site first."))
    owner = access.organization.slug
    location = _location(access, place)
    key = f"{owner}-register-{secrets.token_hex(8)}"
    seen = _told(
        lambda: gateway().register_reader(code=code.strip(), label=label, owner=owner, location_id=location, key=key)
    )
    return _kept(access, seen, label, site, station)


def _location(access: Access, site: Site) -> str:
    """The provider's place for a site: that of a reader which stands there already, else a new one."""
    known = CardReader.objects.filter(site=site) | CardReader.objects.filter(station__site=site)
    used = known.exclude(location_id="").values_list("location_id", flat=True).first()
    if used:
        return used
    address = Address(site.name, site.address or site.name, site.city or site.name, site.postal_code, site.country)
    key = f"{access.organization.slug}-location-{site.pk}-{secrets.token_hex(4)}"
    return _told(lambda: gateway().create_location(address, owner=access.organization.slug, key=key))


def _kept(access: Access, seen: Reader, label: str, site: Site | None, station: Station | None) -> CardReader:
    values = {
        "label": label.strip() or seen.label, "location_id": seen.location_id, "site": None if station else site,
        "station": station, "archived_at": None, "due_at": clock.now(),
        "state": ReaderState.ONLINE if seen.online else ReaderState.OFFLINE,
        "seen_at": clock.now() if seen.online else None, "error_text": "",
    }  # fmt: skip
    try:
        with transaction.atomic():
            reader, _created = CardReader.objects.update_or_create(
                provider_id=seen.reader_id, organization=access.organization, defaults=values
            )
            audit.record(access, "reader.added", reader, reader=seen.reader_id, place=str(station or site))
            events.nudge("billing.readers")
    except IntegrityError as error:
        raise ValidationError(_("This reader stands somewhere already.")) from error
    return reader


def edit_reader(
    *, access: Access, reader: CardReader, label: str, site: Site | None = None, station: Station | None = None
) -> CardReader:
    """Another name or place. Raises PermissionDenied, ValidationError."""
    _own(access, reader)
    _check(access, site, station)
    with transaction.atomic():
        row = CardReader.objects.select_for_update(of=("self",)).get(pk=reader.pk)
        row.label, row.site, row.station = label.strip() or row.label, None if station else site, station
        row.due_at = clock.now()
        row.save(update_fields=["label", "site", "station", "due_at"])
        audit.record(access, "reader.edited", row, label=row.label, place=str(station or site))
    return row


def archive_reader(*, access: Access, reader: CardReader) -> None:
    """Takes a reader away: it asks for nothing any more, what it asks for now is given up. Raises PermissionDenied."""
    _own(access, reader)
    with transaction.atomic():
        if CardReader.objects.filter(pk=reader.pk, archived_at=None).update(
            archived_at=clock.now(), due_at=clock.now()
        ):
            audit.record(access, "reader.archived", reader, reader=reader.provider_id)
            events.nudge("billing.readers")


def try_reader(*, access: Access, reader: CardReader) -> None:
    """Writes a line on the reader's screen, for whoever stands before it. Raises PermissionDenied, ValidationError when
    it is busy, ProviderUnavailable.
    """
    access.demand(Permission.COMMAND)
    _own(access, reader, Permission.COMMAND)
    if reader.asking_id is not None:
        raise ValidationError(_("It asks somebody for a card right now; try again in a moment."))
    with translation.override(reader.organization.language or "en"):
        line = ScreenLine(_("Test: %(label)s works.") % {"label": reader.label})
    try:
        seen = gateway().show(reader.provider_id, [line], currency=reader.organization.currency, total_minor=0)
    except (PaymentsOff, GatewayError) as error:
        if isinstance(error, GatewayError) and error.code == OFFLINE:
            tapping.note_seen(reader, Reader(reader.provider_id, reader.label, "", "", online=False))
        raise _unavailable(error) from error
    tapping.note_seen(reader, seen)


def _told(ask: Callable[[], T]) -> T:
    try:
        return ask()
    except (PaymentsOff, GatewayError) as error:
        raise _unavailable(error) from error


def _unavailable(error: Exception) -> ProviderUnavailable:
    if isinstance(error, PaymentsOff):
        return ProviderUnavailable(_("Card payment is not switched on here."))
    said = error.text if isinstance(error, GatewayError) else ""
    return ProviderUnavailable(_("The payment provider says: %(said)s") % {"said": said or _("nothing")})


def _check(access: Access, site: Site | None, station: Station | None) -> None:
    access.demand(Permission.STATIONS)
    if site is None and station is None:
        raise ValidationError(_("Choose a station or a site."))
    if station is not None and not stations(access).filter(pk=station.pk).exists():
        raise PermissionDenied(_("This station is not yours."))
    if site is not None and not visible_sites(access).filter(pk=site.pk).exists():
        raise PermissionDenied(_("This site is not yours."))


def _own(access: Access, reader: CardReader, permission: Permission = Permission.STATIONS) -> None:
    access.demand(permission)
    if reader.organization_id != access.organization.pk:
        raise PermissionDenied(_("This reader is not yours."))
