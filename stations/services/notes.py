"""Notes and photos of a station: written by those who work there, removed by their author or who keeps the stations."""

from collections.abc import Sequence
from contextlib import ExitStack
from io import BytesIO
from typing import IO, Any, Final

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from evcms.core import audit, pictures
from evcms.core.access import Access, Permission
from stations import files
from stations.models import NotePhoto, Station, StationNote

from .configuration import see_station

TEXT_MAX: Final = 4000
CAPTION_MAX: Final = 200
PHOTOS_PER_NOTE: Final = 6
NOTES_PER_STATION: Final = 1000
PHOTOS_PER_STATION: Final = 300  # some 100 MB
SMALL_EDGE: Final = 320  # pixels
TOLD: Final = 120  # characters of a note that the audit log repeats
Photo = tuple[IO[Any], int]  # the sent file and its size in bytes. Any: bytes


def add_note(
    *, access: Access, station: Station, text: str, photos: Sequence[Photo] = (), caption: str = ""
) -> StationNote:
    """`caption`: what the photos show. Raises PermissionDenied, ValidationError by field, OSError.

    Nothing stays of a note that was refused.
    """
    access.demand(Permission.COMMAND)
    see_station(access, station)
    text, caption = text.strip(), caption.strip()
    _check(text, caption, len(photos))
    with ExitStack() as undo:
        rows = [_take(photo, number, caption, undo) for number, photo in enumerate(photos, start=1)]
        with transaction.atomic():
            Station.objects.select_for_update().get(pk=station.pk)  # two at once could pass the limits together
            _room_for(station, len(rows))
            note = StationNote.objects.create(
                station=station, text=text, user=access.user, author=access.actor[:160]
            )  # fmt: skip
            for row in rows:
                row.note = note
            NotePhoto.objects.bulk_create(rows)
            audit.record(access, "station.note_added", station, note=text[:TOLD], photos=len(rows))
        undo.pop_all()
    return note


def _check(text: str, caption: str, photos: int) -> None:
    wrong = {}
    if not text and not photos:
        wrong["text"] = [_("Write something, or add a photo.")]
    if len(text) > TEXT_MAX:
        wrong["text"] = [_("A note has %(most)d characters at most.") % {"most": TEXT_MAX}]
    if len(caption) > CAPTION_MAX:
        wrong["caption"] = [_("At most %(most)d characters.") % {"most": CAPTION_MAX}]
    if photos > PHOTOS_PER_NOTE:
        wrong["photos"] = [_("At most %(most)d photos for one note.") % {"most": PHOTOS_PER_NOTE}]
    if wrong:
        raise ValidationError(wrong)


def _room_for(station: Station, photos: int) -> None:
    if StationNote.objects.filter(station=station).count() >= NOTES_PER_STATION:
        text = _("This station has %(most)d notes already: remove old ones first.") % {"most": NOTES_PER_STATION}
        raise ValidationError({"text": [text]})
    if photos and NotePhoto.objects.filter(note__station=station).count() + photos > PHOTOS_PER_STATION:
        text = _("A station keeps %(most)d photos at most: remove old ones first.") % {"most": PHOTOS_PER_STATION}
        raise ValidationError({"photos": [text]})


def _take(photo: Photo, number: int, caption: str, undo: ExitStack) -> NotePhoto:
    """Outside the transaction: reading a picture takes its time. What is stored goes again when `undo` closes."""
    try:
        large = pictures.anew(*photo)
        small = pictures.anew(BytesIO(large.body), len(large.body), edge=SMALL_EDGE)
    except pictures.BadPhoto:
        text = _("Photo %(number)d cannot be read: send JPEG, PNG or WebP of at most %(most)d MB.")
        told = text % {"number": number, "most": pictures.MOST_BYTES // 1_048_576}
        raise ValidationError({"photos": [told]}) from None
    paths = []
    for picture in (large, small):
        stored = files.store("notes", [picture.body], most=pictures.MOST_BYTES)
        undo.callback(files.remove, stored.path)
        paths.append(stored.path)
    return NotePhoto(
        caption=caption, path=paths[0], small_path=paths[1], width=small.width, height=small.height
    )  # fmt: skip


def may_remove_note(access: Access, note: StationNote) -> bool:
    return access.can(Permission.STATIONS) or (access.can(Permission.COMMAND) and note.user_id == access.user.pk)


def remove_note(*, access: Access, note: StationNote) -> bool:
    """Its photos go with it. False when it was gone already. Raises PermissionDenied."""
    see_station(access, note.station)
    if not may_remove_note(access, note):
        raise PermissionDenied(_("A note is removed by who wrote it, or by who may edit stations."))
    with transaction.atomic():
        paths = list(NotePhoto.objects.filter(note=note.pk).values_list("path", "small_path"))
        if not StationNote.objects.filter(pk=note.pk).delete()[0]:
            return False
        audit.record(
            access, "station.note_removed", note.station, note=note.text[:TOLD], author=note.author, photos=len(paths)
        )
        transaction.on_commit(lambda: _forget(paths))
    return True


def _forget(paths: list[tuple[str, str]]) -> None:
    for pair in paths:
        for path in pair:
            files.remove(path)
