"""Staff's pages of this room."""

from . import maintenance, reports, street

__all__ = ["maintenance", "reports", "street"]
