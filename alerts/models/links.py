"""Keys of links that open something without a login."""

import secrets


def link_token() -> str:
    """192 bits: not to be guessed."""
    return secrets.token_urlsafe(24)
