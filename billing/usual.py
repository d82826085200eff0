"""The charge by which drivers compare prices: so many kWh, in the time that they name or that a plug needs."""

from typing import Final

KWH: Final = 20
MINUTES: Final = 40  # until a driver says what his usual charge is
AC_MOST_W: Final = 43_000  # a plug that gives more gives direct current, whatever was entered
CAR_AC_KW: Final = 11  # what most cars take from alternating current, whatever the plug can give


def minutes_at(*, kwh: int, minutes: int, watts: int, direct: bool) -> int:
    """How long the charge takes at a plug: `minutes`, or longer where its power cannot do it in that time.

    Rounded to whole minutes. `watts` 0: unknown, then the time that was named.
    """
    kilowatt = watts // 1000
    if held_back(watts=watts, direct=direct):
        kilowatt = CAR_AC_KW
    return max(minutes, (2 * kwh * 60 + kilowatt) // (2 * kilowatt)) if kilowatt else minutes


def held_back(*, watts: int, direct: bool) -> bool:
    """Does the car, and not the plug, decide how long it takes?"""
    return not direct and CAR_AC_KW * 1000 < watts <= AC_MOST_W
