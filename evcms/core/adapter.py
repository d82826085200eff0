"""allauth's wishes, put on our rails: nobody signs up by himself, and mails go out through the event bus."""

import time
from typing import Any

from allauth.account import app_settings
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.authentication import get_authentication_records
from django.db import transaction
from django.http import HttpRequest

from .events import event, publish


@event
class MailRequested:
    """The ground floor wants a mail sent (password reset, e-mail confirmation); `alerts` owns the channels."""

    to: str
    subject: str
    text: str
    html: str


class AccountAdapter(DefaultAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """The password that opened this session moments ago is as good as the same password typed again: only later a
        person is asked once more. Any: as allauth's.
        """
        return super().is_reauthentication_required(app=app, **kwargs) and not self._came_in_lately()

    def _came_in_lately(self) -> bool:
        """Within allauth's own time for a password that was asked for again; it reads the real clock, too."""
        said = get_authentication_records(self.request, self.request.user)
        latest = max((each["at"] for each in said if each.get("method") == "password"), default=0)
        return bool(time.time() - latest < app_settings.REAUTHENTICATION_TIMEOUT)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Any: allauth's template context."""
        message = self.render_mail(template_prefix, email, context)
        html = next((body for body, kind in getattr(message, "alternatives", []) if kind == "text/html"), "")
        with transaction.atomic():
            publish(MailRequested(to=email, subject=str(message.subject), text=str(message.body), html=str(html)))
