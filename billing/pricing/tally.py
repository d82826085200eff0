"""How much of each component a session used: mWh, whole seconds, once. Pure.

Seconds are floored on the running sum of their kind, so that the lines' seconds add up to the session's.
"""

from collections.abc import Sequence
from datetime import timedelta

from billing.terms import Kind

from .calendar import Wall, wall
from .pieces import pieces
from .rules import Offer, Piece, Rules
from .trace import MICRO, MWH_PER_WH, Activity, Period


class Count:
    """What one component has counted, and when (microseconds since the session began; -1: never)."""

    __slots__ = ("first", "last", "offer", "quantity", "surplus")

    def __init__(self, offer: Offer) -> None:
        self.offer = offer
        self.quantity = 0
        self.surplus = 0  # part of the quantity that a step added
        self.first = self.last = -1

    def add(self, quantity: int, first: int, last: int) -> None:
        if self.first < 0:
            self.first = first
        self.last = last
        self.quantity += quantity


class Tally:
    """Walks through a session once."""

    def __init__(self, rules: Rules, periods: Sequence[Period]) -> None:
        self.rules = rules
        self.counts: dict[Offer, Count] = {}
        self.latest: dict[Kind, Count] = {}
        self.energy = 0
        self._charging = self._payable = 0  # µs
        self._stretch = 0  # µs of idling since the car last charged
        self._charged = self._started = False
        if periods:
            self._walk(periods)
            self._steps()

    def of_kind(self, kind: Kind) -> list[Count]:
        """What has counted, in the tariff's order; an offer that always holds is named even when it has not."""
        found = [self.counts.get(offer) or Count(offer) for offer in self.rules.offers[kind]]
        return [count for count in found if count.quantity or count.offer is self.rules.always.get(kind)]

    def _walk(self, periods: Sequence[Period]) -> None:
        origin = periods[0].starts_at
        fixed, zone = self.rules.at_start(origin), self.rules.terms.time_zone
        for activity, piece in pieces(self.rules, periods):
            now = wall(origin + timedelta(microseconds=piece.starts), zone) if self.rules.minutes else None
            self._count(activity, piece, fixed or now, now)

    def _count(self, activity: Activity, piece: Piece, clock: Wall | None, now: Wall | None) -> None:
        """`clock`: what prices go by; `now`: what the night pause goes by."""
        if piece.energy:
            self.energy += piece.energy
            self._add(Kind.ENERGY, piece, clock, piece.energy, piece.starts)
        if activity is Activity.CHARGING:
            self._stretch = 0
            before = self._charging
            self._charging += piece.ends - piece.starts
            self._add(Kind.TIME, piece, clock, self._charging // MICRO - before // MICRO, piece.starts)
        elif activity is Activity.IDLE and self._charged and not self.rules.paused(now):
            self._idle(piece, clock)
        self._charged = self._charged or piece.energy > 0
        if self._charged and not self._started:
            self._started = self._add(Kind.FLAT, piece, clock, 1, piece.starts)

    def _idle(self, piece: Piece, clock: Wall | None) -> None:
        length = piece.ends - piece.starts
        payable = max(0, length - max(0, self.rules.grace - self._stretch))
        self._stretch += length
        before = self._payable
        self._payable += payable
        self._add(Kind.PARKING_TIME, piece, clock, self._payable // MICRO - before // MICRO, piece.ends - payable)

    def _add(self, kind: Kind, piece: Piece, clock: Wall | None, quantity: int, first: int) -> bool:
        offer = self.rules.pick(kind, piece, clock) if quantity else None
        if offer is None:
            return False
        count = self.counts.get(offer)
        if count is None:
            count = self.counts[offer] = Count(offer)
        count.add(quantity, first, piece.ends)
        self.latest[kind] = count
        return True

    def _steps(self) -> None:
        """OCPI 2.2.1 mod_cdrs, step_size: once per session for energy, once for charging and parking time together, on
        the total, by the last component used; with both kinds of time only parking is rounded up.
        """
        self._round_up(Kind.ENERGY, MWH_PER_WH)
        self._round_up(Kind.PARKING_TIME if Kind.PARKING_TIME in self.latest else Kind.TIME, 1)

    def _round_up(self, kind: Kind, unit: int) -> None:
        """A step of 1 asks for no blocks: every mWh and every second counts as it is."""
        last = self.latest.get(kind)
        if last is None or last.offer.component.step == 1:
            return
        total = sum(count.quantity for offer, count in self.counts.items() if offer.component.kind == kind)
        last.surplus = -total % (last.offer.component.step * unit)
        last.quantity += last.surplus
