"""What an analysis is asked about: whose network, which days, which site."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self
from zoneinfo import ZoneInfo

from django.db.models import QuerySet

from evcms.core.access import Access
from stations.models import Site
from stations.queries import visible_sites


@dataclass(frozen=True)
class Scope:
    """Whose rows, when ([since, until)), and where; `site` None: all that this person sees."""

    access: Access
    since: datetime
    until: datetime
    site: Site | None = None

    @property
    def zone(self) -> ZoneInfo:
        """The organization's: the same days at every site, so that sites add up."""
        return ZoneInfo(self.access.organization.time_zone)

    @property
    def before(self) -> Self:
        """The period of the same length just before."""
        return replace(self, since=self.since - (self.until - self.since), until=self.since)

    def sites(self) -> QuerySet[Site]:
        """The sites that it is about, the archived ones too: they had days in the period."""
        rows = visible_sites(self.access)
        return rows.filter(pk=self.site.pk) if self.site else rows
