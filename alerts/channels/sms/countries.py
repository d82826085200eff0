"""How people write numbers of their own country: its code, and the digits that lead a number inside it. No Django."""

from typing import Final

# ITU-T E.164 (country codes) and E.123/national numbering plans (the trunk prefix that falls away abroad)
_WITH_0: Final = {
    "AL": 355, "AT": 43, "BA": 387, "BE": 32, "BG": 359, "CH": 41, "DE": 49, "FI": 358, "FR": 33, "GB": 44, "HR": 385,
    "IE": 353, "LT": 370, "ME": 382, "MK": 389, "NL": 31, "RO": 40, "RS": 381, "SE": 46, "SI": 386, "SK": 421,
    "TR": 90, "UA": 380,
}  # fmt: skip
_WITHOUT: Final = {
    "AD": 376, "CY": 357, "CZ": 420, "DK": 45, "EE": 372, "ES": 34, "GR": 30, "IS": 354, "IT": 39, "LI": 423,
    "LU": 352, "LV": 371, "MC": 377, "MT": 356, "NO": 47, "PL": 48, "PT": 351,
}  # fmt: skip
_LONGEST: Final = {"IT": 10, "GR": 10}
_OTHERS: Final = {"HU": ("06", 36)}


def international(number: str, country: str) -> str:
    """Digits as they are dialled inside `country` (ISO 3166), with its code; what is none of these stays as it is."""
    if country in _WITHOUT:
        short = number.isdigit() and len(number) <= _LONGEST.get(country, 9)  # longer: somebody forgot the plus
        return f"+{_WITHOUT[country]}{number}" if short else number
    trunk, code = _OTHERS.get(country, ("0", _WITH_0.get(country)))
    local = code is not None and number.isdigit() and number.startswith(trunk)
    return f"+{code}{number.removeprefix(trunk)}" if local else number
