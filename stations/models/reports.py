"""What stations report of themselves: security events, firmware, logs, events and monitors. Words: stations.reports."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from evcms.core import clock
from evcms.core.models import Organization, User
from stations.reports import (
    EventTrigger,
    FirmwareKind,
    FirmwareState,
    LogKind,
    LogState,
    MonitorSeverity,
    MonitorType,
)

from .street import Station
from .talk import Command


class SecurityEvent(models.Model):
    """SecurityEventNotification, once however often it is said. Kept for RETENTION_REPORTS_DAYS."""

    station = models.ForeignKey(Station, models.CASCADE, related_name="security_events")
    type = models.CharField(_("event"), max_length=50, help_text=_("The specification's word, or the vendor's"))
    critical = models.BooleanField(_("critical"), help_text=_("By the specification's list"))
    tech_info = models.CharField(_("details"), max_length=255, blank=True)
    at = models.DateTimeField(help_text=_("By the station's clock"))
    happened_at = models.DateTimeField(help_text=_("By our clock: corrected by the station's skew"))
    received_at = models.DateTimeField()

    class Meta:
        ordering = ("-happened_at", "-pk")
        constraints = [
            models.UniqueConstraint(fields=["station", "type", "at", "tech_info"], name="one_security_event")
        ]
        indexes = [
            models.Index(fields=["station", "-happened_at"], name="security_of_station"),
            models.Index(fields=["received_at"], name="security_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.type} at {self.at:%F %T}"


class FirmwareFile(models.Model):
    """A firmware that stations are given: uploaded here (`path`, under FILES_DIR) or lying elsewhere (`url`)."""

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="firmware_files")
    name = models.CharField(_("name"), max_length=120)
    version = models.CharField(_("version"), max_length=64, help_text=_("As the station reports it when it runs"))
    vendor = models.CharField(_("for vendor"), max_length=64, blank=True)
    model = models.CharField(_("for model"), max_length=64, blank=True)
    url = models.CharField(_("address"), max_length=512, blank=True)
    path = models.CharField(max_length=200, blank=True, editable=False)
    file_name = models.CharField(max_length=120, blank=True, editable=False)
    size = models.PositiveBigIntegerField(null=True, editable=False, help_text=_("Bytes"))
    sha256 = models.CharField(max_length=64, blank=True, editable=False)
    md5 = models.CharField(max_length=32, blank=True, help_text=_("PublishFirmware wants this one"))
    signature = models.CharField(_("signature"), max_length=800, blank=True)
    certificate = models.TextField(_("signing certificate"), max_length=5500, blank=True)
    token = models.CharField(max_length=64, unique=True, editable=False, help_text=_("Of the link for stations"))
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+", editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    archived_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ("-created_at", "-pk")

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


class FirmwareUpdate(models.Model):
    """One update of one station. Without `command` the station began it by itself. Moves: FIRMWARE_MOVES."""

    station = models.ForeignKey(Station, models.CASCADE, related_name="firmware_updates")
    kind = models.CharField(max_length=8, choices=FirmwareKind, default=FirmwareKind.UPDATE)
    file = models.ForeignKey(FirmwareFile, models.SET_NULL, null=True, related_name="updates")
    command = models.OneToOneField(Command, models.SET_NULL, null=True, related_name="firmware_update")
    request_id = models.PositiveIntegerField(null=True, help_text=_("Null: plain OCPP 1.6 has none"))
    version = models.CharField(max_length=64, blank=True, help_text=_("The one wanted, when it is known"))
    version_before = models.CharField(max_length=64, blank=True)
    location = models.CharField(max_length=2000, blank=True)
    signed = models.BooleanField(default=False)
    requested_at = models.DateTimeField(default=clock.now)
    retrieve_at = models.DateTimeField(null=True)
    install_at = models.DateTimeField(null=True)
    state = models.CharField(max_length=12, choices=FirmwareState, default=FirmwareState.REQUESTED)
    last_status = models.CharField(max_length=64, blank=True, help_text=_("The station's word, verbatim"))
    info = models.CharField(max_length=255, blank=True)
    status_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-requested_at", "-pk")
        indexes = [
            models.Index(fields=["station", "-requested_at"], name="firmware_of_station"),
            models.Index(fields=["requested_at"], condition=models.Q(ended_at=None), name="firmware_open"),
        ]

    def __str__(self) -> str:
        return f"{self.version or self.location or self.kind}: {self.state}"


class LogUpload(models.Model):
    """A file that we asked a station for. `path`: it came to our own door. Moves: LOG_MOVES."""

    station = models.ForeignKey(Station, models.CASCADE, related_name="log_uploads")
    kind = models.CharField(max_length=16, choices=LogKind, default=LogKind.DIAGNOSTICS)
    command = models.OneToOneField(Command, models.SET_NULL, null=True, related_name="log_upload")
    request_id = models.PositiveIntegerField(null=True, help_text=_("Null: OCPP 1.6 GetDiagnostics has none"))
    location = models.CharField(max_length=2000, blank=True)
    token_digest = models.CharField(max_length=64, blank=True, db_index=True, help_text=_("SHA-256; empty: used up"))
    expires_at = models.DateTimeField(null=True, help_text=_("The door is open until then"))
    oldest = models.DateTimeField(null=True)
    latest = models.DateTimeField(null=True)
    requested_at = models.DateTimeField(default=clock.now)
    state = models.CharField(max_length=12, choices=LogState, default=LogState.REQUESTED)
    last_status = models.CharField(max_length=64, blank=True, help_text=_("The station's word, verbatim"))
    info = models.CharField(max_length=255, blank=True)
    status_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    file_name = models.CharField(max_length=255, blank=True, help_text=_("As the station calls it"))
    path = models.CharField(max_length=200, blank=True, help_text=_("Under FILES_DIR"))
    size = models.PositiveBigIntegerField(null=True, help_text=_("Bytes"))
    sha256 = models.CharField(max_length=64, blank=True)
    stored_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-requested_at", "-pk")
        indexes = [
            models.Index(fields=["station", "-requested_at"], name="logs_of_station"),
            models.Index(fields=["requested_at"], condition=models.Q(ended_at=None), name="logs_open"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.station_id}: {self.state}"


class StationEvent(models.Model):
    """One datum of NotifyEvent (2.x). `severity` 0 is the worst, 9 the least; null: no monitor said it."""

    station = models.ForeignKey(Station, models.CASCADE, related_name="events")
    event_id = models.BigIntegerField()
    component = models.CharField(max_length=50)
    component_instance = models.CharField(max_length=50, blank=True)
    variable = models.CharField(max_length=50)
    variable_instance = models.CharField(max_length=50, blank=True)
    evse = models.PositiveSmallIntegerField(default=0, help_text=_("0: of the station"))
    connector = models.PositiveSmallIntegerField(default=0, help_text=_("0: of the EVSE or the station"))
    value = models.CharField(max_length=2500, blank=True)
    trigger = models.CharField(max_length=10, choices=EventTrigger)
    notification = models.CharField(max_length=24, blank=True)
    cause = models.BigIntegerField(null=True, help_text=_("event_id of what it follows from"))
    monitor_id = models.BigIntegerField(null=True)
    severity = models.PositiveSmallIntegerField(null=True, choices=MonitorSeverity)
    cleared = models.BooleanField(default=False)
    standing = models.BooleanField(default=False, help_text=_("An alarm that the station has not taken back"))
    tech_code = models.CharField(max_length=50, blank=True)
    tech_info = models.CharField(max_length=500, blank=True)
    transaction = models.CharField(max_length=36, blank=True)
    at = models.DateTimeField(help_text=_("By the station's clock"))
    happened_at = models.DateTimeField(help_text=_("By our clock: corrected by the station's skew"))
    received_at = models.DateTimeField()

    class Meta:
        ordering = ("-happened_at", "-pk")
        constraints = [
            models.UniqueConstraint(
                fields=[
                    "station", "event_id", "at", "component", "component_instance", "variable", "variable_instance",
                    "evse", "connector", "cleared",
                ],
                name="one_station_event",
            )
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["station", "-happened_at"], name="events_of_station"),
            models.Index(fields=["received_at"], name="events_by_age"),
            models.Index(fields=["station"], condition=models.Q(standing=True), name="alarms_standing"),
        ]

    def __str__(self) -> str:
        return f"{self.component}.{self.variable} = {self.value[:40]}"

    @property
    def subject(self) -> str:
        """ "Connector/left:2:1.Temperature": the same for an alarm and its end."""

        def part(name: str, instance: str) -> str:
            return f"{name}/{instance}" if instance else name

        where = f":{self.evse}" if self.evse else ""
        where += f":{self.connector}" if self.evse and self.connector else ""
        named = part(self.component, self.component_instance)
        return f"{named}{where}.{part(self.variable, self.variable_instance)}"


class Monitor(models.Model):
    """What a 2.x station watches of itself, as last reported or as it took it from us."""

    station = models.ForeignKey(Station, models.CASCADE, related_name="monitors")
    monitor_id = models.BigIntegerField()
    component = models.CharField(max_length=50)
    component_instance = models.CharField(max_length=50, blank=True)
    variable = models.CharField(max_length=50)
    variable_instance = models.CharField(max_length=50, blank=True)
    evse = models.PositiveSmallIntegerField(default=0)
    connector = models.PositiveSmallIntegerField(default=0)
    type = models.CharField(max_length=12, choices=MonitorType)
    value = models.CharField(max_length=40, help_text=_("Decimal text; seconds for what comes at its time"))
    severity = models.PositiveSmallIntegerField(choices=MonitorSeverity)
    transaction = models.BooleanField(default=False, help_text=_("Only while a session runs"))
    notification = models.CharField(max_length=24, blank=True)
    stream_id = models.BigIntegerField(null=True, help_text=_("2.1: of the stream that carries its values"))
    report_id = models.BigIntegerField(null=True, help_text=_("Of the report that last named it"))
    updated_at = models.DateTimeField(default=clock.now)

    class Meta:
        ordering = ("component", "variable", "monitor_id")
        constraints = [models.UniqueConstraint(fields=["station", "monitor_id"], name="one_monitor")]

    def __str__(self) -> str:
        return f"{self.component}.{self.variable} {self.type} {self.value}"
