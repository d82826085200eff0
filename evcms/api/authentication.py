"""`Authorization: Bearer evc_…`: an API token is its membership, cut to the token's scopes."""

from datetime import timedelta
from typing import Any

from django.utils.translation import gettext as _
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from evcms.core import clock
from evcms.core.access import Access, Permission
from evcms.core.middleware import client_address
from evcms.core.models import ApiToken
from evcms.core.services import token_digest

USE_NOTED_EVERY = timedelta(minutes=1)


class TokenAuthentication(BaseAuthentication):
    def authenticate_header(self, request: Request) -> str:
        return "Bearer"

    def authenticate(self, request: Request) -> tuple[Any, ApiToken] | None:
        """Any: DRF's user. Sets `request.access`; None when no bearer token came (a session may do)."""
        words = get_authorization_header(request).split()
        if not words or words[0].lower() not in (b"bearer", b"token"):
            return None
        if len(words) != 2:
            raise AuthenticationFailed(_("Send one token: Authorization: Bearer evc_…"))
        token = self._find(words[1].decode("latin-1"))
        request._request.access = token_access(token, client_address(request))  # type: ignore[attr-defined]
        return token.membership.user, token

    def _find(self, secret: str) -> ApiToken:
        tokens = ApiToken.objects.select_related("membership__organization", "membership__user")
        token = tokens.filter(digest=token_digest(secret), revoked_at=None).first()
        now = clock.now()
        if token is None or (token.expires_at and token.expires_at <= now) or not token.membership.user.is_active:
            raise AuthenticationFailed(_("This token is unknown, expired or revoked."))
        if token.last_used_at is None or now - token.last_used_at > USE_NOTED_EVERY:
            ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
        return token


def token_access(token: ApiToken, address: str | None) -> Access:
    known = {permission.value for permission in Permission}
    return Access(
        organization=token.membership.organization,
        membership=token.membership,
        user=token.membership.user,
        actor=f"API token {token.name} ({token.prefix}…)",
        scopes=frozenset(Permission(scope) for scope in token.scopes if scope in known),
        address=address,
    )
