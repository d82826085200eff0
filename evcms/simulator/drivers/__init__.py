"""Simulated drivers: people with cards, people with phones, and the world that sends them."""

from __future__ import annotations

from evcms.simulator.drivers.paying import PayingDriver, PaymentFailed
from evcms.simulator.drivers.tapping import TappingDriver, Visit, VisitFailed
from evcms.simulator.drivers.world import World

__all__ = ["PayingDriver", "PaymentFailed", "TappingDriver", "Visit", "VisitFailed", "World"]
