"""A tariff as partners exchange it: our Terms ⇄ the Tariff object of OCPI 2.2.1 and 2.3.0 (mod_tariffs). Pure.

2.2.1 has prices without tax and a `vat` beside each; 2.3.0 says with `tax_included` which they are, and its limits are
before and after taxes. What OCPI cannot say (grace, cap and night pause of the blocking fee, "never on holidays") is
named in `losses`; what we cannot price (limits by current) is refused, not dropped: it would change what drivers pay.
"""

import enum
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from typing import Any, Final, TypeVar

from .terms import Component, Element, Kind, Restrictions, Terms, decimal, plain

V221: Final = "2.2.1"
V230: Final = "2.3.0"
VERSIONS: Final = (V221, V230)
WIRE: Final = Decimal("0.0001")  # OCPI 2.2.1, 16.5: four decimals
MOST_ELEMENTS: Final = 200
MOST_PLACES: Final = 12  # before and behind the point: 1E+999999999 is seven letters and a gigabyte
TIMES: Final = ("start_time", "end_time", "start_date", "end_date")
NUMBERS: Final = ("min_kwh", "max_kwh", "min_power", "max_power")
SECONDS: Final = ("min_duration", "max_duration")
UNKNOWN_TO_US: Final = ("min_current", "max_current")

Made = TypeVar("Made")
Json = dict[str, Any]  # Any: what JSON holds; money as Decimal


class Loss(enum.StrEnum):
    """What does not survive the way."""

    ROUNDED = "rounded"  # prices without tax, to four decimals
    GRACE = "grace"
    IDLE_CAP = "idle_cap"
    PAUSE = "pause"
    HOLIDAYS_NEVER = "holidays_never"
    HOLIDAYS_UNKNOWN = "holidays_unknown"
    VALIDITY = "validity"  # read: start_date_time and end_date_time belong to where it holds
    RESERVATION = "reservation"  # read: prices of reservations
    PROFILE = "profile"  # read: a tariff for one charging preference


class OcpiError(ValueError):
    """What is no tariff that we can price; `path` says where."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path, self.problem = path, problem


@dataclass(frozen=True)
class Owner:
    """Whose tariff it is on the wire: ISO country and the party's three characters."""

    country_code: str = "NL"
    party_id: str = "EVC"


@dataclass(frozen=True)
class Exported:
    tariff: Json
    losses: tuple[Loss, ...]


@dataclass(frozen=True)
class Imported:
    terms: Terms
    hold: Decimal | None  # preauthorize_amount (2.3.0)
    name: str
    losses: tuple[Loss, ...]


def to_ocpi(
    terms: Terms,
    *,
    version: str,
    tariff_id: str,
    owner: Owner,
    last_updated: datetime,
    name: str = "",
    hold: Decimal | None = None,
) -> Exported:
    """The Tariff object; an element without restrictions has none, as OCPI wants it."""
    losses = set(_losses(terms))
    elements = [_element(terms, element, version, losses) for each in terms.elements for element in _dated(terms, each)]
    tariff: Json = {
        "country_code": owner.country_code.upper(),
        "party_id": owner.party_id.upper(),
        "id": tariff_id,
        "currency": terms.currency,
        "type": "REGULAR",
    }
    if name:
        tariff["tariff_alt_text"] = [{"language": "en", "text": name[:512]}]
    for limit, value in (("min_price", terms.min_price), ("max_price", terms.max_price)):
        if value is not None:
            tariff[limit] = _limit(terms, limit, value, version)
    if version == V230:
        if hold is not None:
            tariff["preauthorize_amount"] = hold
        tariff["tax_included"] = "YES" if terms.tax_included else "NO"
    tariff["elements"] = elements
    tariff["last_updated"] = last_updated.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Exported(tariff, tuple(loss for loss in Loss if loss in losses))


