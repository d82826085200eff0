"""One folder per channel, the same file names in each: `transport.py` sends one notification.

send(notification) -> str      the provider's word; raises TransportError
ready() -> bool                False: nothing configured, notifications wait in their queue
"""


class TransportError(Exception):
    """Could not hand it over. `permanent`: trying again makes no sense (no such address)."""

    def __init__(self, text: str, *, permanent: bool) -> None:
        super().__init__(text)
        self.permanent = permanent
