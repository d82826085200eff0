"""The text of a file that somebody's spreadsheet wrote, and how its letters were written. No Django.

UTF-8 is certain (other texts with letters beyond ASCII hardly ever pass for it), a UTF-16 mark is certain too. What is
neither is taken for Windows-1252, which older Excel writes, only where its words look like words; and who reads it is
shown some of them.
"""

import codecs
import re
from typing import Final, NamedTuple

UTF_8: Final = "UTF-8"
UTF_16: Final = "UTF-16"
WINDOWS: Final = "Windows-1252"
MARKS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
# A sign within a word ("K„de"), a capital within small letters ("KŠde"): DOS and Macintosh letters, or none at all.
NO_WORD: Final = re.compile(r"[^\W\d_][^\x00-\x7f\w’·–—\u00a0\u00ad][^\W\d_]|[^\W\d_][À-ÖØ-ÞŠŒŽŸ][a-zß-ÿ]")
BEYOND: Final = re.compile(r"[^\W\d_]*[^\x00-\x7f\W\d_]\w*")
SHOWN: Final = 5


class Decoded(NamedTuple):
    text: str
    encoding: str


def decode(content: bytes) -> Decoded:
    """Raises ValueError where it cannot be told with some certainty."""
    if content.startswith(MARKS):
        return Decoded(content.decode("utf-16"), UTF_16)
    try:
        return Decoded(content.decode("utf-8-sig"), UTF_8)
    except UnicodeDecodeError:
        text = content.decode("cp1252")
    if NO_WORD.search(text):
        raise ValueError("no words in Windows-1252")
    return Decoded(text, WINDOWS)


def words(text: str) -> list[str]:
    """Some words with letters beyond ASCII: who knows them sees whether they were read well."""
    found: dict[str, None] = {}
    for match in BEYOND.finditer(text):
        found[match.group()[:40]] = None
        if len(found) == SHOWN:
            break
    return list(found)