def _losses(terms: Terms) -> Iterator[Loss]:
    if terms.charges(Kind.PARKING_TIME):
        yield from (
            loss
            for loss, set_ in (
                (Loss.GRACE, terms.idle.grace_minutes),
                (Loss.IDLE_CAP, terms.idle.cap is not None),
                (Loss.PAUSE, terms.idle.pauses),
            )
            if set_
        )
    asked = {element.restrictions.holidays for element in terms.elements}
    if "never" in asked:
        yield Loss.HOLIDAYS_NEVER
    if "only" in asked and not terms.holidays:
        yield Loss.HOLIDAYS_UNKNOWN


def _dated(terms: Terms, element: Element) -> list[Element]:
    """OCPI knows no holidays: a rule of holidays becomes one of each date, and none when no date is known."""
    rule = element.restrictions
    if rule.holidays != "only":
        return [Element(element.components, replace(rule, holidays=""))]
    days = [date.fromisoformat(day) for day in terms.holidays]
    spans = [(day.isoformat(), (day + timedelta(days=1)).isoformat()) for day in days]
    return [
        Element(element.components, replace(rule, holidays="", start_date=first, end_date=after))
        for first, after in spans
        if (not rule.start_date or first >= rule.start_date) and (not rule.end_date or after <= rule.end_date)
    ]


def _element(terms: Terms, element: Element, version: str, losses: set[Loss]) -> Json:
    made: Json = {"price_components": [_component(terms, each, version, losses) for each in element.components]}
    if restrictions := _restrictions(element.restrictions):
        made["restrictions"] = restrictions
    return made


def _component(terms: Terms, component: Component, version: str, losses: set[Loss]) -> Json:
    price = component.price
    if version == V221 and terms.tax_included:
        price = _net(price, component.tax_percent)
    rounded = price.quantize(WIRE, rounding=ROUND_HALF_UP)
    if rounded != price:
        losses.add(Loss.ROUNDED)
    return {
        "type": str(component.kind),
        "price": rounded.normalize(),
        "vat": component.tax_percent,
        "step_size": component.step,
    }


def _restrictions(rule: Restrictions) -> Json:
    made: Json = {name: getattr(rule, name) for name in TIMES if getattr(rule, name)}
    made |= {name: getattr(rule, name) for name in (*NUMBERS, *SECONDS) if getattr(rule, name) is not None}
    if rule.days:
        made["day_of_week"] = list(rule.days)
    return made


def _limit(terms: Terms, name: str, gross: Decimal, version: str) -> Json:
    """Ours is what is paid, tax included. The limit before tax must not bind earlier: with several rates it is as wide
    as it can be (OCPI 2.3.0, PriceLimit: both apply)."""
    least = name == "min_price"
    if len(terms.rates) <= 1:
        net = _net(gross, terms.rates[0] if terms.rates else Decimal(0))
        before = net.quantize(WIRE, rounding=ROUND_FLOOR if least else ROUND_CEILING).normalize()
    else:
        before = Decimal(0) if least else gross
    names = ("excl_vat", "incl_vat") if version == V221 else ("before_taxes", "after_taxes")
    return dict(zip(names, (before, gross), strict=True))


def _net(gross: Decimal, percent: Decimal) -> Decimal:
    return gross * 100 / (100 + percent)


