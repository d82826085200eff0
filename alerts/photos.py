"""Photos that strangers send: opened, turned upright, made small, and written anew as JPEG, so that nothing of the sent
file stays: no EXIF, no place, no hidden second file.
"""

import secrets
import warnings
from io import BytesIO
from pathlib import Path
from typing import IO, Any, Final

from django.conf import settings
from PIL import Image, ImageOps, UnidentifiedImageError

MOST_BYTES: Final = 12 * 1024 * 1024
MOST_PIXELS: Final = 50_000_000  # decoded, some 150 MB for a moment
EDGE: Final = 1600  # pixels
QUALITY: Final = 82
FORMATS: Final = ("JPEG", "PNG", "WEBP")
ROOM: Final = "reports"


class BadPhoto(ValueError):
    """No picture that we can read, or too large."""


def store(sent: IO[Any], size: int) -> str:  # Any: bytes
    """Its name below the media folder. Raises BadPhoto, OSError."""
    if size > MOST_BYTES:
        raise BadPhoto("too many bytes")
    body = _anew(sent)
    name = f"{ROOM}/{secrets.token_hex(16)}.jpg"
    place = settings.MEDIA_ROOT / name
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = place.with_suffix(".part")
    draft.write_bytes(body)
    draft.replace(place)
    return name


def _anew(sent: IO[Any]) -> bytes:  # Any: bytes
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(sent, formats=FORMATS) as picture:
                if picture.width * picture.height > MOST_PIXELS:
                    raise BadPhoto("too many pixels")
                picture.draft("RGB", (EDGE, EDGE))
                upright = ImageOps.exif_transpose(picture)
                upright.thumbnail((EDGE, EDGE))
                plain = Image.new("RGB", upright.size, "white")
                shown = upright.convert("RGBA")
                plain.paste(shown, mask=shown.getchannel("A"))
    except BadPhoto:
        raise
    except (
        UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError, MemoryError,
        Image.DecompressionBombError, Image.DecompressionBombWarning,
    ) as error:  # fmt: skip
        raise BadPhoto("no picture") from error
    out = BytesIO()
    plain.save(out, "JPEG", quality=QUALITY, optimize=True)
    return out.getvalue()


def path_of(name: str) -> Path:
    """Raises ValueError for a name that is not ours."""
    room, _slash, file = name.partition("/")
    if room != ROOM or not file.endswith(".jpg") or not file.removesuffix(".jpg").isalnum():
        raise ValueError(f"{name!r} is no photo of ours")
    return Path(settings.MEDIA_ROOT) / name


def remove(name: str) -> None:
    if name:
        path_of(name).unlink(missing_ok=True)
