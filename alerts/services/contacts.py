"""Who of an organization is told about incidents: contacts with their ways, in order.

A way is proven by its owner (a link in its first message, a code to a telephone) before anything else is sent there.
An owner's own address, and what the organization runs itself (a chat room, a webhook), is taken as proven.
"""

from collections.abc import Sequence
from datetime import time
from typing import Final

from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from alerts import channels
from alerts.channels.push import address as push
from alerts.models import Destination, Recipient
from alerts.vocabulary import Audience, ChannelName, NotificationState
from evcms.core import audit, clock
from evcms.core.access import Access, Permission
from stations.queries import visible_sites

from . import codes
from .notifications import notify, withdraw
from .trying import send_test

OWN_SYSTEMS: Final = (ChannelName.CHAT, ChannelName.WEBHOOK)
MOST_WAYS, MOST_CONTACTS = 10, 200


def save_contact(*, access: Access, email: str, least_severity: int, name: str = "") -> Recipient:
    """Adds somebody with a mail address, or changes from which severity on he is told. Raises ValidationError."""
    access.demand(Permission.PEOPLE)
    address = email.strip().lower()
    validate_email(address)
    with transaction.atomic():
        known = Destination.objects.filter(
            organization=access.organization, audience=Audience.OPERATOR, channel=ChannelName.EMAIL, address=address
        ).first()
        if known:
            contact = known.recipient
            Recipient.objects.filter(pk=contact.pk).update(least_severity=least_severity)
            contact.least_severity = least_severity
        else:
            contact = create(access, name.strip()[:120] or address, Audience.OPERATOR, least_severity)
            add_way(access=access, contact=contact, channel=ChannelName.EMAIL, address=address)
        audit.record(access, "alert_contact.saved", contact, least_severity=int(least_severity))
    return contact


def create(access: Access, name: str, audience: Audience, least_severity: int) -> Recipient:
    if Recipient.objects.filter(organization=access.organization, audience=audience).count() >= MOST_CONTACTS:
        raise ValidationError(_("There are too many already: remove one first."))
    return Recipient.objects.create(
        organization=access.organization,
        audience=audience,
        name=name,
        language=access.organization.language,
        least_severity=least_severity,
    )


def edit_contact(
    *,
    access: Access,
    contact: Recipient,
    name: str,
    least_severity: int,
    sites: Sequence[int],
    quiet_from: time | None,
    quiet_until: time | None,
) -> None:
    """What he hears of, and when not. Urgent messages wait for no quiet hours."""
    demand(access, contact)
    chosen = visible_sites(access).filter(pk__in=list(sites))
    with transaction.atomic():
        Recipient.objects.filter(pk=contact.pk).update(
            name=name.strip()[:120], least_severity=least_severity, quiet_from=quiet_from, quiet_until=quiet_until
        )
        contact.sites.set(chosen)
        audit.record(
            access, "alert_contact.edited", contact, least_severity=int(least_severity), sites=[str(s) for s in chosen]
        )


def remove_contact(*, access: Access, pk: str) -> None:
    """A contact or a webhook of this organization; others' are not touched."""
    access.demand(Permission.PEOPLE)
    if not pk.isdigit() or len(pk) > 18:
        return
    with transaction.atomic():
        mine = Recipient.objects.filter(organization=access.organization).exclude(audience=Audience.DRIVER)
        contact = mine.filter(pk=int(pk)).first()
        if contact:
            audit.record(access, "alert_contact.removed", contact)
            withdraw(recipient=contact)
            contact.delete()


# Ways ----------------------------------------------------------------------------------------------------


def add_way(*, access: Access, contact: Recipient, channel: str, address: str, label: str = "") -> Destination:
    """One more way, the last in the order. Raises ValidationError for an address that is none or is taken."""
    demand(access, contact)
    if channel not in ChannelName.values or channel == ChannelName.PUSH:
        raise ValidationError(_("Choose a channel; push messages are switched on in the browser that shall show them."))
    address = clean(channel, address)
    own = channel in OWN_SYSTEMS or address == str(access.user.email).lower()
    return _add(access, contact, channel, address, label, own=own)


def _add(access: Access, contact: Recipient, channel: str, address: str, label: str, *, own: bool) -> Destination:
    """`own`: needs no proof. Raises ValidationError."""
    ways = Destination.objects.filter(organization=access.organization, audience=contact.audience)
    if ways.filter(channel=channel, address=address).exists():
        raise ValidationError(_("This address is used already."))
    if contact.destinations.count() >= MOST_WAYS:
        raise ValidationError(_("Ways enough: remove one first."))
    with transaction.atomic():
        way = Destination.objects.create(
            organization=access.organization, recipient=contact, audience=contact.audience, channel=channel,
            address=address, label=label.strip()[:80], position=contact.destinations.count() + 1,
            confirmed_at=clock.now() if own else None,
        )  # fmt: skip
        if not own:
            ask_to_confirm(way)
        audit.record(access, "alert_contact.way_added", contact, channel=channel)
    return way


