"""allauth's wishes, put on our rails: nobody signs up by himself, and mails go out through the event bus."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
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

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Any: allauth's template context."""
        message = self.render_mail(template_prefix, email, context)
        html = next((body for body, kind in getattr(message, "alternatives", []) if kind == "text/html"), "")
        with transaction.atomic():
            publish(MailRequested(to=email, subject=str(message.subject), text=str(message.body), html=str(html)))
