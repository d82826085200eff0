"""How cars name themselves. Pure.

Autocharge: the MAC address of the car's modem (EVCCID, ISO 15118-2 8.4.3.4.1; EUI-48 or EUI-64). Stations report it as
the idTag "VID:001A2B3C4D5E" (OCPP 1.6, the usual convention) or as an idToken of type MacAddress (2.x), with or without
signs between the bytes.

Plug & Charge: the contract's e-mobility account id (ISO 15118-1 annex H; eMI³ "Electric Vehicle ICT Interface
Specifications" part 2): country, provider, C, eight characters, and a check digit over two matrices.
"""

import re
from typing import Final

SPELLED = re.compile(r"(?:VID:|EVCCID:|MAC:)?([0-9A-F]{2}(?:[:.-][0-9A-F]{2}){5}(?:[:.-][0-9A-F]{2}){0,2})\Z")
PREFIXED = re.compile(r"(?:VID:|EVCCID:|MAC:)([0-9A-F]{12}|[0-9A-F]{16})\Z")
PLAIN = re.compile(r"[0-9A-F]{12}(?:[0-9A-F]{4})?\Z")
CONTRACT = re.compile(r"([A-Z]{2})-?([A-Z0-9]{3})-?(C[A-Z0-9]{8})-?([A-Z0-9])?\Z")
MAC: Final = "MacAddress"
CONTRACTS: Final = "eMAID"
ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def canonical(value: str) -> str:
    """ "VID:00-1A-2B-3C-4D-5E" → "VID:001A2B3C4D5E"; empty for what is not spelled as a car's id. Upper case in.

    Twelve digits without anything around them may be a card's number and are left alone.
    """
    matched = SPELLED.match(value) or PREFIXED.match(value)
    return "VID:" + re.sub(r"[:.-]", "", matched[1]) if matched else ""


def spelled(value: str, token_type: str) -> str:
    """A token as it is kept, whatever signs the station puts between; other types stay as they are."""
    if token_type == MAC and (vehicle := vehicle_id(value, mac=True)):
        return token_value(vehicle)
    if token_type == CONTRACTS or (value.count("-") in (2, 3) and CONTRACT.match(value.strip().upper())):
        try:
            return contract(value)
        except ValueError:
            return value
    return value


def vehicle_id(value: str, *, mac: bool = False) -> str:
    """The bare id of a car in a token; `mac`: its type says that it is one. Empty for anything else."""
    folded = value.strip().upper()
    known = canonical(folded).removeprefix("VID:")
    return known or (folded if mac and PLAIN.match(folded) else "")


def token_value(vehicle: str) -> str:
    """What the token of a car is kept as."""
    return f"VID:{vehicle}"


def shown(vehicle: str) -> str:
    """ "001A2B3C4D5E" → "…3C:4D:5E": enough to tell two cars apart."""
    tail = vehicle[-6:]
    return "…" + ":".join(tail[at : at + 2] for at in range(0, len(tail), 2))


def contract(value: str) -> str:
    """The contract id without signs between, its check digit added when it was left out.

    Raises ValueError with "shape" or "digit" (the wrong check digit).
    """
    matched = CONTRACT.match(value.strip().upper())
    if matched is None:
        raise ValueError("shape")
    body = matched[1] + matched[2] + matched[3]
    digit = check_digit(body)
    if matched[4] and matched[4] != digit:
        raise ValueError("digit")
    return body + digit


Matrix = tuple[tuple[int, int], tuple[int, int]]
P1: Final[Matrix] = ((0, 1), (1, 1))
P2: Final[Matrix] = ((0, 1), (1, 2))
MINUS_P2_TO_MINUS_15: Final[Matrix] = ((0, 2), (2, 1))


def check_digit(body: str) -> str:
    """Of the 14 characters before it: each is two binary and two ternary digits, summed over powers of two matrices."""
    binary, ternary = [0, 0], [0, 0]
    power1, power2 = P1, P2
    for sign in body:
        value = ALPHABET.index(sign)
        _add(binary, (value // 18, value // 9 % 2), power1)
        _add(ternary, (value // 3 % 3, value % 3), power2)
        power1, power2 = _times(power1, P1), _times(power2, P2)
    q1, q2 = binary[0] % 2, binary[1] % 2
    solved = [0, 0]
    _add(solved, (ternary[0], ternary[1]), MINUS_P2_TO_MINUS_15)
    return ALPHABET[q1 * 18 + q2 * 9 + solved[0] % 3 * 3 + solved[1] % 3]


def _add(total: list[int], vector: tuple[int, int], matrix: Matrix) -> None:
    """total += vector · matrix"""
    total[0] += vector[0] * matrix[0][0] + vector[1] * matrix[1][0]
    total[1] += vector[0] * matrix[0][1] + vector[1] * matrix[1][1]


def _times(one: Matrix, other: Matrix) -> Matrix:
    (a, b), (c, d) = one
    (e, f), (g, h) = other
    return ((a * e + b * g, a * f + b * h), (c * e + d * g, c * f + d * h))
