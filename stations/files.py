"""Files of stations on disk, under FILES_DIR: written beside their place, checked while they come, moved when whole.

Names on disk are our own; what a station or a person calls a file is only a text in a row.
"""

import contextlib
import hashlib
import os
import re
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

from django.conf import settings

_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")
OURS: Final = re.compile(r"(logs|firmware|proofs|notes)/[0-9a-f]{32}\Z")


class TooLarge(Exception):
    """More bytes came than may."""


def new_token() -> str:
    """For a link that nobody guesses: 256 bits."""
    return secrets.token_urlsafe(32)


class Stored(NamedTuple):
    path: str  # relative to FILES_DIR
    size: int
    sha256: str
    md5: str  # OCPP 2.x PublishFirmware names a file by it


def store(room: str, chunks: Iterable[bytes], *, most: int) -> Stored:
    """Writes the bytes and gives the place. Raises TooLarge after `most` of them, and OSError; nothing is left then."""
    path = f"{room}/{secrets.token_hex(16)}"
    place = whole_path(path)
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = place.with_suffix(".part")
    size, sha256, md5 = 0, hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    try:
        with draft.open("xb") as out:
            for chunk in chunks:
                size += len(chunk)
                if size > most:
                    raise TooLarge(f"more than {most} bytes")
                sha256.update(chunk)
                md5.update(chunk)
                out.write(chunk)
            out.flush()
            os.fsync(out.fileno())
        draft.replace(place)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    return Stored(path, size, sha256.hexdigest(), md5.hexdigest())


def whole_path(path: str) -> Path:
    """Raises ValueError for a path that we did not make."""
    if not OURS.match(path):
        raise ValueError(f"{path!r} is no file of ours")
    return Path(settings.FILES_DIR) / path


def remove(path: str) -> None:
    """A file that is gone already, or cannot go, harms nobody."""
    with contextlib.suppress(OSError, ValueError):
        whole_path(path).unlink(missing_ok=True)


def plain_name(text: str, otherwise: str) -> str:
    """A file name for a download or a link: the last part of a path, of letters, digits, dot, dash and underscore."""
    name = _UNSAFE.sub("_", text.replace("\\", "/").rsplit("/", 1)[-1]).lstrip(".")[:120]
    return name or otherwise
