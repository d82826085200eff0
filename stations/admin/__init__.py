"""Staff's pages of this room."""

from . import fleet, maintenance, reports, street

__all__ = ["fleet", "maintenance", "reports", "street"]
