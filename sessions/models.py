"""Sessions, readings, tokens, drivers, attempts, reservations, hourly rollups, and what did not add up."""

import secrets

from django.db import models
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from evcms.core import clock
from evcms.core.models import Organization, User
from stations.models import Connector, Evse, Site, Station

from .freeby_models import FreeByFit as FreeByFit
from .freeby_models import FreeBySite as FreeBySite
from .rollup_models import AttemptDay as AttemptDay
from .rollup_models import LateHour as LateHour
from .rollup_models import NetworkDay as NetworkDay
from .rollup_models import QueueSign as QueueSign
from .rollup_models import RollupMark as RollupMark
from .rollup_models import SiteDay as SiteDay
from .rollup_models import SiteDemand as SiteDemand
from .rollup_models import SqueezeDay as SqueezeDay
from .rollup_models import UsageDay as UsageDay
from .vocabulary import (
    AttemptKind,
    AttemptStage,
    AttemptState,
    ClosedBy,
    DiscrepancyKind,
    FailureCause,
    Party,
    ReadingKind,
    ReservationState,
    ReviewOutcome,
    SessionState,
    TokenStatus,
    TokenType,
)


def public_id() -> str:
    """128 bits: who knows it may see and stop that one session."""
    return secrets.token_urlsafe(16)


def guest_name(token_value: str) -> str:
    """ "guest …7K2P": whoever paid for one start, by the end of the token that was made for it."""
    return _("guest …%(end)s") % {"end": token_value[-4:]}


class DriverGroup(models.Model):
    """Drivers with something in common: residents, a fleet, staff. Tariffs and ways to pay may hold for a group."""

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="driver_groups")
    name = models.CharField(_("name"), max_length=80)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        ordering = ("name",)
        constraints = [models.UniqueConstraint(fields=["organization", "name"], name="one_group_of_a_name")]

    def __str__(self) -> str:
        return self.name


class Driver(models.Model):
    """Somebody who charges: with an account (user), or a guest known by contact only."""

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="drivers")
    user = models.OneToOneField(User, models.SET_NULL, null=True, blank=True, related_name="driver")
    group = models.ForeignKey(DriverGroup, models.SET_NULL, null=True, blank=True, related_name="drivers")
    name = models.CharField(_("name"), max_length=120, blank=True)
    email = models.EmailField(_("e-mail"), blank=True)
    phone = models.CharField(_("telephone"), max_length=32, blank=True)
    language = models.CharField(_("language"), max_length=8, blank=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    erased_at = models.DateTimeField(null=True, editable=False)

    def __str__(self) -> str:
        return self.name or self.email or _("Guest %(id)s") % {"id": self.pk}


class IdToken(models.Model):
    """An RFID card, app or contract id. Compared without case (OCPP 1.6 CiString20, 2.x identifierString)."""

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="id_tokens")
    value = models.CharField(_("token"), max_length=255, help_text=_("As the card says it"))
    folded = models.CharField(max_length=255, editable=False, help_text=_("Upper case; what is compared"))
    type = models.CharField(_("type"), max_length=20, choices=TokenType, default=TokenType.ISO14443)
    status = models.CharField(_("status"), max_length=12, choices=TokenStatus, default=TokenStatus.ACCEPTED)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    group_id = models.CharField(
        _("group"), max_length=36, blank=True, help_text=_("Cards of one group may stop each other")
    )
    driver = models.ForeignKey(Driver, models.SET_NULL, null=True, blank=True, related_name="id_tokens")
    label = models.CharField(_("label"), max_length=80, blank=True)
    guest = models.BooleanField(default=False, editable=False, help_text=_("Made for one paid start"))
    created_at = models.DateTimeField(default=clock.now, editable=False)
    history = HistoricalRecords()

    class Meta:
        verbose_name = "ID token"
        constraints = [models.UniqueConstraint(fields=["organization", "folded"], name="token_in_organization")]

    def __str__(self) -> str:
        """A guest's value means nothing to people: enough of it to tell two apart."""
        return guest_name(self.value) if self.guest else self.label or self.value