def from_ocpi(values: object, *, tax_included: bool = False, time_zone: str = "UTC") -> Imported:
    """Reads a Tariff of either version (2.3.0 is known by its `tax_included`), also wrapped in a response's `data`.

    `tax_included`: keep the prices of a 2.2.1 tariff with their tax on. Raises OcpiError.
    """
    tariff = _unwrapped(values)
    version = V230 if "tax_included" in tariff else V221
    losses: set[Loss] = set()
    gross = version == V221 and tax_included
    elements = [
        element
        for index, each in enumerate(_list(tariff, "elements", "elements"))
        if (element := _read_element(each, f"elements[{index}]", losses, gross=gross))
    ]
    if not elements:
        raise OcpiError("elements", "no element that prices a charge")
    _notes(tariff, losses)
    included = tariff["tax_included"] == "YES" if version == V230 else tax_included
    rates = {component.tax_percent for element in elements for component in element.components}
    terms = _checked(
        "tariff",
        lambda: Terms(
            currency=str(tariff.get("currency", "")).upper(),
            elements=tuple(elements),
            tax_included=included,
            min_price=_read_limit(tariff, "min_price", rates),
            max_price=_read_limit(tariff, "max_price", rates),
            time_zone=time_zone,
        ),
    )
    hold = tariff.get("preauthorize_amount")
    return Imported(
        terms=terms,
        hold=None if hold is None else _number(hold, "preauthorize_amount"),
        name=_name(tariff),
        losses=tuple(loss for loss in Loss if loss in losses),
    )


def _unwrapped(values: object) -> Json:
    while isinstance(values, dict) and isinstance(values.get("data"), dict | list):
        values = values["data"]
    if isinstance(values, list) and len(values) == 1:
        values = values[0]
    if not isinstance(values, dict) or "elements" not in values:
        raise OcpiError("tariff", "one Tariff object with elements is expected")
    return values


def _notes(tariff: Json, losses: set[Loss]) -> None:
    if tariff.get("start_date_time") or tariff.get("end_date_time"):
        losses.add(Loss.VALIDITY)
    if tariff.get("type") not in (None, "REGULAR", "AD_HOC_PAYMENT"):
        losses.add(Loss.PROFILE)


def _read_element(values: object, path: str, losses: set[Loss], *, gross: bool) -> Element | None:
    if not isinstance(values, dict):
        raise OcpiError(path, "an object is expected")
    rule = values.get("restrictions") or {}
    if not isinstance(rule, dict):
        raise OcpiError(f"{path}.restrictions", "an object is expected")
    if rule.get("reservation"):
        losses.add(Loss.RESERVATION)
        return None
    components = [
        _read_component(each, f"{path}.price_components[{index}]", gross=gross)
        for index, each in enumerate(_list(values, "price_components", f"{path}.price_components"))
    ]
    restrictions = _read_restrictions(rule, f"{path}.restrictions")
    return _checked(path, lambda: Element(tuple(components), restrictions))


def _read_component(values: object, path: str, *, gross: bool) -> Component:
    if not isinstance(values, dict):
        raise OcpiError(path, "an object is expected")
    if values.get("type") not in set(Kind):
        raise OcpiError(f"{path}.type", f"{values.get('type')!r} is no dimension of a tariff")
    price = _number(values.get("price"), f"{path}.price")
    vat = values.get("vat")
    percent = Decimal(0) if vat is None else _number(vat, f"{path}.vat")
    kind, step = Kind(values["type"]), _whole(values.get("step_size", 1), f"{path}.step_size")
    price = _grossed(price, percent) if gross else price
    return _checked(path, lambda: Component(kind, price, percent, max(1, step)))


def _grossed(net: Decimal, percent: Decimal) -> Decimal:
    """Four decimals on the wire: the price with tax is the shortest number that has this one without it."""
    gross = net * (100 + percent) / 100
    for digits in (WIRE.scaleb(2), WIRE.scaleb(1), WIRE):
        near = gross.quantize(digits, rounding=ROUND_HALF_UP)
        if _net(near, percent).quantize(WIRE, rounding=ROUND_HALF_UP) == net.quantize(WIRE, rounding=ROUND_HALF_UP):
            return near.normalize()
    return gross.quantize(WIRE, rounding=ROUND_HALF_UP).normalize()


