"""E-mail through Django's backend: SMTP or any Anymail provider."""

import re
import smtplib
from email.utils import parseaddr

from anymail.exceptions import AnymailAPIError, AnymailInvalidAddress, AnymailRecipientsRefused
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from requests import ConnectTimeout

from alerts.channels.message import Handed, Message, OutcomeUnknown, TransportError, Tried

from . import lines

DROPS_DOUBLES = False  # the Message-ID lets a receiver drop a double, but none is bound to
ANSWERS = False
ENHANCED = re.compile(r"\b5\.(\d{1,3})\.(\d{1,3})\b")
SURE_ANSWERS = (400, 401, 403, 404, 413, 422, 429)  # of a provider's API: it did not take the mail


def ready() -> bool:
    return bool(settings.MAIL_ON)


def missing() -> str:
    return _("No mail server is set (EMAIL_HOST or EMAIL_BACKEND): mails wait.")


hang_up = lines.hang_up


def send(message: Message) -> Handed:
    """Hands one mail over. The Message-ID is the same at every try, so that receivers can drop a double."""
    mail = EmailMultiAlternatives(
        subject=message.subject,
        body=message.text,
        to=[message.to],
        headers={"Message-ID": message_id(message.id), **message.headers},
    )
    if "anymail" in settings.EMAIL_BACKEND:
        mail.metadata = {"notification": message.id, "attempt": str(message.attempt)}  # type: ignore[attr-defined]
    if message.html:
        mail.attach_alternative(message.html, "text/html")
    for name, content, kind in message.attachments:
        mail.attach(name, content, kind)
    _hand_over(mail)
    status = getattr(mail, "anymail_status", None)
    return Handed(provider_id=str(getattr(status, "message_id", "") or ""))


def _hand_over(mail: EmailMultiAlternatives) -> None:
    try:
        lines.send(mail)
    except lines.NoLine as error:
        raise TransportError(str(error), permanent=False) from error
    except (AnymailRecipientsRefused, AnymailInvalidAddress) as error:
        raise TransportError(str(error), permanent=True, gone=True) from error
    except smtplib.SMTPRecipientsRefused as error:
        raise _refusal(error) from error
    except smtplib.SMTPDataError as error:  # the words, not the address
        raise TransportError(_sentence(error), permanent=error.smtp_code >= 500) from error
    except (smtplib.SMTPServerDisconnected, TimeoutError, ConnectionResetError) as error:
        raise OutcomeUnknown(_sentence(error)) from error  # perhaps after it had taken the mail
    except AnymailAPIError as error:
        raise _api_trouble(error) from error
    except Exception as error:  # providers and sockets raise anything; all of these come before the hand-over
        raise TransportError(_sentence(error), permanent=False) from error


def _api_trouble(error: AnymailAPIError) -> TransportError:
    """A provider's clear "no" is sure; a broken line, a time-out or a 5xx may hide that it took the mail."""
    status = getattr(error, "status_code", None)
    if status in SURE_ANSWERS or isinstance(error.__cause__, ConnectTimeout):
        return TransportError(_sentence(error), permanent=False)
    return OutcomeUnknown(_sentence(error))


def ask(message: Message, tried: Tried) -> bool:
    """Mail servers tell nothing about a mail."""
    return False


def message_id(notification_id: str) -> str:
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].partition("@")[2] or "localhost"
    return f"<{salted_hmac('alerts.message_id', notification_id).hexdigest()[:32]}@{domain}>"


def _sentence(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _refusal(error: smtplib.SMTPRecipientsRefused) -> TransportError:
    """SMTP 4xx is a "later", 5xx a "never" (RFC 5321, 4.2.1)."""
    ((code, words),) = error.recipients.values()
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else str(words)
    return TransportError(f"{code} {text}", permanent=code >= 500, gone=code >= 500 and _dead(text))


def _dead(text: str) -> bool:
    """Whether the address is, by the enhanced code (RFC 3463): a full mailbox or our own bad name are not its fault."""
    found = ENHANCED.search(text)
    return not found or (found[1] == "1" and found[2] not in ("7", "8")) or (found[1], found[2]) == ("2", "1")