def is_own(access: Access, contact: Recipient) -> bool:
    """Whether the contact is the person who is signed in: one of his ways is that person's address."""
    mine = str(getattr(access.user, "email", "") or "").lower()
    return bool(mine) and contact.destinations.filter(channel=ChannelName.EMAIL, address=mine).exists()


def add_browser(*, access: Access, contact: Recipient, subscription: str, device: str) -> Destination:
    """Push messages to the browser in which the contact himself is signed in. Raises ValidationError with a sentence.

    `subscription`: JSON of a PushSubscription; what a browser gave is its own proof.
    """
    demand(access, contact)
    if not is_own(access, contact):
        raise ValidationError(_("Only the contact can switch push messages on, signed in, in his own browser."))
    endpoint, keys = push.parse(subscription)
    with transaction.atomic():
        known = contact.destinations.filter(channel=ChannelName.PUSH, address=endpoint).first()
        way = known or _add(access, contact, ChannelName.PUSH, endpoint, device, own=True)
        Destination.objects.filter(pk=way.pk).update(
            keys=keys, confirmed_at=clock.now(), disabled_at=None, disabled_reason=""
        )
    return way


def clean(channel: str, address: str) -> str:
    """As it is kept. Raises ValidationError with a sentence."""
    if channel not in channels.FOLDERS:
        raise ValidationError(_("This channel is not set up here."))
    return channels.addresses(channel).clean(address.strip())


def ask_to_confirm(way: Destination) -> None:
    """By a code where a telephone is asked, else by a link. Raises ValidationError."""
    if way.channel == ChannelName.SMS:
        codes.ask_owner(way=way)
        return
    link = settings.PUBLIC_URL + reverse("subscription-confirm", args=[way.token])
    notify(
        key=f"contact:{way.pk}:{clock.now():%Y%m%d%H%M}",
        template="contact_confirm",
        destination=way,
        urgent=True,
        context={"link": link, "organization": str(way.organization)},
    )


def confirm_way(*, access: Access, way: Destination, code: str) -> None:
    """The owner of a telephone has read out the code that it got. Raises ValidationError with a sentence."""
    demand(access, way.recipient)
    row = codes.waiting(way=way)
    if row is None:
        raise ValidationError(_("This code has expired. Ask for a new one."))
    codes.check(row=row, typed=code)
    audit.record(access, "alert_contact.way_confirmed", way.recipient, channel=way.channel)


def ask_again(*, access: Access, way: Destination) -> None:
    """Another code or link for a way that waits for its owner. Raises ValidationError."""
    demand(access, way.recipient)
    if way.confirmed_at:
        return
    with transaction.atomic():
        ask_to_confirm(way)
        audit.record(access, "alert_contact.way_asked", way.recipient, channel=way.channel)


def way_of(access: Access, pk: str) -> Destination:
    """Of a contact of this organization. Raises ValidationError."""
    rows = Destination.objects.filter(organization=access.organization).exclude(audience=Audience.DRIVER)
    way = rows.select_related("recipient").filter(pk=int(pk) if pk.isdigit() and len(pk) < 18 else 0).first()
    if way is None:
        raise ValidationError(_("This way is gone."))
    return way


def remove_way(*, access: Access, way: Destination) -> None:
    demand(access, way.recipient)
    with transaction.atomic():
        audit.record(access, "alert_contact.way_removed", way.recipient, channel=way.channel)
        way.delete()


def prefer_way(*, access: Access, way: Destination) -> None:
    """It is tried first from now on."""
    demand(access, way.recipient)
    with transaction.atomic():
        others = way.recipient.destinations.exclude(pk=way.pk).order_by("position", "pk")
        for place, row in enumerate([way, *others], start=1):
            Destination.objects.filter(pk=row.pk).update(position=place)
        audit.record(access, "alert_contact.way_preferred", way.recipient, channel=way.channel)


def enable_way(*, access: Access, way: Destination) -> None:
    """A way that failed is tried again, once its owner has proven it anew."""
    demand(access, way.recipient)
    own = way.channel in OWN_SYSTEMS or way.address == str(access.user.email).lower()
    with transaction.atomic():
        Destination.objects.filter(pk=way.pk).update(
            disabled_at=None, disabled_reason="", confirmed_at=clock.now() if own else None
        )
        if not own:
            ask_to_confirm(way)
        audit.record(access, "alert_contact.way_enabled", way.recipient, channel=way.channel)


def test_way(*, access: Access, way: Destination) -> None:
    """A message that says that it is a test, sent at once.

    Raises ValidationError for a way that nobody has proven, and with what its provider said when it did not take it.
    """
    demand(access, way.recipient)
    if way.confirmed_at is None:
        raise ValidationError(_("Its owner has to confirm it first."))
    row = send_test(access=access, destination=way)
    if row.state not in (NotificationState.SENT, NotificationState.DELIVERED):
        said = row.delivery_attempts.order_by("id").values_list("detail", flat=True).last()
        raise ValidationError(_("It did not go through: %(why)s") % {"why": said or row.get_state_display()})


def demand(access: Access, contact: Recipient) -> None:
    access.demand(Permission.PEOPLE)
    if contact.organization_id != access.organization.pk or contact.audience == Audience.DRIVER:
        raise PermissionDenied(_("There is no such contact."))
