"""Who may be told, by which ways, and about what: drivers, operators, and systems that listen."""

from datetime import time

from django.db import models
from django.utils.translation import gettext_lazy as _

from alerts import channels
from alerts.vocabulary import Audience, ChannelName, Digest, Severity, Topic
from evcms.core import clock
from evcms.core.models import Organization, User

from .links import link_token


class Recipient(models.Model):
    """Somebody who is told: a driver, an operator's contact, or a system of a partner (webhooks).

    His destinations are tried in the order of their `position`; `token` opens the page with all his subscriptions.
    """

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="recipients")
    audience = models.CharField(max_length=8, choices=Audience, default=Audience.DRIVER)
    name = models.CharField(_("name"), max_length=120, blank=True)
    driver = models.ForeignKey("charging.Driver", models.SET_NULL, null=True, blank=True, related_name="+")
    user = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    language = models.CharField(_("language"), max_length=8, default="en")
    own_language = models.BooleanField(default=False, help_text=_("He chose it in his settings"))
    time_zone = models.CharField(_("time zone"), max_length=64, blank=True, help_text=_("Empty: the organization's."))
    quiet_from = models.TimeField(_("quiet from"), null=True, blank=True)
    quiet_until = models.TimeField(_("quiet until"), null=True, blank=True)
    digest = models.CharField(_("how often"), max_length=8, choices=Digest, default=Digest.AT_ONCE)
    digest_at = models.TimeField(_("digest at"), default=time(8))
    least_severity = models.PositiveSmallIntegerField(
        _("from severity"), choices=Severity, default=Severity.SERIOUS, help_text=_("For operators")
    )
    events = models.JSONField(default=list, blank=True, help_text=_("Names of what is wanted; empty: everything"))
    sites = models.ManyToManyField("stations.Site", blank=True, related_name="+", help_text=_("Empty: all sites"))
    charge = models.JSONField(default=dict, blank=True, help_text=_("What a driver hears of his own charges"))
    often = models.BooleanField(default=True, help_text=_("Hears of planned work where he often charges"))
    token = models.CharField(max_length=40, unique=True, default=link_token, editable=False)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        ordering = ("id",)
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "driver"],
                condition=models.Q(driver__isnull=False),
                name="one_recipient_per_driver",
            )
        ]

    def __str__(self) -> str:
        return self.name or f"{self.audience} {self.pk}"


class Destination(models.Model):
    """A way to reach a recipient: proven by its owner (link or code), disabled when it bounces.

    `keys` holds what the channel needs beside the address (push keys, a webhook's signing secret): never logged.
    """

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="+")
    recipient = models.ForeignKey(Recipient, models.CASCADE, related_name="destinations")
    audience = models.CharField(max_length=8, choices=Audience, default=Audience.DRIVER, help_text=_("The recipient's"))
    channel = models.CharField(_("channel"), max_length=8, choices=ChannelName, default=ChannelName.EMAIL)
    address = models.CharField(_("address"), max_length=500)
    label = models.CharField(_("label"), max_length=80, blank=True)
    keys = models.JSONField(default=dict, editable=False)
    position = models.PositiveSmallIntegerField(default=1)
    token = models.CharField(max_length=40, unique=True, default=link_token, editable=False)
    confirmed_at = models.DateTimeField(null=True)
    disabled_at = models.DateTimeField(null=True)
    disabled_reason = models.CharField(max_length=160, blank=True)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        ordering = ("recipient_id", "position", "id")
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "audience", "channel", "address"], name="one_destination_per_address"
            )
        ]

    def __str__(self) -> str:
        return self.label or self.shown

    @property
    def shown(self) -> str:
        """The address as people see it: without the secrets that some carry."""
        return channels.addresses(self.channel).shown(self.address)


class PhoneCode(models.Model):
    """A code on its way to a telephone, and what is done once it comes back: one row for each asking.

    `token` opens the page on which it is typed, so the browser that asked alone can use it. Nothing else is written
    before the number is proven: `then` waits here ({"wishes": […]} or {"follow": {…}}), for `recipient` or, without
    one, for whoever the number belongs to. `destination`: an operator's way that waits. The code itself is not kept.
    """

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="+")
    token = models.CharField(max_length=40, unique=True, default=link_token, editable=False)
    number = models.CharField(max_length=16)
    digest = models.CharField(max_length=64, blank=True, editable=False)
    until = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(default=0)
    language = models.CharField(max_length=8, default="en")
    page = models.CharField(max_length=500, blank=True, help_text=_("Where it was asked for"))
    recipient = models.ForeignKey(Recipient, models.CASCADE, null=True, related_name="+")
    destination = models.ForeignKey(Destination, models.CASCADE, null=True, related_name="phone_codes")
    then = models.JSONField(default=dict)
    used_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        indexes = [models.Index(fields=["created_at"], name="phone_codes_by_age")]

    def __str__(self) -> str:
        return f"code for {self.number} ({self.created_at:%F %T})"


