"""Sites, stations and their connectors."""

import secrets
import uuid
from typing import Final

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from evcms.core import clock
from evcms.core.models import Membership, Organization
from stations.vocabulary import Approval, ConnectorStatus, SecurityProfile

from .tags import Tag

CODE_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # no 0/O, 1/I: people type it from a sticker
# OCPP 1.6J 3.1.1 / 2.0.1 part 4, 3.1.2: the identity is the last part of the URL; 2.x: identifierString, 48 characters
IDENTITY = RegexValidator(r"^[A-Za-z0-9*\-_=:+|@.]{1,48}\Z", _("1 to 48 letters, digits or * - _ = : + | @ ."))


def connector_code() -> str:
    return "".join(secrets.choice(CODE_ALPHABET) for _ in range(7))


class Site(models.Model):
    """A place with one or more stations, one address, one grid connection, one time zone."""

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="sites")
    name = models.CharField(_("name"), max_length=120)
    address = models.CharField(_("address"), max_length=200, blank=True)
    postal_code = models.CharField(_("postal code"), max_length=16, blank=True)
    city = models.CharField(_("city"), max_length=80, blank=True)
    country = models.CharField(_("country"), max_length=2, default="NL")
    latitude = models.FloatField(_("latitude"), validators=[MinValueValidator(-90), MaxValueValidator(90)])
    longitude = models.FloatField(_("longitude"), validators=[MinValueValidator(-180), MaxValueValidator(180)])
    time_zone = models.CharField(_("time zone"), max_length=64, default="Europe/Amsterdam")
    grid_limit_w = models.PositiveIntegerField(_("grid limit (W)"), null=True, blank=True)
    opening_hours = models.CharField(_("opening hours"), max_length=200, blank=True, help_text=_("Empty: always open"))
    access_notes = models.TextField(
        _("how to find it"), blank=True, help_text=_("What drivers must know: the way in, a barrier, house rules.")
    )
    access_notes_in = models.JSONField(
        _("how to find it, in other languages"), default=dict, blank=True, help_text=_("By language code, such as de")
    )
    accessible = models.BooleanField(_("accessible by wheelchair"), default=False)
    public = models.BooleanField(_("shown on the public map"), default=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)
    history = HistoricalRecords()

    class Meta:
        ordering = ("name",)
        constraints = [models.UniqueConstraint(fields=["organization", "name"], name="site_name_in_organization")]

    def __str__(self) -> str:
        return self.name

    def notes_for(self, language: str) -> str:
        """How to find it, in a driver's language where somebody wrote it."""
        return str(self.access_notes_in.get(language) or self.access_notes)


class SiteGrant(models.Model):
    """Opens one site to a membership without `all_sites`."""

    membership = models.ForeignKey(Membership, models.CASCADE, related_name="site_grants")
    site = models.ForeignKey(Site, models.CASCADE, related_name="grants")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["membership", "site"], name="one_grant_per_site")]

    def __str__(self) -> str:
        return f"{self.membership} → {self.site}"


class Gateway(models.Model):
    """One charger-gateway process; alive while it renews its lease."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    host = models.CharField(max_length=120)
    pid = models.PositiveIntegerField()
    started_at = models.DateTimeField(default=clock.now)
    lease_until = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.host}:{self.pid}"


class Station(models.Model):
    """A charging station (OCPP 1.6: charge point), known by its identity in the WebSocket URL.

    A quarantined one has no organization yet unless the installation has just one.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, null=True, related_name="stations")
    site = models.ForeignKey(Site, models.PROTECT, null=True, blank=True, related_name="stations")
    identity = models.CharField(_("identity"), max_length=48, unique=True, validators=[IDENTITY])
    name = models.CharField(_("name"), max_length=120, blank=True)
    approval = models.CharField(_("approval"), max_length=12, choices=Approval, default=Approval.QUARANTINED)
    security_profile = models.PositiveSmallIntegerField(
        _("security profile"), choices=SecurityProfile, default=SecurityProfile.BASIC
    )
    password_digest = models.CharField(
        max_length=160, blank=True, editable=False, help_text=_("Scheme and digest, made by stations.passwords")
    )
    vendor = models.CharField(_("vendor"), max_length=64, blank=True)
    model = models.CharField(_("model"), max_length=64, blank=True)
    serial_number = models.CharField(_("serial number"), max_length=64, blank=True)
    firmware_version = models.CharField(_("firmware"), max_length=64, blank=True)
    firmware_since = models.DateTimeField(
        null=True, editable=False, help_text=_("When a boot first said it; null: nobody saw another one before")
    )
    iccid = models.CharField(_("SIM card"), max_length=32, blank=True, editable=False)
    imsi = models.CharField(max_length=32, blank=True, editable=False)
    protocol = models.CharField(_("protocol"), max_length=10, blank=True, help_text=_("Spoken at the last handshake"))
    heartbeat_interval = models.PositiveIntegerField(
        _("heartbeat interval (s)"), null=True, blank=True, help_text=_("Empty: the installation's")
    )
    connection = models.OneToOneField("Connection", models.SET_NULL, null=True, editable=False, related_name="+")
    status = models.CharField(max_length=16, choices=ConnectorStatus, default=ConnectorStatus.UNKNOWN, editable=False)
    status_error = models.CharField(max_length=64, blank=True, editable=False)
    status_at = models.DateTimeField(null=True, editable=False)
    last_boot_at = models.DateTimeField(null=True, editable=False)
    last_seen_at = models.DateTimeField(null=True, editable=False)
    offline_since = models.DateTimeField(
        null=True, editable=False, help_text=_("Since when no live link; null while online or never seen")
    )
    clock_skew_ms = models.BigIntegerField(null=True, editable=False, help_text=_("Station clock minus ours"))
    clock_suspect_ms = models.BigIntegerField(null=True, editable=False)  # stations.clocks: an offset seen once
    clock_suspected_at = models.DateTimeField(null=True, editable=False)
    tags = models.ManyToManyField(Tag, related_name="stations", blank=True, verbose_name=_("tags"))
    created_at = models.DateTimeField(default=clock.now, editable=False)
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)
    history = HistoricalRecords(
        excluded_fields=[
            "connection",
            "status",
            "status_error",
            "status_at",
            "last_boot_at",
            "last_seen_at",
            "offline_since",
            "clock_skew_ms",
            "firmware_since",
            "clock_suspect_ms",
            "clock_suspected_at",
            "protocol",
            "password_digest",
        ]
    )

    class Meta:
        ordering = ("identity",)
        indexes = [models.Index(fields=["organization", "site"], name="stations_by_site")]

    def __str__(self) -> str:
        return self.name or self.identity


