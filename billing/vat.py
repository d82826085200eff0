"""VAT identification numbers: form and check digits of the EU countries, Great Britain, Switzerland and Norway. Pure.

Without a register's word a number can be well made and yet belong to nobody; a wrong one is refused here for certain.
Forms: the European Commission's VIES table (2006/112/EC, art. 215: ISO code, Greece EL, Northern Ireland XI). Check
digits: the countries' published rules.
"""

import re
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

SEPARATORS: Final = re.compile(r"[\s.\-/]")
LONGEST: Final = 30


class VatNumber(NamedTuple):
    """`country` is the number's own prefix (EL, XI, CHE); `number` is without it."""

    country: str
    number: str

    def __str__(self) -> str:
        return self.country + self.number


class WrongVatNumber(ValueError):
    """`reason` is a sentence for the person who typed it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def has_rules(country: str) -> bool:
    """Of a country of ISO 3166: do we know how its numbers look?"""
    return {"GR": "EL", "CH": "CHE"}.get(country, country) in RULES


def check(text: str) -> VatNumber:
    """The number in its canonical form (no spaces, upper case). Raises WrongVatNumber."""
    number = shaped(text)
    if not RULES[number.country].holds(number.number):
        raise WrongVatNumber("The VAT number's check digits are wrong; please look for a typing mistake.")
    return number


def shaped(text: str) -> VatNumber:
    """The same, without a look at its check digits."""
    number = SEPARATORS.sub("", text[:LONGEST]).upper()
    if len(text) > LONGEST or not re.fullmatch(r"[0-9A-Z+*]*", number):
        raise WrongVatNumber("That is no VAT number.")
    country = "CHE" if number.startswith("CHE") else number[:2].replace("GR", "EL")
    rule = RULES.get(country)
    if rule is None:
        raise WrongVatNumber("A VAT number begins with its country, such as NL or DE.")
    body = number[3:] if country == "CHE" else number[2:]
    if not re.fullmatch(rule.form, body):
        raise WrongVatNumber(f"A VAT number of {country} looks otherwise.")
    return VatNumber(country, body)


def is_valid(text: str) -> bool:
    try:
        check(text)
    except WrongVatNumber:
        return False
    return True


# Arithmetic that several countries share ----------------------------------------------------------------


def _digits(text: str) -> list[int]:
    return [int(digit) for digit in text]


def _weighted(text: str, weights: Sequence[int]) -> int:
    return sum(digit * weight for digit, weight in zip(_digits(text), weights, strict=False))


def _luhn(text: str) -> bool:
    """ISO/IEC 7812-1, annex B."""
    digits = _digits(text)[::-1]
    return sum(d if i % 2 == 0 else sum(divmod(2 * d, 10)) for i, d in enumerate(digits)) % 10 == 0


def _mod_11_10(text: str) -> bool:
    """ISO/IEC 7064."""
    check = 10
    for digit in _digits(text[:-1]):
        check = (check + digit) % 10 or 10
        check = check * 2 % 11
    return (check + int(text[-1])) % 10 == 1


def _zero(weights: Sequence[int], modulus: int) -> Callable[[str], bool]:
    """The weighted sum of all digits leaves no remainder."""
    return lambda text: _weighted(text, weights) % modulus == 0


# Countries ----------------------------------------------------------------------------------------------


def _austria(body: str) -> bool:
    digits = _digits(body[1:])
    total = sum(d if i % 2 == 0 else sum(divmod(2 * d, 10)) for i, d in enumerate(digits[:7]))
    return (10 - (total + 4) % 10) % 10 == digits[7]


def _belgium(body: str) -> bool:
    return 97 - int(body[:8]) % 97 == int(body[8:])


def _bulgaria(body: str) -> bool:
    last = int(body[-1])
    if len(body) == 9:
        rest = _weighted(body[:8], range(1, 9)) % 11
        if rest == 10:
            rest = _weighted(body[:8], range(3, 11)) % 11 % 10
        return rest == last
    person = _weighted(body[:9], (2, 4, 8, 5, 10, 9, 7, 3, 6)) % 11 % 10
    foreigner = _weighted(body[:9], (21, 19, 17, 13, 11, 9, 7, 3, 1)) % 10
    other = (11 - _weighted(body[:9], (4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11) % 11
    return last in (person, foreigner, other)


def _cyprus(body: str) -> bool:
    odd = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21)
    total = sum(odd[d] if i % 2 == 0 else d for i, d in enumerate(_digits(body[:8])))
    return body[:2] != "12" and chr(ord("A") + total % 26) == body[8]


def _czechia(body: str) -> bool:
    """Companies have 8 digits; persons their birth number (10 digits by 11, those of before 1954 nine)."""
    if len(body) == 8:
        return (11 - _weighted(body[:7], range(8, 1, -1)) % 11) % 10 == int(body[7])
    if len(body) == 9 and body[0] == "6":
        return (8 - (10 - _weighted(body[1:8], range(8, 1, -1)) % 11) % 11) % 10 == int(body[8])
    month = int(body[2:4]) % 50 % 20
    if not 1 <= month <= 12 or not 1 <= int(body[4:6]) <= 31:
        return False
    return len(body) == 9 or int(body[:9]) % 11 % 10 == int(body[9])


def _germany(body: str) -> bool:
    return _mod_11_10(body)


def _greece(body: str) -> bool:
    return _weighted(body[:8], [2**power for power in range(8, 0, -1)]) % 11 % 10 == int(body[8])


_NIF: Final = "TRWAGMYFPDXBNJZSQVHLCKE"


def _spain(body: str) -> bool:
    """Persons: a letter from the number by 23; foreigners X, Y, Z; companies: a control digit or letter."""
    first, middle, last = body[0], body[1:8], body[8]
    if first.isdigit() or first in "XYZKLM":
        start = {"X": "0", "Y": "1", "Z": "2", "K": "", "L": "", "M": ""}.get(first, first)
        return last == _NIF[int(start + middle) % 23]
    total = sum(sum(divmod(2 * d, 10)) if i % 2 == 0 else d for i, d in enumerate(_digits(middle)))
    control = (10 - total % 10) % 10
    digit, letter = str(control), "JABCDEFGHI"[control]
    return last == letter if first in "PQRSNW" else last in (digit, letter)


_FRENCH: Final = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"


def _france(body: str) -> bool:
    """The company's SIREN with its key; Monaco's (000…) is no SIREN."""
    key, siren = body[:2], body[2:]
    if not siren.startswith("000") and not _luhn(siren):
        return False
    if key.isdigit():
        return int(key) == (12 + 3 * (int(siren) % 97)) % 97
    first, second = _FRENCH.index(key[0]), _FRENCH.index(key[1])
    mixed = first * 24 + second - 10 if key[0].isdigit() else first * 34 + second - 100
    return (int(siren) + 1 + mixed // 11) % 11 == mixed % 11


def _ireland(body: str) -> bool:
    letters = "WABCDEFGHIJKLMNOPQRSTUV"
    if not body[1].isdigit():
        body = "0" + body[2:7] + body[0] + body[7:]
    second = letters.find(body[8]) if len(body) == 9 else 0
    return letters[(_weighted(body[:7], range(8, 1, -1)) + 9 * second) % 23] == body[7]


def _italy(body: str) -> bool:
    office = int(body[7:10])
    return _luhn(body) and body[:7] != "0000000" and (1 <= office <= 100 or office in (120, 121, 888, 999))


def _lithuania(body: str) -> bool:
    """The last digit but one is a 1."""
    if body[-2] != "1":
        return False
    count = len(body) - 1
    rest = _weighted(body[:-1], [i % 9 + 1 for i in range(count)]) % 11
    if rest == 10:
        rest = _weighted(body[:-1], [(i + 2) % 9 + 1 for i in range(count)]) % 11 % 10
    return rest == int(body[-1])


def _luxembourg(body: str) -> bool:
    return int(body[:6]) % 89 == int(body[6:])


def _latvia(body: str) -> bool:
    """Companies begin with 4 to 9; persons with the day of birth, or (since 2017) with 32 and no meaning."""
    if body[0] > "3":
        return _weighted(body, (9, 1, 4, 8, 3, 10, 2, 5, 7, 6, 1)) % 11 == 3
    if body.startswith("32"):
        return True
    born = 1 <= int(body[:2]) <= 31 and 1 <= int(body[2:4]) <= 12
    return born and (1 + _weighted(body[:10], (10, 5, 8, 4, 2, 1, 6, 3, 7, 9))) % 11 % 10 == int(body[10])


def _netherlands(body: str) -> bool:
    """Companies by the test of eleven; sole traders since 2020 by 97 over the whole number."""
    eleven = _weighted(body[:9], (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0 and body[:9] != "000000000"
    whole = "".join(str(int(char, 36)) for char in "NL" + body)
    return eleven or int(whole) % 97 == 1


def _poland(body: str) -> bool:
    return _weighted(body[:9], (6, 5, 7, 2, 3, 4, 5, 6, 7)) % 11 == int(body[9])


def _portugal(body: str) -> bool:
    return (11 - _weighted(body[:8], range(9, 1, -1)) % 11) % 11 % 10 == int(body[8])


def _romania(body: str) -> bool:
    padded = body.zfill(10)
    return _weighted(padded[:9], (7, 5, 3, 2, 1, 7, 5, 3, 2)) * 10 % 11 % 10 == int(padded[9])


def _sweden(body: str) -> bool:
    return _luhn(body[:10]) and body[10:] != "00"


def _slovenia(body: str) -> bool:
    rest = 11 - _weighted(body[:7], range(8, 1, -1)) % 11
    return rest != 11 and rest % 10 == int(body[7])


def _slovakia(body: str) -> bool:
    return int(body) % 11 == 0


def _britain(body: str) -> bool:
    """GD and HA are government departments and health authorities; three more digits name a branch."""
    if body.startswith("GD"):
        return int(body[2:]) < 500
    if body.startswith("HA"):
        return int(body[2:]) >= 500
    total = _weighted(body[:7], range(8, 1, -1)) + int(body[7:9])
    return total % 97 in (0, 42)


def _switzerland(body: str) -> bool:
    rest = (11 - _weighted(body[:8], (5, 4, 3, 2, 7, 6, 5, 4)) % 11) % 11
    return rest == int(body[8])


def _norway(body: str) -> bool:
    return _weighted(body[:9], (3, 2, 7, 6, 5, 4, 3, 2, 1)) % 11 == 0


class Rule(NamedTuple):
    form: str  # of what follows the prefix
    holds: Callable[[str], bool]


RULES: Final[dict[str, Rule]] = {
    "AT": Rule(r"U\d{8}", _austria),
    "BE": Rule(r"[01]\d{9}", _belgium),
    "BG": Rule(r"\d{9,10}", _bulgaria),
    "CHE": Rule(r"\d{9}(MWST|TVA|IVA|TPV)?", _switzerland),
    "CY": Rule(r"[0-59]\d{7}[A-Z]", _cyprus),
    "CZ": Rule(r"\d{8,10}", _czechia),
    "DE": Rule(r"[1-9]\d{8}", _germany),
    "DK": Rule(r"[1-9]\d{7}", _zero((2, 7, 6, 5, 4, 3, 2, 1), 11)),
    "EE": Rule(r"\d{9}", _zero((3, 7, 1, 3, 7, 1, 3, 7, 1), 10)),
    "EL": Rule(r"\d{9}", _greece),
    "ES": Rule(r"[0-9A-HJ-NP-SUVWXYZ]\d{7}[0-9A-Z]", _spain),
    "FI": Rule(r"\d{8}", _zero((7, 9, 10, 5, 8, 4, 2, 1), 11)),
    "FR": Rule(r"[0-9A-HJ-NP-Z]{2}\d{9}", _france),
    "GB": Rule(r"(\d{9}|\d{12}|GD\d{3}|HA\d{3})", _britain),
    "HR": Rule(r"\d{11}", _mod_11_10),
    "HU": Rule(r"\d{8}", _zero((9, 7, 3, 1, 9, 7, 3, 1), 10)),
    "IE": Rule(r"(\d{7}[A-W]|\d[A-Z+*]\d{5}[A-W]|\d{7}[A-W][A-IW])", _ireland),
    "IT": Rule(r"\d{11}", _italy),
    "LT": Rule(r"(\d{9}|\d{12})", _lithuania),
    "LU": Rule(r"\d{8}", _luxembourg),
    "LV": Rule(r"\d{11}", _latvia),
    "MT": Rule(r"[1-9]\d{7}", _zero((3, 4, 6, 7, 8, 9, 10, 1), 37)),
    "NL": Rule(r"\d{9}B\d{2}", _netherlands),
    "NO": Rule(r"\d{9}(MVA)?", _norway),
    "PL": Rule(r"\d{10}", _poland),
    "PT": Rule(r"[1-9]\d{8}", _portugal),
    "RO": Rule(r"[1-9]\d{1,9}", _romania),
    "SE": Rule(r"\d{12}", _sweden),
    "SI": Rule(r"[1-9]\d{7}", _slovenia),
    "SK": Rule(r"[1-9]\d[2-47-9]\d{7}", _slovakia),
    "XI": Rule(r"(\d{9}|\d{12}|GD\d{3}|HA\d{3})", _britain),
}