class Attempt(models.Model):
    """One try to charge, from its first sign to a session or a cause of failure.

    `id` is also the remoteStartId, and `token_value` what the station is told to report back. Doors write what they
    see at once; `services.judging` follows at `judge_at`, joins the signs of one try (`part_of` the one that came
    furthest), fills in the stages and names the one cause (`party`, by the rule `rule` of sessions.verdicts).
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="attempts", db_index=False)
    station = models.ForeignKey(Station, models.PROTECT, related_name="attempts", db_index=False)
    connector = models.ForeignKey(Connector, models.PROTECT, null=True, related_name="attempts")
    kind = models.CharField(max_length=8, choices=AttemptKind)
    state = models.CharField(max_length=10, choices=AttemptState, default=AttemptState.REQUESTED)
    cause = models.CharField(max_length=12, choices=FailureCause, blank=True)
    detail = models.CharField(max_length=255, blank=True)
    token_value = models.CharField(max_length=255, blank=True)
    driver = models.ForeignKey(Driver, models.SET_NULL, null=True, related_name="attempts")
    command_id = models.UUIDField(null=True)
    at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField(null=True, help_text=_("A start not seen by then has failed"))
    ended_at = models.DateTimeField(null=True)
    first_at = models.DateTimeField(null=True, help_text=_("First sign: card, payment opened, plug, request"))
    authorized_at = models.DateTimeField(null=True)
    plugged_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    energy_at = models.DateTimeField(null=True)
    stage = models.PositiveSmallIntegerField(choices=AttemptStage, default=AttemptStage.SIGN)
    party = models.CharField(max_length=8, choices=Party, blank=True, help_text=_("The cause of a failed one"))
    rule = models.CharField(max_length=20, blank=True)
    clues = models.CharField(max_length=255, blank=True, help_text=_("All the evidence, in order of precedence"))
    counted = models.BooleanField(default=True, help_text=_("In the success rate"))
    conflicting = models.BooleanField(default=False, help_text=_("Evidence names different causes"))
    decided_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True, help_text=_("A person has named the cause; we leave it"))
    site = models.ForeignKey(Site, models.SET_NULL, null=True, related_name="+", db_index=False)
    model = models.CharField(max_length=64, blank=True, help_text=_("The station's at that time"))
    firmware = models.CharField(max_length=64, blank=True)
    part_of = models.ForeignKey("self", models.SET_NULL, null=True, related_name="parts", db_index=False)
    judge_at = models.DateTimeField(null=True, default=clock.now, help_text=_("When to look at it next"))
    judged_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["station", "-at"], name="attempts_of_station"),
            models.Index(fields=["token_value"], opclasses=["varchar_pattern_ops"], name="attempts_by_card"),
            models.Index(fields=["expires_at"], condition=models.Q(state="requested"), name="attempts_open"),
            models.Index(fields=["at"], condition=models.Q(state="failed"), name="attempts_failed"),
            models.Index(
                fields=["station", "-at"], condition=models.Q(command_id__isnull=False), name="attempts_remote"
            ),
            models.Index(
                fields=["organization", "at", "part_of", "state", "stage", "party", "counted", "site"],
                name="attempts_funnel",
            ),
            models.Index(fields=["judge_at"], condition=models.Q(judge_at__isnull=False), name="attempts_to_judge"),
            models.Index(fields=["part_of"], condition=models.Q(part_of__isnull=False), name="attempts_parts"),
            models.Index(fields=["site", "at"], name="attempts_of_site"),
            models.Index(
                fields=["organization", "at"],
                condition=models.Q(state__in=("requested", "started")),
                name="attempts_under_way",
            ),
            models.Index(
                fields=["organization", "at"],
                condition=models.Q(conflicting=True, decided_at=None, part_of=None),
                name="attempts_conflicting",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.state} {self.at:%F %T}"


class AcceptedTap(models.Model):
    """A card that a station was told to accept: waits for its start, then goes into an attempt. Lives for minutes."""

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="+", db_index=False)
    station = models.ForeignKey(Station, models.CASCADE, related_name="+", db_index=False)
    token_value = models.CharField(max_length=255)
    at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.station_id} {self.at:%F %T}"


class Watermark(models.Model):
    """How far a follower of other rows has read. Whoever works holds its lock, so there is one at a time."""

    name = models.CharField(max_length=80, primary_key=True)
    position = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.name}: {self.position}"


class ChargingSession(models.Model):
    """One charging session, which stations call a transaction: unique by (station, transaction_id), not by the id."""

    public_id = models.CharField(max_length=32, unique=True, default=public_id, editable=False)
    organization = models.ForeignKey(Organization, models.PROTECT, related_name="sessions", db_index=False)
    site = models.ForeignKey(Site, models.PROTECT, null=True, related_name="sessions")
    station = models.ForeignKey(Station, models.PROTECT, related_name="sessions", db_index=False)
    evse = models.ForeignKey(Evse, models.PROTECT, null=True, related_name="sessions")
    connector = models.ForeignKey(Connector, models.PROTECT, null=True, related_name="sessions")
    transaction_id = models.CharField(max_length=40)
    start_key = models.CharField(
        max_length=64, null=True, help_text=_("1.6: digest of the start's content, so that a repeat finds this row")
    )
    protocol = models.CharField(max_length=10)
    state = models.CharField(max_length=16, choices=SessionState, default=SessionState.PREPARING)
    attempt = models.OneToOneField(Attempt, models.SET_NULL, null=True, related_name="session")
    id_token = models.ForeignKey(IdToken, models.SET_NULL, null=True, related_name="sessions")
    token_value = models.CharField(max_length=255, blank=True, help_text=_("As the station reported it"))
    driver = models.ForeignKey(Driver, models.SET_NULL, null=True, related_name="sessions")
    authorized = models.BooleanField(default=False, help_text=_("False: energy flowed without an accepted token"))
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    start_received_at = models.DateTimeField(default=clock.now)
    end_received_at = models.DateTimeField(null=True)
    meter_start_mwh = models.BigIntegerField(null=True)
    meter_last_mwh = models.BigIntegerField(null=True)
    energy_mwh = models.BigIntegerField(default=0)
    power_w = models.IntegerField(null=True, help_text=_("Last reported"))
    max_power_w = models.IntegerField(null=True)
    soc_percent = models.SmallIntegerField(null=True)
    last_sample_at = models.DateTimeField(null=True)
    last_seq_no = models.IntegerField(null=True)
    missing_seq = models.JSONField(default=list, help_text=_("2.x: numbers of events that have not come yet"))
    last_event_at = models.DateTimeField(null=True, help_text=_("Newest moment that the station spoke of"))
    meter_stop_mwh = models.BigIntegerField(null=True, help_text=_("As the station said it at the end"))
    meter_last_at = models.DateTimeField(null=True, help_text=_("When meter_last_mwh was read"))
    power_limit_w = models.PositiveIntegerField(default=0, help_text=_("What the connector can deliver; 0: unknown"))
    clock_offset_ms = models.BigIntegerField(
        default=0, help_text=_("Station clock minus ours at the start, when it was wrong; already taken off all times")
    )
    watch_mwh = models.BigIntegerField(null=True, help_text=_("The lowest open watch, so that readings need not look"))
    charging_seconds = models.IntegerField(default=0, help_text=_("Time with energy flowing, known at the end"))
    stop_reason = models.CharField(max_length=64, blank=True, help_text=_("The station's word, verbatim"))
    stop_token_value = models.CharField(max_length=255, blank=True)
    closed_by = models.CharField(max_length=10, choices=ClosedBy, blank=True)
    estimated = models.BooleanField(default=False, help_text=_("Ended without the station's word: last known meter"))
    incomplete = models.BooleanField(default=False, help_text=_("Events are missing"))
    replayed = models.BooleanField(default=False, help_text=_("Reported after the fact from an offline buffer"))

    class Meta:
        ordering = ("-started_at", "-id")
        constraints = [
            models.UniqueConstraint(fields=["station", "transaction_id"], name="transaction_of_station"),
            models.UniqueConstraint(fields=["station", "start_key"], name="start_of_station"),
        ]
        indexes = [
            models.Index(fields=["organization", "-started_at"], name="sessions_of_organization"),
            models.Index(
                fields=["organization", "ended_at"], condition=models.Q(ended_at__isnull=False), name="sessions_by_end"
            ),
            models.Index(fields=["station", "-started_at"], name="sessions_of_station"),
            models.Index(Upper("transaction_id"), name="sessions_by_transaction"),
            models.Index(fields=["token_value"], opclasses=["varchar_pattern_ops"], name="sessions_by_card"),
            models.Index(fields=["connector"], condition=models.Q(ended_at=None), name="sessions_running"),
            models.Index(fields=["evse"], condition=models.Q(ended_at=None), name="sessions_running_at_evse"),
            models.Index(fields=["end_received_at"], condition=models.Q(incomplete=True), name="sessions_incomplete"),
        ]

    def __str__(self) -> str:
        return f"{self.station} {self.started_at:%F %T} UTC"


class MeterSample(models.Model):
    """One moment's readings in their final, compact shape. `session` null: a site meter, or an unknown transaction."""

    session = models.ForeignKey(ChargingSession, models.CASCADE, null=True, related_name="samples", db_index=False)
    station = models.ForeignKey(Station, models.CASCADE, related_name="samples", db_index=False)
    evse_number = models.PositiveSmallIntegerField(default=0)
    kind = models.PositiveSmallIntegerField(choices=ReadingKind, default=ReadingKind.PERIODIC)
    at = models.DateTimeField()
    received_at = models.DateTimeField()
    energy_mwh = models.BigIntegerField(null=True)
    power_w = models.IntegerField(null=True)
    offered_w = models.IntegerField(null=True)
    current_ma = models.IntegerField(null=True)
    voltage_mv = models.IntegerField(null=True)
    soc_percent = models.SmallIntegerField(null=True)
    extra = models.JSONField(null=True, help_text=_("Phases, other measurands, signed values, refused values"))
    quarantined = models.BooleanField(default=False, help_text=_("Implausible: kept, not counted"))

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["session", "at", "kind"], condition=models.Q(session__isnull=False), name="one_sample"
            ),
            models.UniqueConstraint(
                fields=["station", "evse_number", "at", "kind"],
                condition=models.Q(session=None),
                name="one_site_sample",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.session_id} {self.at:%F %T}"


