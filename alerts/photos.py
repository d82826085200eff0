"""Drivers' photos of what is wrong, below the media folder."""

import secrets
from pathlib import Path
from typing import IO, Any, Final

from django.conf import settings

from evcms.core import pictures

ROOM: Final = "reports"


def store(sent: IO[Any], size: int) -> str:  # Any: bytes
    """Its name below the media folder. Raises pictures.BadPhoto, OSError."""
    body = pictures.anew(sent, size).body
    name = f"{ROOM}/{secrets.token_hex(16)}.jpg"
    place = settings.MEDIA_ROOT / name
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = place.with_suffix(".part")
    draft.write_bytes(body)
    draft.replace(place)
    return name


def path_of(name: str) -> Path:
    """Raises ValueError for a name that is not ours."""
    room, _slash, file = name.partition("/")
    if room != ROOM or not file.endswith(".jpg") or not file.removesuffix(".jpg").isalnum():
        raise ValueError(f"{name!r} is no photo of ours")
    return Path(settings.MEDIA_ROOT) / name


def remove(name: str) -> None:
    if name:
        path_of(name).unlink(missing_ok=True)
