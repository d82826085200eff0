"""Staff's pages of this room."""

from . import availability, fleet, maintenance, notes, reports, street

__all__ = ["availability", "fleet", "maintenance", "notes", "reports", "street"]
