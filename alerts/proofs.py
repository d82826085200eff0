"""The browser of somebody who has proven an address remembers it: a signed cookie, one per operator."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from alerts.models import Recipient
from alerts.services import people

LIVES = 365 * 24 * 3600  # seconds
SALT = "evcms.alerts.known"


def remember(response: HttpResponse, recipient: Recipient) -> None:
    response.set_signed_cookie(
        _name(recipient.organization_id), recipient.token, salt=SALT, max_age=LIVES, httponly=True,
        samesite="Lax", secure=settings.SESSION_COOKIE_SECURE,
    )  # fmt: skip


def forget(response: HttpResponse, organization_id: int) -> None:
    response.delete_cookie(_name(organization_id))


def known(request: HttpRequest, organization_id: int) -> Recipient | None:
    """Whose browser this is, while a proven way leads to him."""
    token = request.get_signed_cookie(_name(organization_id), default="", salt=SALT, max_age=LIVES)
    recipient = people.by_token(str(token))
    if recipient is None or recipient.organization_id != organization_id:
        return None
    return recipient if people.first_way(recipient) else None


def _name(organization_id: int) -> str:
    return f"known-{organization_id}"
