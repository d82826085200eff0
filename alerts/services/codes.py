"""A telephone number is proven by a code that went there: six digits, for ten minutes, five tries, in the browser that
asked. Nothing is written for a number before.

Whoever asks sees the same, whatever we know of the number: limits of the asker are said, those of the number are not.
"""

import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from alerts import channels
from alerts.channels.sms import address
from alerts.models import Destination, Notification, PhoneCode, Recipient
from alerts.vocabulary import Audience, ChannelName, NotificationState
from billing import facts as billing
from evcms.core import clock
from evcms.core.models import Organization

from . import asking, following, people, subscriptions, voice
from .notifications import notify

LIFE: Final = timedelta(minutes=10)
DIGITS: Final = 6
MOST_TRIES: Final = 5
TEMPLATE: Final = "code"


# Asking ------------------------------------------------------------------------------------------------------


def ask(
    *,
    organization_id: int,
    number: str,
    language: str,
    network: str,
    then: dict[str, Any],
    recipient: Recipient | None = None,
    page: str = "",
) -> PhoneCode:
    """Sends a code to `number`; `then` (see PhoneCode) is done for `recipient`, or the number's owner, once it is back.

    `page`: the path to go back to. Any: JSON. Raises ValidationError with a sentence.
    """
    number = _good(number, Organization.objects.get(pk=organization_id).country)
    with transaction.atomic():
        row = PhoneCode.objects.create(
            organization_id=organization_id, number=number, language=language, recipient=recipient, then=then,
            page=page, until=clock.now() + LIFE, created_at=clock.now(),
        )  # fmt: skip
        _send(row, network)
    return row


def ask_owner(*, way: Destination) -> PhoneCode:
    """For an operator's way: its owner tells the code to whoever adds it. Raises ValidationError with a sentence."""
    with transaction.atomic():
        PhoneCode.objects.filter(destination=way, used_at=None).delete()  # the newest alone is good
        row = PhoneCode.objects.create(
            organization_id=way.organization_id, number=_good(way.address, ""), language=way.recipient.language,
            destination=way, until=clock.now() + LIFE, created_at=clock.now(),
        )  # fmt: skip
        if not _send(row, ""):
            raise ValidationError(_("This number got too many codes. Please wait an hour."))
    return row


def again(*, row: PhoneCode, network: str) -> None:
    """A new code to the same number; the old one is of no use any more. Raises ValidationError with a sentence."""
    if row.used_at:
        raise ValidationError(_("This code was used already."))
    with transaction.atomic():
        _send(row, network)


def _good(number: str, country: str) -> str:
    if not channels.ready(ChannelName.SMS):
        raise ValidationError(_("Text messages are not set up here. Please choose another way."))
    return address.clean(number, country)


