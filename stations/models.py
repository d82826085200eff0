"""Sites, stations and their connectors; the links, the commands and every exchange with them."""

import secrets
import uuid
from datetime import datetime

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from evcms.core import clock
from evcms.core.models import Membership, Organization, User

from .vocabulary import (
    Approval,
    CommandState,
    ConnectorStatus,
    Direction,
    MessageOutcome,
    RefusalReason,
    SecurityProfile,
)

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
    access_notes = models.TextField(_("how to find it"), blank=True)
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


class Connector(models.Model):
    """One plug. `code` is what the QR sticker says: /c/<code>."""

    evse = models.ForeignKey(Evse, models.PROTECT, related_name="connectors")
    station = models.ForeignKey(Station, models.PROTECT, related_name="connectors")
    number = models.PositiveSmallIntegerField(_("connector number"), default=1, validators=[MinValueValidator(1)])
    code = models.CharField(_("code"), max_length=12, unique=True, default=connector_code, editable=False)
    plug = models.CharField(_("plug"), max_length=24, choices=PlugType, default=PlugType.UNKNOWN)
    power_type = models.CharField(_("current"), max_length=12, choices=PowerType, default=PowerType.AC_3_PHASE)
    cable = models.BooleanField(_("cable attached"), default=False)
    max_power_w = models.PositiveIntegerField(_("maximum power (W)"), default=22_000)
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


class Connection(models.Model):
    """One WebSocket of one station, on one gateway. Open while `closed_at` is null *and* the gateway's lease lives."""

    station = models.ForeignKey(Station, models.CASCADE, related_name="connections")
    gateway = models.ForeignKey(Gateway, models.PROTECT, related_name="connections")
    opened_at = models.DateTimeField(default=clock.now)
    closed_at = models.DateTimeField(null=True)
    close_reason = models.CharField(max_length=120, blank=True)
    protocol = models.CharField(max_length=10)
    address = models.GenericIPAddressField(null=True)

    class Meta:
        indexes = [models.Index(fields=["station", "-opened_at"], name="connections_of_station")]

    def __str__(self) -> str:
        return f"{self.station_id} since {self.opened_at:%F %T}"


class StatusChange(models.Model):
    """The interval store of availability: one row a change; `connector` null is the whole station."""

    station = models.ForeignKey(Station, models.CASCADE, related_name="status_changes")
    connector = models.ForeignKey(Connector, models.CASCADE, null=True, related_name="status_changes")
    status = models.CharField(max_length=16, choices=ConnectorStatus)
    error_code = models.CharField(max_length=64, blank=True)
    vendor_error_code = models.CharField(max_length=64, blank=True)
    info = models.CharField(max_length=255, blank=True)
    at = models.DateTimeField(help_text=_("By the station's clock when it gave one"))
    happened_at = models.DateTimeField(
        default=clock.now, help_text=_("By our clock: corrected by the station's skew, never after reception")
    )
    received_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["connector", "at", "status", "error_code"],
                name="one_status_change",
                condition=models.Q(connector__isnull=False),
            ),
            models.UniqueConstraint(
                fields=["station", "at", "status", "error_code"],
                name="one_station_status_change",
                condition=models.Q(connector__isnull=True),
            ),
        ]
        indexes = [
            models.Index(fields=["connector", "-happened_at"], name="status_of_connector"),
            models.Index(fields=["station", "-happened_at"], name="status_of_station"),
        ]

    def __str__(self) -> str:
        return f"{self.status} at {self.at:%F %T}"


