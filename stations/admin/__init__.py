"""Staff's pages of this room."""

from . import reports, street

__all__ = ["reports", "street"]
