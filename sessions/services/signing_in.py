"""Drivers' accounts: an e-mail address, proven by a link in a mail, no password. Operators sign in elsewhere.

A link opens once, within half an hour: it carries the moment of the account's last sign-in, which each one changes.
An address of a member or of staff gets no link: passwords and second factors must not be walked around.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.core import signing
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from evcms.core import audit, clock, mailboxes
from evcms.core.adapter import MailRequested
from evcms.core.events import publish
from evcms.core.models import Membership, Organization, User
from sessions.models import Driver, IdToken
from sessions.vocabulary import TokenType

from . import tokens

SALT: Final = "sessions.driver.sign-in"
LIVES: Final = timedelta(minutes=30)
LONGEST_EMAIL: Final = 254  # RFC 5321, 4.5.3.1
MOST_TOKENS: Final = 10  # that a driver may add by himself


@dataclass(frozen=True)
class Invitation:
    """What a link says once its signature and age are checked."""

    email: str
    organization: Organization
    back_to: str
    language: str


def ask_sign_in(*, email: str, organization: Organization, back_to: str = "/account/", language: str = "en") -> None:
    """Mails a link; a new address becomes an account when its link is used. Says nothing about what is known.

    Raises ValidationError for an address that is none.
    """
    email = email.strip().lower()
    validate_email(email)
    if len(email) > LONGEST_EMAIL:
        raise ValidationError(_("This e-mail address is too long."))
    with translation.override(language if language in dict(settings.LANGUAGES) else "en"):
        subject, text = _mail(email, organization, _path(back_to), language)
    with transaction.atomic():
        publish(MailRequested(to=email, subject=subject, text=text, html=""))


def _path(back_to: str) -> str:
    """Only paths of ours."""
    ours = back_to.startswith("/") and not back_to.startswith("//") and "\\" not in back_to
    return back_to[:200] if ours else "/account/"


def _mail(email: str, organization: Organization, back_to: str, language: str) -> tuple[str, str]:
    if _works_here(User.objects.filter(email__iexact=email).first()):
        link = f"{settings.PUBLIC_URL}/accounts/login/"
        words = _("You work with this address: sign in with your password here:\n\n%(link)s")
    else:
        link = f"{settings.PUBLIC_URL}/account/in/{_sign(email, organization, back_to, language)}"
        words = _("Open this link to sign in. It works once, within half an hour:\n\n%(link)s")
    rest = _("Nobody asked for it? Then nothing happens; you need not do anything.")
    return _("Your charging account at %(name)s") % {"name": organization.name}, words % {"link": link} + "\n\n" + rest


def _works_here(user: User | None) -> bool:
    return user is not None and (user.is_staff or user.is_superuser or Membership.objects.filter(user=user).exists())


def _sign(email: str, organization: Organization, back_to: str, language: str) -> str:
    said = {"e": email, "o": organization.pk, "b": back_to, "l": language, "s": _stamp(email), "t": _seconds()}
    return signing.dumps(said, salt=SALT, compress=True)


def _seconds() -> int:
    return int(clock.now().timestamp())


def _stamp(email: str) -> str:
    """Changes with every sign-in of this address."""
    user = User.objects.filter(email__iexact=email).first()
    return user.last_login.isoformat() if user and user.last_login else ""


def read_link(token: str) -> Invitation | None:
    """None: forged, too old, or used already."""
    try:
        said = signing.loads(token, salt=SALT)
        fresh = 0 <= _seconds() - int(said["t"]) <= LIVES.total_seconds()
        organization = Organization.objects.filter(pk=said["o"]).first()
    except (signing.BadSignature, KeyError, TypeError, ValueError):
        return None
    if not fresh or organization is None or said["s"] != _stamp(said["e"]):
        return None
    return Invitation(said["e"], organization, _path(said["b"]), said["l"])


def enter(*, token: str) -> tuple[User, Driver, str] | None:
    """The account behind a link, made when it is new: (user, driver, where to go). None: the link opens nothing."""
    with transaction.atomic():
        list(Organization.objects.select_for_update().filter(pk=_organization(token)))  # two clicks: one account
        invitation = read_link(token)
        if invitation is None:
            return None
        user = User.objects.filter(email__iexact=invitation.email).first()
        if _works_here(user) or (user is not None and not user.is_active):
            return None
        user = user or User.objects.create_user(invitation.email, None)
        mailboxes.know(user, verified=True)
        User.objects.filter(pk=user.pk).update(last_login=clock.now())
        return user, _driver(user, invitation), invitation.back_to


def _organization(token: str) -> int:
    try:
        return int(signing.loads(token, salt=SALT)["o"])
    except (signing.BadSignature, KeyError, TypeError, ValueError):
        return 0


def _driver(user: User, invitation: Invitation) -> Driver:
    """His own row; else the one that the operator made for this address, which he has just proven; else a new one."""
    own = Driver.objects.filter(user=user).first()
    if own is not None:
        return own
    rows = Driver.objects.filter(organization=invitation.organization, user=None, erased_at=None)
    known = rows.filter(email__iexact=invitation.email).order_by("pk").first()
    driver = known or Driver(organization=invitation.organization, email=invitation.email)
    driver.user = user
    driver.language = driver.language or invitation.language
    driver.save()
    return driver


def rename(*, driver: Driver, name: str, language: str) -> None:
    """His own name and language."""
    known = language if language in dict(settings.LANGUAGES) else driver.language
    Driver.objects.filter(pk=driver.pk).update(name=name.strip()[:120], language=known)


def add_own_token(*, driver: Driver, value: str, token_type: str = TokenType.ISO14443, label: str = "") -> IdToken:
    """A card, car or contract that a driver adds himself. One that is known already is the operator's to give.

    Raises ValidationError with a sentence.
    """
    with transaction.atomic():
        Driver.objects.select_for_update().get(pk=driver.pk)
        if IdToken.objects.filter(driver=driver, guest=False).count() >= MOST_TOKENS:
            raise ValidationError(_("That is enough cards; remove one first."))
        return tokens.add_own(driver=driver, value=value, token_type=token_type, label=label)


def remove_own_token(*, driver: Driver, token: IdToken) -> None:
    """It starts nothing any more; its sessions stay. Raises ValidationError."""
    with transaction.atomic():
        row = IdToken.objects.select_for_update(of=("self",)).filter(pk=token.pk, driver=driver, guest=False).first()
        if row is None:
            raise ValidationError(_("This is not yours."))
        audit.record_driver(driver.user, driver.organization, "token.removed", row, value=row.value)
        row.delete()
