"""The price list of Marenhaven: AC by the hour of the day, DC by the road and in tiers; who blocks a charger pays."""

from decimal import Decimal
from typing import Final

from billing.services import TariffFields
from billing.terms import Component, Element, Idle, Kind, Restrictions, simple_element

VAT: Final = Decimal(21)
DAY: Final = Restrictions(
    start_time="08:00",
    end_time="20:00",
    days=("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY"),
    holidays="never",
)
LARGE: Final = Restrictions(min_kwh=Decimal(50))
NO_IDLE: Final = Idle()


def price_list() -> dict[str, TariffFields]:
    """Key of a place → its tariff."""
    return {
        "slow": _fields("AC park and home", [simple_element(per_kwh="0.42", tax_percent=VAT)], hold="60"),
        "street": _fields(
            "AC city",
            [
                _priced(DAY, ENERGY="0.54"),
                _priced(Restrictions(), ENERGY="0.44", FLAT="0.35", PARKING_TIME="2.40"),
            ],
            idle=Idle(90, Decimal(12), "22:00", "07:00"),
            hold="80",
        ),
        "fast": _fields(
            "DC city",
            [
                _priced(LARGE, ENERGY="0.57"),
                _priced(Restrictions(), ENERGY="0.65", FLAT="0.50", PARKING_TIME="12"),
            ],
            idle=Idle(15),
            hold="80",
        ),
        "motorway": _fields(
            "DC motorway", [_priced(Restrictions(), ENERGY="0.79", PARKING_TIME="15")], idle=Idle(15), hold="100"
        ),
        "depot": _fields("Depot", [simple_element(per_kwh="0.38", tax_percent=VAT)], hold="60"),
    }


def _priced(when: Restrictions, **prices: str) -> Element:
    return Element(tuple(Component(Kind(kind), Decimal(price), VAT) for kind, price in prices.items()), when)


def _fields(name: str, elements: list[Element], *, hold: str, idle: Idle = NO_IDLE) -> TariffFields:
    return {
        "name": name,
        "elements": [element.to_json() for element in elements],
        "idle": idle.to_json(),
        "holidays_of": "NL",
        "hold": hold,
    }
