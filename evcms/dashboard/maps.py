"""What a map of operators needs: its points, and the ground (tiles, or the offline streets where there are any)."""

from django.conf import settings
from django.urls import reverse

LIVE_ON = "connector.status station.online maintenance"


def map_context(points: str, bounds: str = "") -> dict[str, str]:
    """For `components/map.html`. `bounds`: "w,s,e,n", the first view of a map whose points come by what it shows."""
    base = reverse("public:streets") if settings.MAP_BASE_FILE.exists() and not settings.MAP_TILE_URL else ""
    return {
        "map_points": points,
        "map_bounds": bounds,
        "map_base": base,
        "map_tiles": settings.MAP_TILE_URL,
        "map_attribution": settings.MAP_TILE_ATTRIBUTION if settings.MAP_TILE_URL else "",
        "map_live_on": LIVE_ON,
    }
