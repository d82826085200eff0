"""From lines to a total: the cap of the blocking fee, tax once per rate, the smallest and the highest price. Pure."""

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal, localcontext
from typing import Final, TypeAlias

from billing.terms import Terms, plain
from evcms.core.money import ROUNDINGS, exponent, to_minor

from .trace import Line, Part, Period, Priced, Tax

DIGITS: Final = 60  # enough that a division is exact whenever its result ends
HUNDRED: Final = Decimal(100)

Sums: TypeAlias = dict[Decimal, int]  # tax rate → minor units


def total(terms: Terms, lines: list[Line], energy_mwh: int, periods: Sequence[Period]) -> Priced:
    """Puts tax on (or finds it in) each rate's sum and holds the total between the smallest and the highest price."""
    lines = lines + _idle_cap(terms, lines)
    sums = _by_rate(lines)
    gross = sums if terms.tax_included else {rate: net + _tax_on(terms, net, rate) for rate, net in sums.items()}
    part, wanted = _bounded(terms, sum(gross.values()), energy_mwh)
    if part:
        gross = shared(wanted, gross or {min(terms.rates, default=Decimal(0)): 0})
    nets = sums
    if part or terms.tax_included:
        nets = {rate: _net_of(terms, amount, rate) for rate, amount in gross.items()}
    if part:
        lines = lines + _bound_lines(terms, part, gross if terms.tax_included else nets, sums)
    taxes = tuple(Tax(rate, nets[rate], gross[rate] - nets[rate]) for rate in gross)
    if not terms.tax_included:
        lines = lines + [_tax_line(terms, tax, given=bool(part)) for tax in taxes if tax.percent]
    return Priced(
        currency=terms.currency,
        total=sum(gross.values()),
        net=sum(nets.values()),
        tax=sum(tax.tax for tax in taxes),
        lines=tuple(lines),
        energy_mwh=energy_mwh,
        periods=tuple(periods),
        taxes=taxes,
        tax_included=terms.tax_included,
    )


def _by_rate(lines: Sequence[Line]) -> Sums:
    """Lowest rate first."""
    sums: Sums = defaultdict(int)
    for line in lines:
        sums[Decimal(line.tax_percent)] += line.amount
    return dict(sorted(sums.items()))


def _bounded(terms: Terms, amount: int, energy_mwh: int) -> tuple[Part | None, int]:
    """Who got nothing pays no smallest price."""
    if terms.max_price is not None and amount > (most := _minor(terms, terms.max_price)):
        return Part.CAP, most
    if terms.min_price is not None and energy_mwh and amount < (least := _minor(terms, terms.min_price)):
        return Part.MINIMUM, least
    return None, amount


def shared(amount: int, weights: Sums) -> Sums:
    """`amount` in parts as the weights are; what is left over goes to the largest remainders, of equals to the lowest
    rate. Without any weight the lowest rate takes all.
    """
    whole = sum(weights.values())
    if not whole:
        return {rate: amount if rate == min(weights) else 0 for rate in weights}
    parts = {rate: amount * weight // whole for rate, weight in weights.items()}
    by_remainder = sorted(weights, key=lambda rate: (-(amount * weights[rate] % whole), rate))
    for rate in by_remainder[: amount - sum(parts.values())]:
        parts[rate] += 1
    return parts


def _idle_cap(terms: Terms, lines: Sequence[Line]) -> list[Line]:
    """What takes the idle lines back to their cap, per rate."""
    idle = [line for line in lines if line.part == Part.IDLE]
    if terms.idle.cap is None or sum(line.amount for line in idle) <= (most := _minor(terms, terms.idle.cap)):
        return []
    sums, bound = _by_rate(idle), plain(terms.idle.cap)
    rule = f"blocking never costs more than {bound} {terms.currency}"
    cuts = {rate: part - sums[rate] for rate, part in shared(most, sums).items()}
    return [_fixed(terms, Part.IDLE_CAP, rate, cut, bound, rule) for rate, cut in cuts.items() if cut]


def _bound_lines(terms: Terms, part: Part, wanted: Sums, sums: Sums) -> list[Line]:
    """What leads from the lines' sums to the wanted ones; one at least, so that everybody sees it."""
    bound = plain((terms.max_price if part == Part.CAP else terms.min_price) or Decimal(0))
    rule = f"never {'more' if part == Part.CAP else 'less'} than {bound} {terms.currency} with tax"
    added = {rate: amount - sums.get(rate, 0) for rate, amount in wanted.items()}
    shown = {rate: amount for rate, amount in added.items() if amount} or {min(added): 0}
    return [_fixed(terms, part, rate, amount, bound, rule) for rate, amount in shown.items()]


def _fixed(terms: Terms, part: Part, rate: Decimal, amount: int, bound: str, rule: str) -> Line:
    return Line(part, 1, "session", bound, 1, str(amount), amount, rule, terms.rounding, plain(rate))


def _tax_line(terms: Terms, tax: Tax, *, given: bool) -> Line:
    """`given`: the sum with tax is a bound of the tariff, and the tax what is left of it."""
    percent = plain(tax.percent)
    rule = f"{percent} %: the sum with tax less {tax.net}" if given else f"{percent} % on {tax.net} minor units"
    with localcontext() as context:
        context.prec = DIGITS
        exact = shown(tax.net * tax.percent / HUNDRED)
    return Line(Part.TAX, tax.net, "%", percent, 100, exact, tax.tax, rule, terms.rounding, percent)


def _minor(terms: Terms, amount: Decimal) -> int:
    return to_minor(amount, terms.currency, terms.rounding)


def _tax_on(terms: Terms, net: int, rate: Decimal) -> int:
    with localcontext() as context:
        context.prec = DIGITS
        return int((net * rate / HUNDRED).quantize(Decimal(1), rounding=ROUNDINGS[terms.rounding]))


def _net_of(terms: Terms, gross: int, rate: Decimal) -> int:
    """The net part of an amount that includes tax."""
    with localcontext() as context:
        context.prec = DIGITS
        net = gross * HUNDRED / (HUNDRED + rate)
        return int(net.quantize(Decimal(1), rounding=ROUNDINGS[terms.rounding]))


def rounded(terms: Terms, quantity: int, unit_price: Decimal, per: int) -> tuple[str, int]:
    """Minor units before rounding, as text, and after: the one rounding of a line."""
    with localcontext() as context:
        context.prec = DIGITS
        exact = quantity * unit_price / per
        return shown(exact.scaleb(exponent(terms.currency))), to_minor(exact, terms.currency, terms.rounding)


def shown(number: Decimal) -> str:
    """Twelve digits behind the point are enough to see the rounding; the amount was rounded from all of them."""
    return plain(number.quantize(Decimal("1e-12"))) if number.as_tuple().exponent != 0 else plain(number)