class SessionWatch(models.Model):
    """A threshold that an upper app left on a session; crossing it publishes SessionReached once."""

    session = models.ForeignKey(ChargingSession, models.CASCADE, related_name="watches")
    reason = models.CharField(max_length=40)
    at_mwh = models.BigIntegerField(null=True)
    at = models.DateTimeField(null=True)
    reached_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "session watches"
        constraints = [models.UniqueConstraint(fields=["session", "reason"], name="one_watch_per_reason")]
        indexes = [models.Index(fields=["at"], condition=models.Q(reached_at=None), name="watches_by_time")]

    def __str__(self) -> str:
        return f"{self.reason} on {self.session_id}"


class Reservation(models.Model):
    """A connector, EVSE or station kept free for a token. `id` is the reservationId on the wire."""

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="reservations")
    station = models.ForeignKey(Station, models.PROTECT, related_name="reservations")
    connector = models.ForeignKey(Connector, models.PROTECT, null=True, blank=True, related_name="reservations")
    token_value = models.CharField(_("token"), max_length=255)
    group_id = models.CharField(_("group"), max_length=36, blank=True)
    expires_at = models.DateTimeField(_("until"))
    state = models.CharField(max_length=10, choices=ReservationState, default=ReservationState.REQUESTED)
    detail = models.CharField(max_length=64, blank=True, help_text=_("The station's word, verbatim"))
    command_id = models.UUIDField(null=True)
    created_at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return f"{self.token_value} at {self.station} until {self.expires_at:%F %T} UTC"


