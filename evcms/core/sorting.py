"""Names as people sort them: "Kade 2" before "Kade 10". Pure."""

import re
from typing import Final

_DIGITS: Final = re.compile(r"([0-9]+)")


def natural(text: str) -> tuple[tuple[int, int, str], ...]:
    """A key for `sorted`: numbers by their worth, letters without case."""
    parts = _DIGITS.split(text.casefold())
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts if part)
