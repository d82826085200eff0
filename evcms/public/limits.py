"""How often one address may press a costly button. Counts live in the cache: without it nothing is limited."""

import hashlib

from django.core.cache import cache
from django.http import HttpRequest

from evcms.core.middleware import client_address


def too_often(request: HttpRequest, what: str, *, most: int, seconds: int) -> bool:
    """More than `most` times in `seconds` from one network address?"""
    address = hashlib.sha256((client_address(request) or "").encode()).hexdigest()[:24]
    key = f"limit:{what}:{address}"
    cache.add(key, 0, timeout=seconds)
    try:
        return int(cache.incr(key)) > most
    except ValueError:  # it expired in between
        return False
