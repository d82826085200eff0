"""Staff's pages of this room."""

from . import availability, fleet, maintenance, reports, street

__all__ = ["availability", "fleet", "maintenance", "reports", "street"]
