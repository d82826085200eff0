"""A part of a price over its tax rates. Pure: integers, minor units, no Django.

Several parts of one price, one after the other, never give a rate more than it had, and all of them together are the
price to the smallest unit, net and tax of each rate.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Share:
    """What one rate has of an amount. `rate` in percent as plain decimal text."""

    rate: str
    net: int
    tax: int

    @property
    def gross(self) -> int:
        return self.net + self.tax


def split(amount: int, whole: Sequence[Share], given: Sequence[Share] = ()) -> list[Share]:
    """`amount` over what `given` has left of `whole`, in proportion; the largest remainders take what rounding leaves.

    More than is left is split as if nothing had been given: nobody should ask for it, and the sum must still be right.
    """
    left = _left(whole, given)
    if sum(share.gross for share in left) < amount:
        left = [share for share in whole if share.gross > 0] or list(whole)
    total = sum(share.gross for share in left)
    if amount <= 0 or total <= 0:
        return []
    parts = [amount * share.gross // total for share in left]
    order = sorted(range(len(left)), key=lambda at: (-(amount * left[at].gross % total), at))
    for at in order[: amount - sum(parts)]:
        parts[at] += 1
    return [_of(share, part) for share, part in zip(left, parts, strict=True) if part]


def _left(whole: Sequence[Share], given: Sequence[Share]) -> list[Share]:
    rest = []
    for share in whole:
        net = share.net - sum(each.net for each in given if each.rate == share.rate)
        tax = share.tax - sum(each.tax for each in given if each.rate == share.rate)
        if net + tax > 0:
            rest.append(Share(share.rate, net, tax))
    return rest


def _of(share: Share, part: int) -> Share:
    """Its tax in the proportion of what is left, half up."""
    tax = (2 * part * share.tax + share.gross) // (2 * share.gross)
    return Share(share.rate, part - tax, tax)