class Subscription(models.Model):
    """A driver's wish: a topic at a connector, a station, a site or in a drawn area of the map.

    Asleep until the owner of the address has agreed (`confirmed_at`), and while it is paused. `area` is a polygon
    [[latitude, longitude], …], the four edges its bounding box. `lasting`: "free" is told every time, not once.
    """

    recipient = models.ForeignKey(Recipient, models.CASCADE, related_name="subscriptions")
    destination = models.ForeignKey(
        Destination, models.SET_NULL, null=True, related_name="+", help_text=_("Chosen for this one; else as usual")
    )
    topic = models.CharField(max_length=12, choices=Topic)
    connector = models.ForeignKey("stations.Connector", models.CASCADE, null=True, related_name="+")
    station = models.ForeignKey("stations.Station", models.CASCADE, null=True, related_name="+")
    site = models.ForeignKey("stations.Site", models.CASCADE, null=True, related_name="+")
    area = models.JSONField(null=True)
    south = models.FloatField(null=True)
    west = models.FloatField(null=True)
    north = models.FloatField(null=True)
    east = models.FloatField(null=True)
    label = models.CharField(max_length=120, blank=True, help_text=_("What the driver calls the area"))
    lasting = models.BooleanField(default=True)
    confirmed_at = models.DateTimeField(null=True)
    paused_at = models.DateTimeField(null=True)
    token = models.CharField(max_length=40, unique=True, default=link_token, editable=False)
    created_at = models.DateTimeField(default=clock.now)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(connector__isnull=False, station=None, site=None, area=None)
                | models.Q(connector=None, station__isnull=False, site=None, area=None)
                | models.Q(connector=None, station=None, site__isnull=False, area=None)
                | models.Q(connector=None, station=None, site=None, area__isnull=False),
                name="subscription_has_one_place",
            ),
            *(
                models.UniqueConstraint(
                    fields=["recipient", "topic", place],
                    condition=models.Q(ended_at=None, **{f"{place}__isnull": False}),
                    name=f"one_live_wish_per_{place}",
                )
                for place in ("connector", "station", "site")
            ),
        ]
        indexes = [
            models.Index(fields=["topic", place], condition=models.Q(ended_at=None), name=f"live_wishes_by_{place}")
            for place in ("connector", "station", "site")
        ]

    def __str__(self) -> str:
        return f"{self.recipient}: {self.topic}"


class Offer(models.Model):
    """Somebody was told that a connector is free since then; the next in line (`turn`) is told some minutes later."""

    subscription = models.ForeignKey(Subscription, models.CASCADE, related_name="offers")
    connector = models.ForeignKey("stations.Connector", models.CASCADE, related_name="+")
    free_since = models.DateTimeField()
    turn = models.PositiveIntegerField(default=0)
    at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["connector", "free_since", "subscription"], name="one_offer_per_freedom"),
            models.UniqueConstraint(fields=["connector", "free_since", "turn"], name="one_offer_a_turn"),
        ]

    def __str__(self) -> str:
        return f"{self.connector_id} free since {self.free_since:%F %T}"


class Asked(models.Model):
    """A mail or an SMS went to an address that had not agreed: counted, so that nobody fills a phone or our bill.

    Only digests of the address and of the network that asked; `prefix` is the number's first digits.
    """

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="+")
    channel = models.CharField(max_length=8, choices=ChannelName)
    address = models.CharField(max_length=32)
    network = models.CharField(max_length=32, blank=True)
    prefix = models.CharField(max_length=12, blank=True)
    at = models.DateTimeField(default=clock.now)

    class Meta:
        verbose_name_plural = "asked"
        indexes = [models.Index(fields=["channel", "at"], name="asked_lately")]

    def __str__(self) -> str:
        return f"{self.channel} {self.at:%F %T}"