def _read_restrictions(values: Json, path: str) -> Restrictions:
    for name in UNKNOWN_TO_US:
        if values.get(name) is not None:
            raise OcpiError(f"{path}.{name}", "prices by current are not known here; use power")
    fields: Json = {name: str(values[name]) for name in TIMES if values.get(name)}
    fields |= {name: _number(values[name], f"{path}.{name}") for name in NUMBERS if values.get(name) is not None}
    fields |= {name: _whole(values[name], f"{path}.{name}") for name in SECONDS if values.get(name) is not None}
    days = values.get("day_of_week") or []
    return _checked(path, lambda: Restrictions(**fields, days=tuple(str(day) for day in days)))


def _read_limit(tariff: Json, name: str, rates: set[Decimal]) -> Decimal | None:
    """What is paid at the limit. Only a limit before tax is known: the tax is put on when there is one rate."""
    limit = tariff.get(name)
    if limit is None:
        return None
    if not isinstance(limit, dict):
        limit = {"excl_vat": limit}  # 2.1.1 and careless partners: a bare number
    for known in ("incl_vat", "after_taxes"):
        if limit.get(known) is not None:
            return _number(limit[known], f"{name}.{known}")
    net = _number(limit.get("excl_vat", limit.get("before_taxes")), name)
    if len(rates) > 1:
        raise OcpiError(name, "with several tax rates a limit after tax is needed")
    return _grossed(net, next(iter(rates), Decimal(0)))


def _name(tariff: Json) -> str:
    texts = [each for each in tariff.get("tariff_alt_text") or [] if isinstance(each, dict)]
    spoken = sorted(texts, key=lambda each: each.get("language") != "en")
    return str((spoken[0].get("text") if spoken else "") or tariff.get("id") or "")[:80]


def _list(values: Json, name: str, path: str) -> Sequence[object]:
    found = values.get(name)
    if not isinstance(found, list) or not found:
        raise OcpiError(path, "a list with at least one entry is expected")
    if len(found) > MOST_ELEMENTS:
        raise OcpiError(path, f"more than {MOST_ELEMENTS} entries")
    return found


def _number(value: object, path: str) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        raise OcpiError(path, "a number is expected")
    number = _checked(path, lambda: decimal(value))
    places = number.as_tuple().exponent
    if number.adjusted() > MOST_PLACES or not isinstance(places, int) or abs(places) > MOST_PLACES:
        raise OcpiError(path, "a number of reasonable size is expected")
    return number


def _whole(value: object, path: str) -> int:
    number = _number(value, path)
    if number != int(number):
        raise OcpiError(path, "a whole number is expected")
    return int(number)


def _checked(path: str, make: Callable[[], Made]) -> Made:
    """What our own types refuse, said of its place in the file."""
    try:
        return make()
    except (ValueError, TypeError, ArithmeticError) as error:
        if isinstance(error, OcpiError):
            raise
        raise OcpiError(path, str(error)) from error


def dumps(value: Any, indent: int = 0) -> str:
    """JSON whose Decimals are plain numbers, digit for digit. Any: what JSON holds."""
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, dict):
        inner = [f"{json.dumps(str(key))}: {dumps(each, indent + 2)}" for key, each in value.items()]
        return _bracketed("{}", inner, indent)
    if isinstance(value, list | tuple):
        return _bracketed("[]", [dumps(each, indent + 2) for each in value], indent)
    return json.dumps(value, ensure_ascii=False)


def _bracketed(pair: str, inner: list[str], indent: int) -> str:
    if not inner:
        return pair
    rows = ",\n".join(" " * (indent + 2) + each for each in inner)
    return f"{pair[0]}\n{rows}\n{' ' * indent}{pair[1]}"


def loads(text: str) -> object:
    """JSON with its numbers as Decimal. Raises OcpiError."""
    try:
        return json.loads(text, parse_float=Decimal, parse_int=_integer, parse_constant=_refused)
    except (ValueError, RecursionError) as error:
        raise OcpiError("file", f"no JSON: {error}") from error


def _integer(text: str) -> int:
    if len(text) > 20:
        raise ValueError("a number of more than 20 digits")
    return int(text)


def _refused(text: str) -> None:
    raise ValueError(f"{text} is no number of JSON")
