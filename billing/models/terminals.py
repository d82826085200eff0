"""Card readers that stand at a station or serve a site."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from billing.vocabulary import ReaderState
from evcms.core import clock
from evcms.core.models import Organization
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
