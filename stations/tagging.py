"""Tags of stations as people write them, and who bears which."""

from collections.abc import Iterable
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext as _

from evcms.core.access import Access
from stations.models import Station, Tag

LONGEST: Final = 40  # characters
MOST: Final = 20  # on one station
NOTHING: Final = "none"  # in a table: an empty cell leaves what is there
BETWEEN: Final = ",;"
SHOWN: Final = "; "


def read(text: str) -> list[str]:
    """ "fast, motorway; rent free" → its tags. Raises ValidationError with a sentence."""
    for sign in BETWEEN:
        text = text.replace(sign, ",")
    return names(text.split(","))


def names(given: Iterable[str]) -> list[str]:
    """Each once, whatever its case. Raises ValidationError with a sentence."""
    found: dict[str, str] = {}
    for each in given:
        name = " ".join(each.split())
        if not name:
            continue
        if len(name) > LONGEST or not name.isprintable() or any(sign in name for sign in BETWEEN):
            text = _("A tag has up to %(most)d letters and no comma or semicolon: %(name)s.")
            raise ValidationError(text % {"most": LONGEST, "name": name[:LONGEST]})
        if name.casefold() == NOTHING:
            raise ValidationError(_("“none” stands for no tag in tables; choose another word."))
        found.setdefault(name.casefold(), name)
    if len(found) > MOST:
        raise ValidationError(_("A station has %(most)d tags at most.") % {"most": MOST})
    return list(found.values())


def written(station: Station) -> str:
    """As `read` reads them; from rows that were fetched with their tags."""
    return SHOWN.join(sorted((tag.name for tag in station.tags.all()), key=str.casefold))


def tags(access: Access) -> QuerySet[Tag]:
    """Those that a person meets on the stations of his lists, by name."""
    borne = Station.tags.through.objects.filter(tag=OuterRef("pk"), station__archived_at=None)
    if not access.all_sites:
        borne = borne.filter(station__site__grants__membership=access.membership)
    return Tag.objects.filter(Exists(borne), organization=access.organization).order_by("name")


def bearing(access: Access, name: str) -> QuerySet[Any, Any]:
    """Keys of the stations that bear this tag. Any: rows of the table between."""
    rows: QuerySet[Any] = Station.tags.through.objects.filter(tag__organization=access.organization, tag__name=name)
    return rows.values("station_id")
