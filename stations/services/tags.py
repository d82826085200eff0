"""Tags on and off stations, audited at the station."""

from collections.abc import Iterable

from django.db import transaction

from evcms.core import audit
from evcms.core.access import Access, Permission
from evcms.core.models import Organization
from stations import tagging
from stations.models import Station, Tag

from .configuration import see_station


def set_tags(*, access: Access, station: Station, names: Iterable[str]) -> bool:
    """The station bears these and no others. False: it did already. Raises ValidationError for what is no tag."""
    access.demand(Permission.STATIONS)
    see_station(access, station)
    wanted = tagging.names(names)
    with transaction.atomic():
        Station.objects.select_for_update(of=("self",)).get(pk=station.pk)
        return _set(access, station, wanted)


def change_tags(*, access: Access, station: Station, add: Iterable[str] = (), remove: Iterable[str] = ()) -> bool:
    """Some more, some less; others stay. False: nothing was to do."""
    access.demand(Permission.STATIONS)
    see_station(access, station)
    with transaction.atomic():
        Station.objects.select_for_update(of=("self",)).get(pk=station.pk)
        gone = {name.casefold() for name in remove}
        kept = [name for name in station.tags.values_list("name", flat=True) if name.casefold() not in gone]
        return _set(access, station, tagging.names([*kept, *add]))


def _set(access: Access, station: Station, names: list[str]) -> bool:
    assert station.organization is not None  # `see_station` asked for it
    before = sorted(station.tags.values_list("name", flat=True))
    if {name.casefold() for name in before} == {name.casefold() for name in names}:
        return False
    station.tags.set(tags_named(station.organization, names))
    after = sorted(station.tags.values_list("name", flat=True))
    audit.record(access, "station.tagged", station, before=before, after=after)
    return True


def tags_named(organization: Organization, names: Iterable[str]) -> list[Tag]:
    """Their rows, made where there are none; a name that is known keeps the case that it has."""
    wanted = list(names)
    known = _known(organization)
    missing = [Tag(organization=organization, name=name) for name in wanted if name.casefold() not in known]
    if missing:
        Tag.objects.bulk_create(missing, ignore_conflicts=True)  # somebody else may make the same just now
        known = _known(organization)
    return [known[name.casefold()] for name in wanted]


def _known(organization: Organization) -> dict[str, Tag]:
    return {tag.name.casefold(): tag for tag in Tag.objects.filter(organization=organization)}


def prune_tags() -> int:
    """Nightly: those that no station bears any more."""
    return Tag.objects.filter(stations=None).delete()[0]
