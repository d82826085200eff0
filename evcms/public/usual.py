"""What this browser's driver has named as his usual charge: the map's form says it, the connector's page knows it."""

import re
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from billing.usual import KWH, MINUTES

COOKIE: Final = "usual-charge"
LIVES: Final = 365 * 24 * 3600  # seconds
SAID: Final = re.compile(r"(\d{1,3})-(\d{1,4})", re.ASCII)
MOST_KWH, MOST_MINUTES = 200, 1440


def kept(request: HttpRequest) -> tuple[int, int]:
    """(kWh, minutes): as he said last, else the common ones."""
    match = SAID.fullmatch(request.COOKIES.get(COOKIE, ""))
    kwh, minutes = (int(match[1]), int(match[2])) if match else (KWH, MINUTES)
    return (kwh, minutes) if 0 < kwh <= MOST_KWH and 0 < minutes <= MOST_MINUTES else (KWH, MINUTES)


def remember(response: HttpResponse, kwh: int, minutes: int) -> None:
    response.set_cookie(
        COOKIE, f"{kwh}-{minutes}", max_age=LIVES, httponly=True, samesite="Lax", secure=settings.SESSION_COOKIE_SECURE
    )
