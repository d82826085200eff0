"""When each port could charge a car, why it could not, what excuses that, and the statements made of it."""

import secrets

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from evcms.core import clock
from evcms.core.models import Organization, User
from stations.vocabulary import Cause, ExclusionKind, Formula, PortState

from .maintenance import MaintenanceWindow
from .street import Evse, Site, Station
from .talk import Connection, StatusChange


def public_key() -> str:
    return secrets.token_urlsafe(16)


class Exclusion(models.Model):
    """A time in which an outage counts for nobody, and its proof: a window, a file or an address.

    Of one port, a station, a site or (none of them) the whole network. `NO_DELIVERY` is the other way round: somebody
    proved that a port which said it was well delivered nothing. Rows are voided, never changed: statements name them.
    Those of maintenance windows follow their window.
    """

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="exclusions")
    site = models.ForeignKey(Site, models.CASCADE, null=True, blank=True, related_name="+")
    station = models.ForeignKey(Station, models.CASCADE, null=True, blank=True, related_name="+")
    evse = models.ForeignKey(Evse, models.CASCADE, null=True, blank=True, related_name="+")
    kind = models.CharField(_("kind"), max_length=16, choices=ExclusionKind)
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"))
    reason = models.CharField(_("reason"), max_length=255)
    window = models.OneToOneField(MaintenanceWindow, models.CASCADE, null=True, related_name="exclusion")
    link = models.CharField(_("address of the proof"), max_length=500, blank=True)
    path = models.CharField(max_length=80, blank=True, editable=False)
    file_name = models.CharField(max_length=120, blank=True, editable=False)
    size = models.PositiveIntegerField(default=0, editable=False)
    sha256 = models.CharField(max_length=64, blank=True, editable=False)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=clock.now, editable=False)
    voided_at = models.DateTimeField(null=True, editable=False)
    voided_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    void_reason = models.CharField(max_length=255, blank=True)

    class Meta:
        ordering = ("-starts_at", "-pk")
        constraints = [
            models.CheckConstraint(condition=models.Q(ends_at__gt=models.F("starts_at")), name="exclusion_has_length")
        ]
        indexes = [models.Index(fields=["organization", "ends_at"], name="exclusions_by_end")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.reason}"


class AvailabilityInterval(models.Model):
    """The interval store: the life of a port cut where anything changes, without a hole or an overlap.

    Derived from status changes, links and exclusions by `services.derive_availability`, which gives the same rows
    however often and in whatever order it hears of them. A stretch of outage (`down` or `unknown`) knows the whole
    outage that it belongs to: `outage_since` and, once it is over, `outage_s`. `fault`: here a fault begins;
    `repair`: the outage has had one. `excuses`: kinds of exclusion that cover it, sorted, and `exclusions` their rows.
    """

    evse = models.ForeignKey(Evse, models.CASCADE, related_name="intervals")
    since = models.DateTimeField()
    until = models.DateTimeField(null=True)
    state = models.CharField(max_length=8, choices=PortState)
    cause = models.CharField(max_length=12, choices=Cause, blank=True)
    change = models.ForeignKey(StatusChange, models.SET_NULL, null=True, db_index=False, related_name="+")
    link = models.ForeignKey(Connection, models.SET_NULL, null=True, db_index=False, related_name="+")
    excuses = models.CharField(max_length=120, blank=True)
    exclusions = models.JSONField(default=list)
    outage_since = models.DateTimeField(null=True)
    outage_s = models.PositiveIntegerField(null=True)
    fault = models.BooleanField(default=False)
    repair = models.BooleanField(default=False)

    class Meta:
        ordering = ("evse_id", "since")
        constraints = [
            models.UniqueConstraint(fields=["evse", "since"], name="one_interval_begins"),
            models.UniqueConstraint(fields=["evse"], name="one_open_interval", condition=models.Q(until=None)),
            models.CheckConstraint(
                condition=models.Q(until=None) | models.Q(until__gt=models.F("since")), name="interval_has_length"
            ),
        ]
        indexes = [
            models.Index(fields=["since"], name="outages_by_start", condition=~models.Q(state="up")),
            models.Index(fields=["until"], name="outages_by_end", condition=~models.Q(state="up")),
        ]

    def __str__(self) -> str:
        return f"{self.evse_id} {self.state} since {self.since:%F %T}"


