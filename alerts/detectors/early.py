"""Connectors whose control charts alarm: they work still, but not as they used to."""

from collections.abc import Iterator

from django.utils.translation import gettext as _

from alerts import early_words
from alerts.early import judge
from alerts.models import ConnectorHealth
from alerts.vocabulary import IncidentKind
from stations import places

from .finding import Finding, View


def early_fault(view: View) -> Iterator[Finding]:
    for row in ConnectorHealth.objects.filter(alarmed_at__isnull=False).order_by("pk"):
        place = places.connector_place(row.connector_id)
        station = view.stations.get(place.station_id) if place else None
        if place is None or station is None or row.alarmed_at is None:
            continue
        health = judge.unpack(row.state)
        yield view.at_station(
            IncidentKind.EARLY_FAULT,
            f"early:{row.connector_id}",
            station,
            _("%(what)s %(how)s") % {"what": place.label, "how": early_words.headline(health)},
            judge.begun(health) or row.alarmed_at,
            connector_id=row.connector_id,
        )
