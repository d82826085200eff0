"""A person who opens the page of a busy port: counted once, and nothing kept of who it was.

What is compared lives in the cache for a quarter of an hour: a digest of address and browser, with a key of this
installation. Without a cache every look counts.
"""

import hashlib
import hmac
import re
from typing import Final

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest

from evcms.core.middleware import client_address
from stations.vocabulary import Shown

BUSY: Final = frozenset({Shown.OCCUPIED, Shown.CHARGING, Shown.SUSPENDED, Shown.RESERVED})
AGAIN_S: Final = 900
_ROBOTS: Final = re.compile(
    r"bot|crawl|spider|slurp|preview|fetch|monitor|curl|wget|python|java/|go-http|headless", re.I
)


def is_new(request: HttpRequest, code: str) -> bool:
    """No robot, no page that was loaded ahead or by a script, not the same browser within a quarter of an hour."""
    agent = request.headers.get("User-Agent", "")
    ahead = request.headers.get("Sec-Purpose") or request.headers.get("Purpose") or request.headers.get("HX-Request")
    if request.method != "GET" or not agent or _ROBOTS.search(agent) or ahead:
        return False
    who = f"{client_address(request)}|{agent}|{code}"
    digest = hmac.new(settings.SECRET_KEY.encode(), who.encode(), hashlib.sha256).hexdigest()[:32]
    return bool(cache.add(f"look:{digest}", 1, timeout=AGAIN_S))
