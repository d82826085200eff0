"""What hangs on sites that are to go: said before anybody archives them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import ngettext

from alerts.models import Subscription
from billing.models import TariffAssignment
from evcms.core import clock
from evcms.core.access import Access
from stations import queries as stations
from stations.models import Site, Station, WindowState


@dataclass(frozen=True)
class Leaving:
    """A site that somebody chose. With `stations` it stays: they are moved or archived first."""

    site: Site
    stations: int
    tariffs: int
    windows: int
    drivers: int

    @property
    def touched(self) -> list[str]:
        """What loses its place with it, in words."""
        told = (
            (self.tariffs, ngettext("%(n)d price holds there", "%(n)d prices hold there", self.tariffs)),
            (self.windows, ngettext("%(n)d maintenance window", "%(n)d maintenance windows", self.windows)),
            (self.drivers, ngettext("%(n)d driver asked to hear", "%(n)d drivers asked to hear", self.drivers)),
        )
        return [text % {"n": number} for number, text in told if number]


def leaving(access: Access, sites: Sequence[Site]) -> list[Leaving]:
    """Four queries, however many sites."""
    keys, now = [site.pk for site in sites], clock.now()
    standing = _by_site(Station.objects.filter(archived_at=None), keys)
    valid = Q(valid_until=None) | Q(valid_until__gt=now)
    tariffs = _by_site(TariffAssignment.objects.filter(valid, tariff__archived_at=None, station=None), keys)
    ahead = (WindowState.PLANNED, WindowState.RUNNING)
    windows = _by_site(stations.windows(access).filter(state__in=ahead, ends_at__gt=now), keys)
    drivers = _by_site(Subscription.objects.filter(ended_at=None).exclude(confirmed_at=None), keys)
    return [Leaving(site, standing[site.pk], tariffs[site.pk], windows[site.pk], drivers[site.pk]) for site in sites]


def _by_site(rows: QuerySet[Any], keys: list[int]) -> Counter[int]:
    """Any: rows of one of four models."""
    return Counter(rows.filter(site__in=keys).order_by().values_list("site", flat=True))
