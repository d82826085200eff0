"""Photos that people send: opened, turned upright, made small, and written anew as JPEG, so that nothing of the sent
file stays: no EXIF, no place, no hidden second file. Pure: no Django.
"""

import warnings
from io import BytesIO
from typing import IO, Any, Final, NamedTuple

from PIL import Image, ImageOps, UnidentifiedImageError

MOST_BYTES: Final = 12 * 1024 * 1024
MOST_PIXELS: Final = 50_000_000  # decoded, some 150 MB for a moment
EDGE: Final = 1600  # pixels
QUALITY: Final = 82
FORMATS: Final = ("JPEG", "PNG", "WEBP")


class BadPhoto(ValueError):
    """No picture that we can read, or too large."""


class Picture(NamedTuple):
    body: bytes  # JPEG
    width: int
    height: int


def anew(sent: IO[Any], size: int, *, edge: int = EDGE) -> Picture:  # Any: bytes
    """`size`: of the sent file, bytes; `edge`: the longest that the picture gets, pixels. Raises BadPhoto."""
    if size > MOST_BYTES:
        raise BadPhoto("too many bytes")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(sent, formats=FORMATS) as picture:
                if picture.width * picture.height > MOST_PIXELS:
                    raise BadPhoto("too many pixels")
                picture.draft("RGB", (edge, edge))
                upright = ImageOps.exif_transpose(picture)
                upright.thumbnail((edge, edge))
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
    return Picture(out.getvalue(), plain.width, plain.height)