class Evse(models.Model):
    """What charges one car at a time (OCPI EVSE). 1.6 connector n is EVSE n with one connector."""

    station = models.ForeignKey(Station, models.PROTECT, related_name="evses")
    number = models.PositiveSmallIntegerField(_("EVSE number"), validators=[MinValueValidator(1)])
    evse_id = models.CharField(_("EVSE id"), max_length=48, blank=True, help_text=_("eMI3, such as NL*ABC*E12345*1"))
    heard_since = models.DateTimeField(
        null=True, editable=False, help_text=_("First sign of life: uptime counts since")
    )
    gone_since = models.DateTimeField(null=True, editable=False, help_text=_("Uptime counts up to here"))

    class Meta:
        verbose_name = "EVSE"
        verbose_name_plural = "EVSEs"
        ordering = ("station_id", "number")
        constraints = [models.UniqueConstraint(fields=["station", "number"], name="evse_number_in_station")]

    def __str__(self) -> str:
        return f"{self.station} · {self.number}"


class PlugType(models.TextChoices):
    """OCPI 2.2.1, 8.4.6 ConnectorType (those in the field)."""

    IEC_62196_T2 = "IEC_62196_T2", _("Type 2")
    IEC_62196_T2_COMBO = "IEC_62196_T2_COMBO", _("CCS")
    CHADEMO = "CHADEMO", _("CHAdeMO")
    IEC_62196_T1 = "IEC_62196_T1", _("Type 1")
    IEC_62196_T1_COMBO = "IEC_62196_T1_COMBO", _("CCS 1")
    NACS = "NACS", _("NACS")
    DOMESTIC_F = "DOMESTIC_F", _("Schuko")
    UNKNOWN = "UNKNOWN", _("Plug unknown")


class PowerType(models.TextChoices):
    AC_1_PHASE = "AC_1_PHASE", _("AC, one phase")
    AC_3_PHASE = "AC_3_PHASE", _("AC, three phases")
    DC = "DC", _("DC")


POWER_GUESSED: Final = 22_000  # W: of a plug that nobody has described; to reckon with, never to be told as a fact


def told_power(plug: str, watts: int) -> int | None:
    """What people are told of a plug's power; None: not known yet. Whoever describes a plug says its power, too."""
    return None if plug == PlugType.UNKNOWN and watts == POWER_GUESSED else watts


class Connector(models.Model):
    """One plug. `code` is what the QR sticker says: /c/<code>."""

    evse = models.ForeignKey(Evse, models.PROTECT, related_name="connectors")
    station = models.ForeignKey(Station, models.PROTECT, related_name="connectors")
    number = models.PositiveSmallIntegerField(_("connector number"), default=1, validators=[MinValueValidator(1)])
    code = models.CharField(_("code"), max_length=12, unique=True, default=connector_code, editable=False)
    plug = models.CharField(_("plug"), max_length=24, choices=PlugType, default=PlugType.UNKNOWN)
    power_type = models.CharField(_("current"), max_length=12, choices=PowerType, default=PowerType.AC_3_PHASE)
    cable = models.BooleanField(_("cable attached"), default=False)
    max_power_w = models.PositiveIntegerField(_("maximum power (W)"), default=POWER_GUESSED)
    status = models.CharField(max_length=16, choices=ConnectorStatus, default=ConnectorStatus.UNKNOWN, editable=False)
    status_at = models.DateTimeField(null=True, editable=False)
    error_code = models.CharField(max_length=64, blank=True, editable=False)
    vendor_error_code = models.CharField(max_length=64, blank=True, editable=False)
    error_info = models.CharField(max_length=255, blank=True, editable=False)
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ("station_id", "evse__number", "number")
        constraints = [models.UniqueConstraint(fields=["evse", "number"], name="connector_number_in_evse")]
        indexes = [models.Index(fields=["status"], name="connectors_by_status")]

    def __str__(self) -> str:
        return f"{self.station} · {self.evse.number}" + (f".{self.number}" if self.number > 1 else "")

    @property
    def told_power_w(self) -> int | None:
        return told_power(self.plug, self.max_power_w)