class AvailabilityMark(models.Model):
    """How far the store has followed a station: the last status change and link that it saw.

    `dirty_since`: what lies after it must be derived (anew). `due_at`: then time alone will have changed something.
    """

    station = models.OneToOneField(Station, models.CASCADE, related_name="availability_mark")
    change_id = models.BigIntegerField(default=0)
    link_id = models.BigIntegerField(null=True)
    offline_since = models.DateTimeField(null=True)
    dirty_since = models.DateTimeField(null=True, db_index=True)
    due_at = models.DateTimeField(null=True, db_index=True)

    def __str__(self) -> str:
        return f"{self.station_id}: {self.change_id}"


class AvailabilityProgress(models.Model):
    """One row: up to this status change every station's mark has seen all. See `services.availability`."""

    change_id = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return str(self.change_id)


def default_kinds() -> list[str]:
    return [ExclusionKind.MAINTENANCE.value, ExclusionKind.UTILITY.value, ExclusionKind.VANDALISM.value]


class AvailabilityTerms(models.Model):
    """What a contract says of a site's uptime; without `site`: of all sites that have none of their own."""

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="availability_terms")
    site = models.OneToOneField(Site, models.CASCADE, null=True, blank=True, related_name="availability_terms")
    target_permille = models.PositiveSmallIntegerField(
        _("target (‰)"), default=980, validators=[MaxValueValidator(1000)]
    )
    hours = models.CharField(
        _("hours that count"), max_length=200, blank=True, help_text=_("Mo-Fr 07:00-22:00; empty: all hours")
    )
    offline_counts = models.BooleanField(
        _("without a link counts as out of order"), default=True,
        help_text=_("Nobody can tell then whether it charges."),
    )  # fmt: skip
    kinds = models.JSONField(_("what excuses an outage"), default=default_kinds)
    grace_minutes = models.PositiveSmallIntegerField(
        _("an outage shorter than this does not count (minutes)"), default=0, validators=[MaxValueValidator(1440)]
    )
    cap_minutes = models.PositiveIntegerField(
        _("most that may be excluded, for each port and month (minutes)"), null=True, blank=True,
        validators=[MinValueValidator(0), MaxValueValidator(44_640)], help_text=_("Empty: no limit"),
    )  # fmt: skip
    statements = models.JSONField(_("statements made every month"), default=list)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization"], name="one_default_terms", condition=models.Q(site__isnull=True)
            )
        ]

    def __str__(self) -> str:
        return str(self.site or self.organization)

    @property
    def target_percent(self) -> str:
        return f"{self.target_permille // 10}.{self.target_permille % 10}"

    @property
    def kind_words(self) -> str:
        return ", ".join(str(ExclusionKind(kind).label) for kind in self.kinds)

    @property
    def statement_words(self) -> str:
        return ", ".join(str(Formula(formula).label) for formula in self.statements)


class AvailabilityStatement(models.Model):
    """A month of a site, or of the whole network, by one formula, frozen: `content` is all that its files are made of.

    A correction makes the next `revision`, which names the one that it replaces; nothing here is ever changed but
    `stale`: the store has moved under it and it has to be looked at.
    """

    public_id = models.CharField(max_length=32, unique=True, default=public_key, editable=False)
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="availability_statements")
    site = models.ForeignKey(Site, models.CASCADE, null=True, related_name="availability_statements")
    formula = models.CharField(max_length=8, choices=Formula)
    month = models.DateField(help_text=_("Its first day"))
    since = models.DateTimeField()
    until = models.DateTimeField()
    revision = models.PositiveSmallIntegerField(default=1)
    replaces = models.OneToOneField("self", models.PROTECT, null=True, related_name="replaced_by")
    share = models.PositiveIntegerField(null=True, help_text=_("Hundredths of a percent; null: nothing to count"))
    content = models.JSONField()
    digest = models.CharField(max_length=64)
    made_at = models.DateTimeField(default=clock.now)
    stale = models.BooleanField(default=False)

    class Meta:
        ordering = ("-month", "site__name", "formula", "-revision")
        constraints = [
            models.UniqueConstraint(
                fields=["site", "formula", "month", "revision"], name="one_revision_of_site"
            ),
            models.UniqueConstraint(
                fields=["organization", "formula", "month", "revision"], name="one_revision_of_network",
                condition=models.Q(site__isnull=True),
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.number

    @property
    def number(self) -> str:
        """AV-2026-10-NEVI-12-R2: month, formula, site (0 the network), revision."""
        return f"AV-{self.month:%Y-%m}-{self.formula.upper()}-{self.site_id or 0}-R{self.revision}"