class UsageHour(models.Model):
    """Rollup by EVSE and hour (UTC), kept as sessions are written; a correction adds its difference."""

    evse = models.ForeignKey(Evse, models.CASCADE, related_name="usage_hours", db_index=False)
    hour = models.DateTimeField()
    energy_mwh = models.BigIntegerField(default=0)
    sessions_started = models.PositiveIntegerField(default=0)
    charging_seconds = models.PositiveIntegerField(default=0)
    occupied_seconds = models.PositiveIntegerField(default=0)
    max_power_w = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["evse", "hour"], name="one_usage_hour")]
        indexes = [models.Index(fields=["hour"], name="usage_by_hour")]

    def __str__(self) -> str:
        return f"{self.evse_id} {self.hour:%F %H}"


class Discrepancy(models.Model):
    """Something a station said that does not add up: kept raw, shown, never applied to another session."""

    station = models.ForeignKey(Station, models.CASCADE, related_name="discrepancies")
    session = models.ForeignKey(ChargingSession, models.CASCADE, null=True, related_name="discrepancies")
    kind = models.CharField(max_length=20, choices=DiscrepancyKind)
    detail = models.JSONField(default=dict)
    at = models.DateTimeField(default=clock.now)
    resolved_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=10, choices=ReviewOutcome, blank=True)
    resolved_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    note = models.CharField(max_length=255, blank=True, help_text=_("Why it was decided so"))

    class Meta:
        verbose_name_plural = "discrepancies"
        ordering = ("-at",)
        indexes = [
            models.Index(fields=["-at"], condition=models.Q(resolved_at=None), name="discrepancies_open"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} at {self.station_id}"
