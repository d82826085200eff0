"""E-mail through Django's backend: SMTP or any Anymail provider."""

import smtplib
from email.utils import parseaddr

from anymail.exceptions import AnymailInvalidAddress, AnymailRecipientsRefused
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.utils.crypto import salted_hmac

from alerts.channels import TransportError
from alerts.models import Notification

from . import attachments


def ready() -> bool:
    return bool(settings.MAIL_ON)


def send(notification: Notification) -> str:
    """Hands one mail over. The Message-ID is the same at every try, so that receivers can drop a double."""
    message = EmailMultiAlternatives(
        subject=notification.subject,
        body=notification.text,
        to=[notification.to],
        headers={"Message-ID": message_id(notification), **notification.headers},
    )
    if notification.html:
        message.attach_alternative(notification.html, "text/html")
    for name, content, kind in attachments.load(notification.attachments):
        message.attach(name, content, kind)
    try:
        message.send()
    except (AnymailRecipientsRefused, AnymailInvalidAddress, smtplib.SMTPRecipientsRefused) as error:
        raise TransportError(str(error), permanent=_for_good(error)) from error
    except Exception as error:  # providers and sockets raise anything
        raise TransportError(f"{type(error).__name__}: {error}", permanent=False) from error
    return "accepted"


def message_id(notification: Notification) -> str:
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].partition("@")[2] or "localhost"
    return f"<{salted_hmac('alerts.message_id', notification.key).hexdigest()[:32]}@{domain}>"


def _for_good(error: Exception) -> bool:
    """SMTP 4xx is a "later", 5xx a "never" (RFC 5321, 4.2.1)."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _text in error.recipients.values())
    return True
