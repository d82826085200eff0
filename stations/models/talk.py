"""Links with stations, the commands and every exchange with them, and what stations reported of themselves."""

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from evcms.core import clock
from evcms.core.models import Organization, User
from stations.vocabulary import CommandState, ConnectorStatus, Direction, MessageOutcome, RefusalReason

from .street import Connector, Gateway, Station


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
        indexes = [
            models.Index(fields=["station", "-opened_at"], name="connections_of_station"),
            models.Index(fields=["opened_at"], name="connections_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.station_id} since {self.opened_at:%F %T}"


class StatusChange(models.Model):
    """What was said, one row a change; `connector` null is the whole station. AvailabilityInterval is made of it."""

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
            models.Index(
                fields=["station", "-happened_at"],
                name="status_of_whole_station",
                condition=models.Q(connector__isnull=True),
            ),
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
