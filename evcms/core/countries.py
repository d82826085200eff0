"""Countries of ISO 3166, from the table that comes with the time zones (tzdata, iso3166.tab: code, tab, name)."""

from functools import lru_cache
from importlib.resources import files

from django import forms


@lru_cache(maxsize=1)
def names() -> dict[str, str]:
    """By code of two letters, in the order of the names."""
    text = files("tzdata").joinpath("zoneinfo", "iso3166.tab").read_text(encoding="utf-8")
    rows = [line.split("\t") for line in text.splitlines() if line and not line.startswith("#")]
    return dict(sorted(rows, key=lambda row: row[1]))


def offer(field: forms.Field, stored: str) -> None:
    """Gives a choice its countries. A stored one that is none is to be chosen anew."""
    assert isinstance(field, forms.ChoiceField)
    known = [(code, f"{name} ({code})") for code, name in names().items()]
    field.choices = known if stored in names() else [("", "—"), *known]
