"""Recipients, the ways to reach them, and how a driver's account takes over what its address asked for before."""

from collections.abc import Callable
from datetime import datetime, time
from typing import Any, Final
from zoneinfo import available_timezones

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from alerts import quiet
from alerts.models import Destination, Following, Notification, ProblemReport, Recipient, Subscription
from alerts.vocabulary import Audience, ChannelName, Digest, NotificationState, Step
from evcms.core import clock

from . import routing
from .notifications import of_recipient, withdraw
from .wordless import WORDLESS

MOST_WAYS: Final = 10  # of one driver


def driver_destination(
    *, organization_id: int, channel: ChannelName, address: str, language: str, of: Recipient | None = None
) -> Destination:
    """The driver's destination of this address, made when it is new: `of` somebody known, or with its recipient."""
    rows = Destination.objects.select_related("recipient").filter(
        organization_id=organization_id, audience=Audience.DRIVER, channel=channel, address=address
    )
    known = rows.first()
    if known:
        return known
    name = "" if channel == ChannelName.PUSH else address[:120]
    try:
        with transaction.atomic():
            recipient = of or Recipient.objects.create(organization_id=organization_id, name=name, language=language)
            return Destination.objects.create(
                organization_id=organization_id, recipient=recipient, channel=channel, address=address
            )
    except IntegrityError:  # somebody was faster
        return rows.get()


def prove(
    *,
    organization_id: int,
    channel: ChannelName,
    address: str,
    language: str,
    recipient: Recipient | None = None,
    keys: dict[str, str] | None = None,
    label: str = "",
    first: bool = True,
) -> Destination:
    """A way whose owner has just proven it. What hung on it, with nobody's account behind it, becomes `recipient`'s;
    without one: whoever it belongs to, or somebody new. His ways keep their order, and a new one is the last, unless
    it is to be the `first`.

    Raises ValidationError when he has too many.
    """
    with transaction.atomic():
        way = driver_destination(
            organization_id=organization_id, channel=channel, address=address, language=language, of=recipient
        )
        new = way.confirmed_at is None or bool(recipient and way.recipient_id != recipient.pk)
        if recipient and way.recipient_id != recipient.pk:
            if way.recipient.driver_id is None:
                _merge(way.recipient, recipient)
            else:
                Destination.objects.filter(pk=way.pk).update(recipient=recipient)
        if recipient and recipient.destinations.count() > MOST_WAYS:
            raise ValidationError(_("Ways enough: remove one first."))
        fields: dict[str, Any] = {"confirmed_at": clock.now(), "disabled_at": None, "disabled_reason": ""}
        fields |= {"keys": keys} if keys else {}
        fields |= {"label": label[:80]} if label else {}
        Destination.objects.filter(pk=way.pk).update(**fields)
        if recipient and first:
            prefer_way(recipient=recipient, pk=way.pk)
        elif recipient and new:
            _put_last(recipient=recipient, pk=way.pk)
    return Destination.objects.select_related("recipient__organization").get(pk=way.pk)


def working(way: Destination | None) -> Destination | None:
    """The way that was chosen for something, while it is proven and works."""
    return way if way and way.confirmed_at and way.disabled_at is None else None


def first_way(recipient: Recipient) -> Destination | None:
    """The first destination that is proven and works."""
    return (
        recipient.destinations.filter(confirmed_at__isnull=False, disabled_at=None).order_by("position", "id").first()
    )


def reachable(recipient: Recipient) -> bool:
    """Is there a way that is proven and has not failed?"""
    return recipient.destinations.filter(confirmed_at__isnull=False, disabled_at=None).exists()


def by_token(token: str) -> Recipient | None:
    """Who holds the link. None when it opens nothing (any more)."""
    rows = Recipient.objects.select_related("organization").filter(audience=Audience.DRIVER)
    return rows.filter(token=token).first() if token else None


def is_quiet(recipient: Recipient, moment: datetime) -> bool:
    """In his quiet hours?"""
    return quiet.is_quiet(moment, routing.zone(recipient), recipient.quiet_from, recipient.quiet_until)


# With an account -------------------------------------------------------------------------------------------


def signed_in(*, driver_id: int, organization_id: int, email: str, name: str, language: str) -> Recipient:
    """The recipient of a driver's account. His sign-in has proven the address: what waits at it becomes his.

    Wishes at an address that nobody had confirmed may be a stranger's: they end.
    """
    now = clock.now()
    with transaction.atomic():
        mine = Recipient.objects.filter(organization_id=organization_id, driver_id=driver_id).first()
        way = driver_destination(
            organization_id=organization_id, channel=ChannelName.EMAIL, address=email.strip().lower(), language=language
        )
        if mine is None:
            mine = way.recipient
            Recipient.objects.filter(pk=mine.pk).update(driver_id=driver_id, name=(name or email)[:120])
        elif way.recipient_id != mine.pk:
            _merge(way.recipient, mine)
        if way.confirmed_at is None:
            mine.subscriptions.filter(confirmed_at=None, ended_at=None).update(ended_at=now)
            Destination.objects.filter(pk=way.pk).update(confirmed_at=now, disabled_at=None)
    return Recipient.objects.select_related("organization").get(pk=mine.pk)


