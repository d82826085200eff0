"""A payment provider double: a process of our own that speaks Stripe's HTTP API, for the demo and the tests.

It stands outside the product, as the real provider does, and imports nothing of it. The official `stripe`
client talks to it when its API base points here, and cannot tell; neither can the product.

Start it with `python -m evcms.simulator.provider`, in a test with `running()`, or use `Provider`
directly (`load()` and `history()` give it a past).
"""

from evcms.simulator.provider.history import History, Paid, history
from evcms.simulator.provider.provider import Provider, Reply, Request
from evcms.simulator.provider.server import NotAllowed, running, serve

__all__ = ["History", "NotAllowed", "Paid", "Provider", "Reply", "Request", "history", "running", "serve"]