def _send(row: PhoneCode, network: str) -> bool:
    """False when the number has had its codes: an earlier one stays good, and whoever asks is told nothing."""
    limit = asking.refusal(
        organization_id=row.organization_id, channel=ChannelName.SMS, address=row.number, network=network
    )
    if limit == "address":
        return False
    if limit == "network":
        raise ValidationError(_("Too many tries. Please wait a while."))
    if limit is not None:
        raise ValidationError(_("No more codes can be sent at the moment. Please choose another way."))
    code = f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"
    until = clock.now() + LIFE
    PhoneCode.objects.filter(pk=row.pk).update(digest=_digest(row, code), until=until, tries=0)
    notify(
        key=f"{_key(row)}{voice.now_key()}", template=TEMPLATE, to=row.number, channel=ChannelName.SMS,
        language=row.language, organization_id=row.organization_id, urgent=True, expires_at=until,
        context={"code": code, "organization": str(row.organization), "minutes": LIFE.seconds // 60},
    )  # fmt: skip
    return True


def _key(row: PhoneCode) -> str:
    return f"code:{row.pk}:"


def _digest(row: PhoneCode, code: str) -> str:
    return salted_hmac("evcms.alerts.codes", f"{row.token}:{code}", algorithm="sha256").hexdigest()


# What comes back ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Verdict:
    good: bool
    sentence: str = ""


def check(*, row: PhoneCode, typed: str) -> list[Recipient]:
    """Does what waits for the right code, once; the same one again is answered the same. Whose number it is, then.

    Raises ValidationError with a sentence; a wrong code is counted.
    """
    with transaction.atomic():
        row = PhoneCode.objects.select_for_update().get(pk=row.pk)
        verdict = _judge(row, "".join(typed.split()).replace("-", ""))
        if verdict.good and row.used_at is None:
            _carry_out(row)
            PhoneCode.objects.filter(pk=row.pk).update(used_at=clock.now())
            queued = Notification.objects.filter(key__startswith=_key(row), state=NotificationState.QUEUED)
            queued.update(state=NotificationState.EXPIRED)
    if not verdict.good:
        raise ValidationError(verdict.sentence)
    return owners(row)


def _judge(row: PhoneCode, typed: str) -> _Verdict:
    """Counts the try before it is looked at: a thousand at once get no further."""
    if row.until is None or clock.now() >= row.until:
        return _Verdict(False, _("This code has expired. Ask for a new one."))
    if row.tries >= MOST_TRIES:
        return _Verdict(False, _("Too many wrong codes. Ask for a new one."))
    if hmac.compare_digest(_digest(row, typed), row.digest):
        return _Verdict(True)
    PhoneCode.objects.filter(pk=row.pk).update(tries=row.tries + 1)
    if row.used_at:
        return _Verdict(False, _("This code was used already."))
    return _Verdict(False, _("This is not the code. Tries left: %(count)s") % {"count": MOST_TRIES - row.tries - 1})


def _carry_out(row: PhoneCode) -> None:
    if row.destination_id:
        Destination.objects.filter(pk=row.destination_id).update(
            confirmed_at=clock.now(), disabled_at=None, disabled_reason=""
        )
        return
    way = _prove(row, row.organization_id)
    people.speak(recipient=way.recipient, language=row.language)
    for wanted in _wishes(row):
        same = wanted.organization_id == row.organization_id
        theirs = way if same else _prove(row, wanted.organization_id)
        subscriptions.wish(recipient=theirs.recipient, wanted=wanted, proven=True, way=theirs)
    if "follow" in row.then:
        said = row.then["follow"]
        session_id = billing.session_of(said["payment_id"])  # it may have begun since
        following.follow(recipient=way.recipient, destination=way, language=row.language, session_id=session_id, **said)


def _prove(row: PhoneCode, organization_id: int) -> Destination:
    mine = row.recipient if organization_id == row.organization_id else None
    return people.prove(
        organization_id=organization_id, channel=ChannelName.SMS, address=row.number, language=row.language,
        recipient=mine, first=not row.then,
    )  # fmt: skip


def _wishes(row: PhoneCode) -> list[subscriptions.Wanted]:
    return [subscriptions.Wanted.from_json(each) for each in row.then.get("wishes", ())]


def owners(row: PhoneCode) -> list[Recipient]:
    """Whose the number is, at each operator that was asked."""
    houses = {row.organization_id, *(wanted.organization_id for wanted in _wishes(row))}
    ways = (
        Destination.objects.select_related("recipient__organization")
        .filter(audience=Audience.DRIVER, channel=ChannelName.SMS, address=row.number, organization__in=houses)
        .exclude(confirmed_at=None)
    )
    return [way.recipient for way in ways] if row.destination_id is None else []


def waiting(*, way: Destination) -> PhoneCode | None:
    """An operator's way: the code that its owner got."""
    return PhoneCode.objects.filter(destination=way, used_at=None).order_by("-pk").first()


def forget() -> int:
    """Nightly: numbers that were asked about, and the words of codes."""
    old = clock.now() - asking.KEPT
    Notification.objects.filter(template=TEMPLATE, created_at__lt=old).exclude(text="").update(
        to="", subject="", text="", html="", short=""
    )
    return PhoneCode.objects.filter(created_at__lt=old).delete()[0]
