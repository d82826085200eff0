"""What the provider tells us by itself."""

from dataclasses import dataclass
from typing import Protocol

from .cards import SavedCard, Setup
from .disputes import Claim
from .holds import About, Hold
from .pages import Page
from .payouts import Transfer


@dataclass(frozen=True)
class Notice:
    """What a webhook says: something happened to this object. Never more: the object is fetched."""

    notice_id: str
    kind: str
    object_id: str  # what `find` takes; empty: nothing of ours


@dataclass(frozen=True)
class Found:
    """The present state of what a notice was about. `reference`: the public id of the row that it is `about`; of a
    dispute, a transfer to the bank or a saved card, which the provider makes, its own id.
    """

    reference: str
    page: Page | None = None
    hold: Hold | None = None
    about: About = About.PAYMENT
    claim: Claim | None = None
    transfer: Transfer | None = None
    setup: Setup | None = None
    card: SavedCard | None = None


class Notices(Protocol):
    def find(self, object_id: str) -> Found | None:
        """Fetches what a notice was about; None when it is not of ours."""

    def read_notice(self, body: bytes, signature: str) -> Notice:
        """Raises BadNotice."""