def _merge(other: Recipient, mine: Recipient) -> None:
    """All that hung on the other one hangs on his; a wish that he has already ends."""
    held = set(mine.subscriptions.filter(ended_at=None).values_list("topic", "connector", "station", "site"))
    for wish in other.subscriptions.filter(ended_at=None, area__isnull=True):
        if (wish.topic, wish.connector_id, wish.station_id, wish.site_id) in held:
            Subscription.objects.filter(pk=wish.pk).update(ended_at=clock.now())
    if not other.often:
        Recipient.objects.filter(pk=mine.pk).update(often=False)
    Subscription.objects.filter(recipient=other).update(recipient=mine)
    Destination.objects.filter(recipient=other).update(recipient=mine)
    ProblemReport.objects.filter(recipient=other).update(recipient=mine)
    Notification.objects.filter(recipient=other).update(recipient=mine)
    known = set(Following.objects.filter(recipient=mine).values_list("payment", "session"))
    payments, sessions = {payment for payment, _s in known} - {None}, {session for _p, session in known} - {None}
    for following in Following.objects.filter(recipient=other):
        if following.payment_id not in payments and following.session_id not in sessions:
            Following.objects.filter(pk=following.pk).update(recipient=mine)
    other.delete()


def forget_driver(*, driver_id: int, address: str = "", until: datetime | None = None) -> int:
    """His account is erased: ways, wishes and the words of his messages go with it; also of those that went to his
    `address` beside them up to then, such as links to sign in and receipts.
    """
    if address:
        his = Notification.objects.filter(channel=ChannelName.EMAIL, to__iexact=address)
        his = his.filter(created_at__lte=until or clock.now())
        his.filter(state=NotificationState.QUEUED).update(state=NotificationState.EXPIRED)
        his.update(**WORDLESS)
    gone = list(Recipient.objects.filter(driver_id=driver_id, audience=Audience.DRIVER))
    for recipient in gone:
        _erase(recipient)
    return len(gone)


def erase(*, recipient: Recipient) -> None:
    """Forgets somebody at his own word, for good. That messages were sent, and when, stays without their words.

    Of a driver whose account stays there is an empty row: it says that he wants to hear of nothing.
    """
    with transaction.atomic():
        _erase(recipient)
        if recipient.driver_id:
            kept = {"organization_id": recipient.organization_id, "language": recipient.language}
            Recipient.objects.create(driver_id=recipient.driver_id, often=False, **kept)


def _erase(recipient: Recipient) -> None:
    with transaction.atomic():
        withdraw(recipient=recipient)
        of_recipient(recipient).update(**WORDLESS)
        Recipient.objects.filter(pk=recipient.pk).delete()


# His own settings ------------------------------------------------------------------------------------------


def set_preferences(
    *,
    recipient: Recipient,
    language: str,
    time_zone: str,
    quiet_from: time | None,
    quiet_until: time | None,
    digest: str,
    digest_at: time,
) -> None:
    """Raises ValidationError with a sentence for what makes no sense."""
    if language not in dict(settings.LANGUAGES) or digest not in Digest.values:
        raise ValidationError(_("Choose one of the list."))
    if time_zone and time_zone not in available_timezones():
        raise ValidationError(_("This time zone does not exist."))
    if (quiet_from is None) != (quiet_until is None):
        raise ValidationError(_("Quiet hours have a beginning and an end."))
    Recipient.objects.filter(pk=recipient.pk).update(
        language=language,
        own_language=True,
        time_zone=time_zone,
        quiet_from=quiet_from,
        quiet_until=quiet_until,
        digest=digest,
        digest_at=digest_at,
    )


def speak(*, recipient: Recipient, language: str) -> None:
    """He proved an address on a page in this language: his, unless he chose another one in his settings."""
    Recipient.objects.filter(pk=recipient.pk, own_language=False).update(language=language)
    recipient.refresh_from_db(fields=["language"])


def set_charge(*, recipient: Recipient, topics: list[str], kwh: int, euros: int) -> None:
    """What he hears of his own charges: Steps, and every how many kWh and whole units of money."""
    wanted = [each for each in topics if each in Step.values]
    charge = {"topics": wanted, "kwh": max(0, min(kwh, 1000)), "money": max(0, min(euros, 1000))}
    Recipient.objects.filter(pk=recipient.pk).update(charge=charge if wanted else {})


def set_often(*, recipient: Recipient, wanted: bool) -> None:
    """Does he hear of planned work where he often charges?"""
    Recipient.objects.filter(pk=recipient.pk).update(often=wanted)


def remove_way(*, recipient: Recipient, pk: int) -> None:
    """The last way takes nothing with it: wishes sleep until there is another."""
    Destination.objects.filter(recipient=recipient, pk=pk).delete()


def prefer_way(*, recipient: Recipient, pk: int) -> None:
    """Tried first from now on."""
    _order(recipient, lambda way: way.pk != pk)


def _put_last(*, recipient: Recipient, pk: int) -> None:
    _order(recipient, lambda way: way.pk == pk)


def _order(recipient: Recipient, key: Callable[[Destination], bool]) -> None:
    with transaction.atomic():
        ways = list(recipient.destinations.select_for_update().order_by("position", "id"))
        ways.sort(key=key)
        for position, way in enumerate(ways, 1):
            Destination.objects.filter(pk=way.pk).update(position=position)


def end_followings(recipient: Recipient) -> None:
    Following.objects.filter(recipient=recipient, ended_at=None).update(ended_at=clock.now())