class Command(models.Model):
    """Something we want a station to do, and what became of it. `kind` is a class of stations.commands."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    station = models.ForeignKey(Station, models.CASCADE, related_name="commands")
    kind = models.CharField(max_length=32)
    fields = models.JSONField(default=dict)
    state = models.CharField(max_length=12, choices=CommandState, default=CommandState.QUEUED)
    origin = models.CharField(
        max_length=160, help_text=_("Who asked: a person, an API token, 'payment', 'budget guard' …")
    )
    user = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField(help_text=_("Not sent or not answered by then: offline or timeout"))
    sent_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)
    answer_status = models.CharField(max_length=64, blank=True, help_text=_("The station's word, verbatim"))
    answer = models.JSONField(null=True, help_text=_("The station's whole answer, verbatim"))
    error = models.CharField(max_length=255, blank=True)
    remote_start_id = models.PositiveIntegerField(null=True, db_index=True)

    class Meta:
        ordering = ("-created_at",)
        indexes = [
            models.Index(fields=["station", "-created_at"], name="commands_of_station"),
            models.Index(fields=["expires_at"], condition=models.Q(state__in=["queued", "sent"]), name="commands_open"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} → {self.station_id}: {self.state}"


class OcppMessage(models.Model):
    """One exchange with a station: the CALL and what it got. Kept for RETENTION_MESSAGES_DAYS."""

    station = models.ForeignKey(Station, models.CASCADE, related_name="messages", db_constraint=False, db_index=False)
    direction = models.CharField(max_length=3, choices=Direction)
    action = models.CharField(max_length=64, blank=True)
    message_id = models.CharField(max_length=64, blank=True)
    request = models.TextField(blank=True, help_text=_("Payload as JSON text; a malformed frame as it came, cut"))
    answer = models.TextField(blank=True)
    outcome = models.CharField(max_length=8, choices=MessageOutcome)
    error_code = models.CharField(max_length=64, blank=True)
    at = models.DateTimeField()
    duration_us = models.PositiveIntegerField(null=True, help_text=_("From frame read to answer decided"))
    count = models.PositiveIntegerField(default=1, help_text=_("Heartbeats are logged as one row with a count"))
    command = models.ForeignKey(
        Command, models.SET_NULL, null=True, related_name="messages", db_constraint=False, db_index=False
    )

    class Meta:
        indexes = [
            models.Index(fields=["station", "-at"], name="messages_of_station"),
            models.Index(fields=["command"], condition=models.Q(command__isnull=False), name="messages_of_command"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.outcome} {self.at:%F %T}"


class Variable(models.Model):
    """A configuration key (1.6: component '') or device-model variable as last reported."""

    station = models.ForeignKey(Station, models.CASCADE, related_name="variables")
    component = models.CharField(max_length=50, blank=True)
    component_instance = models.CharField(max_length=50, blank=True)
    evse = models.PositiveSmallIntegerField(default=0, help_text=_("0: of the station"))
    connector = models.PositiveSmallIntegerField(default=0, help_text=_("0: of the EVSE or the station"))
    variable = models.CharField(max_length=50)
    variable_instance = models.CharField(max_length=50, blank=True)
    attribute = models.CharField(max_length=10, default="Actual")
    value = models.CharField(max_length=2500, null=True)
    mutability = models.CharField(max_length=12, blank=True)
    data_type = models.CharField(max_length=16, blank=True)
    unit = models.CharField(max_length=16, blank=True)
    updated_at = models.DateTimeField()

    class Meta:
        ordering = ("component", "component_instance", "variable", "variable_instance")
        constraints = [
            models.UniqueConstraint(
                fields=[
                    "station",
                    "component",
                    "component_instance",
                    "evse",
                    "connector",
                    "variable",
                    "variable_instance",
                    "attribute",
                ],
                name="one_variable",
            )
        ]

    def __str__(self) -> str:
        return f"{self.component}.{self.variable}" if self.component else self.variable


class DynamicQr(models.Model):
    """What a station makes its dynamic QR codes from (OCPP 2.1, C25), as we set it. No page shows the secret."""

    station = models.OneToOneField(Station, models.CASCADE, related_name="dynamic_qr")
    secret = models.CharField(max_length=64)
    former = models.CharField(max_length=64, blank=True, help_text=_("The secret before, good for some minutes more"))
    validity = models.PositiveSmallIntegerField(help_text=_("Seconds that one code is shown"))
    length = models.PositiveSmallIntegerField(help_text=_("Characters of a code's token"))
    changed_at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return f"{self.station_id} since {self.changed_at:%F %T}"


class RefusedHandshake(models.Model):
    """A charger that we did not let in, and why. Repeats within an hour raise `count` and `last_at`."""

    identity = models.CharField(max_length=200)
    station = models.ForeignKey(Station, models.CASCADE, null=True, related_name="refused_handshakes")
    organization = models.ForeignKey(Organization, models.CASCADE, null=True, related_name="+")
    reason = models.CharField(max_length=24, choices=RefusalReason)
    detail = models.CharField(max_length=255, blank=True)
    offered = models.CharField(_("subprotocols offered"), max_length=200, blank=True)
    address = models.GenericIPAddressField(null=True)
    first_at = models.DateTimeField(default=clock.now)
    last_at = models.DateTimeField(default=clock.now, db_index=True)
    count = models.PositiveIntegerField(default=1)

    def __str__(self) -> str:
        return f"{self.identity}: {self.reason}"


class WindowState(models.TextChoices):
    PLANNED = "planned", _("planned")
    RUNNING = "running", _("running")
    ENDED = "ended", _("ended")
    CANCELLED = "cancelled", _("cancelled")


class MaintenanceWindow(models.Model):
    """Planned work on a station, a site, or (neither) the whole organization."""

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="maintenance_windows")
    site = models.ForeignKey(Site, models.CASCADE, null=True, blank=True, related_name="maintenance_windows")
    station = models.ForeignKey(Station, models.CASCADE, null=True, blank=True, related_name="maintenance_windows")
    title = models.CharField(_("what is done"), max_length=160)
    note = models.TextField(_("note for drivers"), blank=True)
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"))
    state = models.CharField(max_length=10, choices=WindowState, default=WindowState.PLANNED)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        ordering = ("starts_at",)
        constraints = [
            models.CheckConstraint(condition=models.Q(ends_at__gt=models.F("starts_at")), name="window_has_length")
        ]

    def __str__(self) -> str:
        return self.title

    def covers(self, moment: datetime) -> bool:
        return self.state in (WindowState.PLANNED, WindowState.RUNNING) and self.starts_at <= moment < self.ends_at
