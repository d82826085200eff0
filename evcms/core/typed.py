"""Numbers as people type them: 5.89 or 5,89. No Django."""

import re
from decimal import Decimal
from typing import Final

NUMBER: Final = re.compile(r"-?[0-9]{1,18}([.,][0-9]{1,12})?\Z")
GROUPED: Final = re.compile(r"-?[1-9][0-9]{0,2},[0-9]{3}\Z")


class Unclear(ValueError):
    """The comma may part thousands or decimals: 1,234."""


def decimal_of(text: str) -> Decimal:
    """Exact. A comma is a decimal one where it cannot part thousands. Raises ValueError for what is no such number,
    Unclear where it may be two.
    """
    text = text.strip()
    if GROUPED.match(text):
        raise Unclear(text)
    if not NUMBER.match(text):
        raise ValueError(text)
    return Decimal(text.replace(",", "."))
