"""Everything that changes money's rows. Call as `billing.services.open_payment(…)`."""

from .admission import admit, begin, finish

__all__ = ["admit", "begin", "finish"]
