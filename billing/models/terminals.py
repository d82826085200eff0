"""Card readers that we drive, and what stations' own terminals report."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from billing.vocabulary import ReaderState, ReportOutcome, SettlementStatus
from evcms.core import clock
from evcms.core.models import Organization, User
from stations.models import Site, Station

from .payments import Payment


class CardReader(models.Model):
    """A server-driven reader: we tell it what to ask, the person taps. Bound to one station, or to all of a site."""

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="card_readers")
    label = models.CharField(_("label"), max_length=80)
    provider_id = models.CharField(_("reader id"), max_length=80, unique=True)
    location_id = models.CharField(max_length=80, blank=True)
    site = models.ForeignKey(Site, models.PROTECT, null=True, blank=True, related_name="card_readers")
    station = models.ForeignKey(Station, models.PROTECT, null=True, blank=True, related_name="card_readers")
    state = models.CharField(max_length=10, choices=ReaderState, default=ReaderState.UNKNOWN)
    asking = models.ForeignKey(
        Payment, models.SET_NULL, null=True, related_name="+", help_text=_("The payment that it asks a tap for")
    )
    asked_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(null=True)
    error_text = models.CharField(max_length=255, blank=True)
    due_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=clock.now)
    archived_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.label


class TerminalReport(models.Model):
    """What a station said of its own terminal's money (OCPP 2.1 NotifySettlement, DataTransfer): kept as it was said,
    once, with what came of it. Whatever we could not apply waits for a person.
    """

    station = models.ForeignKey(Station, models.PROTECT, related_name="terminal_reports")
    digest = models.CharField(max_length=64, help_text=_("Of the content: a repeat finds this row"))
    psp_ref = models.CharField(max_length=255)
    transaction_id = models.CharField(max_length=255, blank=True)
    status = models.CharField(max_length=10, choices=SettlementStatus)
    amount = models.CharField(max_length=40, help_text=_("Major units, decimal text"))
    currency = models.CharField(max_length=3, blank=True, help_text=_("Empty: not said"))
    text = models.CharField(max_length=255, blank=True)
    receipt_id = models.CharField(max_length=80, blank=True)
    receipt_url = models.CharField(max_length=600, blank=True)
    vat_number = models.CharField(max_length=40, blank=True)
    company = models.CharField(max_length=120, blank=True)
    said_at = models.DateTimeField()
    received_at = models.DateTimeField(default=clock.now)
    payment = models.ForeignKey(Payment, models.PROTECT, null=True, related_name="reports")
    outcome = models.CharField(max_length=10, choices=ReportOutcome)
    detail = models.CharField(max_length=255, blank=True, help_text=_("Why it was not applied as it stands"))
    seen_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    seen_at = models.DateTimeField(null=True)
    note = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ("-received_at", "-id")
        constraints = [models.UniqueConstraint(fields=["station", "digest"], name="one_terminal_report")]
        indexes = [
            models.Index(fields=["outcome"], condition=models.Q(seen_at=None), name="terminal_reports_unseen"),
        ]

    def __str__(self) -> str:
        return f"{self.psp_ref} {self.status} {self.amount}"
