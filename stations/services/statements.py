"""A month's availability, frozen: made once, made again when the store moved under it, never changed."""

import hashlib
import json
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from evcms.core import audit, clock
from evcms.core.access import Access, Permission
from evcms.core.models import Organization
from stations import statement_content
from stations.models import AvailabilityInterval, AvailabilityStatement, AvailabilityTerms, Site
from stations.vocabulary import Formula

from .maintenance import must_see

SETTLES: Final = timedelta(days=1)  # after the month, for the clockwork: stations come back late


def make_statement(
    *, access: Access, site: Site | None, formula: str, month: date
) -> tuple[AvailabilityStatement, bool]:
    """Of a site, or (None) the whole network; and whether it is new. Raises PermissionDenied, ValidationError."""
    access.demand(Permission.INCIDENTS)
    must_see(access, site, None)
    if formula not in Formula.values:
        raise ValidationError({"formula": [_("There is no such formula.")]})
    if period(access.organization, month)[1] > clock.now():
        raise ValidationError({"month": [_("This month is not over.")]})
    if not _measured(access.organization, site, month):
        raise ValidationError({"month": [_("Nothing was measured in this month: there is nothing to state.")]})
    row, new = _make(access.organization, site, formula, month.replace(day=1))
    if new:
        audit.record(access, "availability_statement.made", row, share=row.share, revision=row.revision)
    return row, new


def _measured(organization: Organization, site: Site | None, month: date) -> bool:
    """Did a port of it stand in the street then, as far as anybody heard?"""
    since, until = period(organization, month)
    rows = AvailabilityInterval.objects.filter(Q(until=None) | Q(until__gt=since), since__lt=until)
    place = {"evse__station__site": site} if site else {"evse__station__organization": organization}
    return rows.filter(**place).exists()


def make_statements(*, most: int = 200) -> int:
    """The past month's, as contracts wish, and new revisions of those that moved; returns how many are new."""
    made = 0
    stale = AvailabilityStatement.objects.filter(stale=True, replaced_by=None).order_by("pk")
    for row in stale.select_related("organization", "site")[:most]:
        made += _make(row.organization, row.site, row.formula, row.month)[1]
    for organization in Organization.objects.filter(availability_terms__isnull=False).distinct().order_by("pk"):
        made += _make_missing(organization, most - made)
    return made


def _make_missing(organization: Organization, most: int) -> int:
    now = clock.now() - SETTLES
    month = (now.astimezone(ZoneInfo(organization.time_zone)).date().replace(day=1) - timedelta(days=1)).replace(day=1)
    rows = list(AvailabilityTerms.objects.filter(organization=organization))
    usual = next((row for row in rows if row.site_id is None), None)
    terms = {row.site_id: row for row in rows if row.site_id is not None}
    made = 0
    for formula in Formula.values:
        own = [site for site, row in terms.items() if formula in row.statements]
        there = AvailabilityStatement.objects.filter(organization=organization, formula=formula, month=month)
        sites = Site.objects.filter(organization=organization, archived_at=None)
        wanted = sites.filter(pk__in=own)
        if usual and formula in usual.statements:
            wanted = wanted | sites.exclude(pk__in=terms)
            if made < most and not there.filter(site=None).exists() and _measured(organization, None, month):
                made += _make(organization, None, formula, month)[1]
        for site in wanted.exclude(pk__in=there.exclude(site=None).values("site"))[: max(0, most - made)]:
            made += _measured(organization, site, month) and _make(organization, site, formula, month)[1]
    return made


def period(organization: Organization, month: date) -> tuple[datetime, datetime]:
    """From midnight to midnight by the organization's clock."""
    zone = ZoneInfo(organization.time_zone)
    first = month.replace(day=1)
    after = (first + timedelta(days=31)).replace(day=1)
    return datetime.combine(first, time(), zone), datetime.combine(after, time(), zone)


def _make(
    organization: Organization, site: Site | None, formula: str, month: date
) -> tuple[AvailabilityStatement, bool]:
    """Whoever derives meanwhile waits for the latest row's lock and marks it stale after us."""
    since, until = period(organization, month)
    mine = AvailabilityStatement.objects.filter(organization=organization, site=site, formula=formula, month=month)
    try:
        with transaction.atomic():
            latest = mine.select_for_update().order_by("-revision").first()
            content = statement_content.content(organization, site, formula, since, until)
            digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
            if latest:
                mine.filter(pk=latest.pk).update(stale=False)
            if latest and latest.digest == digest:
                return latest, False
            return mine.create(
                organization=organization, site=site, formula=formula, month=month, since=since, until=until,
                revision=latest.revision + 1 if latest else 1, replaces=latest, share=content["total"]["share"],
                content=content, digest=digest,
            ), True  # fmt: skip
    except IntegrityError:  # somebody was faster by a moment
        found = mine.order_by("-revision").first()
        if found is None:
            raise PermissionDenied from None
        return found, False
