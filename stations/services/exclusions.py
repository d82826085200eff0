"""What people say about outages: what excuses one, with its proof, and what a contract counts."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from evcms.core import audit, clock
from evcms.core.access import Access, Permission
from stations import availability, files
from stations.hours import read
from stations.models import AvailabilityTerms, Evse, Exclusion, Site, Station
from stations.vocabulary import ExclusionKind, Formula

from .availability import touch_place
from .configuration import full_clean
from .maintenance import check_place, must_see

PROOF_MAX_BYTES: Final = 20 * 1_048_576
LONGEST: Final = timedelta(days=366)
BY_HAND: Final = frozenset(ExclusionKind) - {ExclusionKind.MAINTENANCE}
TERMS_FIELDS: Final = (
    "target_permille", "hours", "offline_counts", "kinds", "grace_minutes", "cap_minutes", "statements",
)  # fmt: skip


def add_exclusion(
    *,
    access: Access,
    kind: str,
    starts_at: datetime,
    ends_at: datetime,
    reason: str,
    site: Site | None = None,
    station: Station | None = None,
    evse: Evse | None = None,
    link: str = "",
    chunks: Iterable[bytes] | None = None,
    file_name: str = "",
) -> Exclusion:
    """A time that excuses outage, with its proof: a file, or an address (of an incident, a letter of the grid).

    Maintenance excuses by its window alone, for it must have been announced. Raises ValidationError by field.
    """
    access.demand(Permission.INCIDENTS)
    station = evse.station if evse else station
    check_place(access, site, station)
    must_see(access, site, station)
    row = Exclusion(
        organization=access.organization,
        site=None if station else site,
        station=None if evse else station,
        evse=evse,
        kind=kind,
        starts_at=starts_at,
        ends_at=ends_at,
        reason=reason.strip(),
        link=link.strip(),
        created_by=access.user,
    )
    full_clean(row, _wrong(row, chunks is not None), exclude=["organization", "created_by", "window", "voided_by"])
    if chunks is not None:
        _take(row, chunks, file_name)
    try:
        with transaction.atomic():
            row.save()
            audit.record(access, "exclusion.added", row, kind=row.kind, starts_at=str(starts_at), ends_at=str(ends_at))
            touch_place(row, row.starts_at)
    except BaseException:
        files.remove(row.path)
        raise
    return row


def _wrong(row: Exclusion, has_file: bool) -> dict[str, list[str]]:
    wrong: dict[str, list[str]] = {}
    if row.kind not in BY_HAND:
        wrong["kind"] = [_("Maintenance excuses by its window, announced before it began.")]
    if row.starts_at and row.ends_at:
        if row.ends_at <= row.starts_at:
            wrong["ends_at"] = [_("The end comes before the beginning.")]
        elif row.ends_at - row.starts_at > LONGEST:
            wrong["ends_at"] = [_("At most a year at once.")]
        if row.starts_at > clock.now():
            wrong["starts_at"] = [_("Nothing is excused before it happened.")]
    if not has_file and not row.link:
        wrong["link"] = [_("Give a proof: a file or an address.")]
    elif (row.link and not row.link.startswith(("https://", "http://", "/"))) or row.link.startswith("//"):
        wrong["link"] = [_("The address must begin with https:// or, of a page here, with /.")]
    return wrong


def _take(row: Exclusion, chunks: Iterable[bytes], file_name: str) -> None:
    try:
        stored = files.store("proofs", chunks, most=PROOF_MAX_BYTES)
    except files.TooLarge:
        text = _("The file is larger than %(most)d MB.") % {"most": PROOF_MAX_BYTES // 1_048_576}
        raise ValidationError({"file": [text]}) from None
    row.path, row.size, row.sha256 = stored.path, stored.size, stored.sha256
    row.file_name = files.plain_name(file_name, "proof")


def void_exclusion(*, access: Access, exclusion: Exclusion, reason: str) -> bool:
    """It excuses nothing any more; it stays on record, for statements name it. False when it was void already.

    That of a window follows its window: change or cancel that. Raises PermissionDenied, ValidationError.
    """
    access.demand(Permission.INCIDENTS)
    if not availability.exclusions(access).filter(pk=exclusion.pk).exists():
        raise PermissionDenied(_("There is no such exclusion."))
    must_see(access, exclusion.site, exclusion.evse.station if exclusion.evse else exclusion.station)
    if exclusion.window_id:
        raise ValidationError(_("It follows its maintenance window."))
    if not reason.strip():
        raise ValidationError({"reason": [_("Say why.")]})
    with transaction.atomic():
        standing = Exclusion.objects.filter(pk=exclusion.pk, voided_at=None)
        if not standing.update(voided_at=clock.now(), voided_by=access.user, void_reason=reason.strip()[:255]):
            return False
        audit.record(access, "exclusion.voided", exclusion, reason=reason.strip()[:255])
        touch_place(exclusion, exclusion.starts_at)
    return True


def set_terms(*, access: Access, site: Site | None, values: Mapping[str, Any]) -> AvailabilityTerms:
    """What a contract counts, of a site or (None) of all without terms of their own. Any: a form's values.

    Raises PermissionDenied, ValidationError by field.
    """
    access.demand(Permission.STATIONS)
    if site is None and not access.all_sites:
        raise PermissionDenied(_("Only members of all sites say what holds for all."))
    must_see(access, site, None)
    with transaction.atomic():
        row = AvailabilityTerms.objects.select_for_update().filter(organization=access.organization, site=site).first()
        row = row or AvailabilityTerms(organization=access.organization, site=site)
        before = {name: getattr(row, name) for name in TERMS_FIELDS}
        for name in TERMS_FIELDS:
            setattr(row, name, values[name])
        full_clean(row, _wrong_terms(row), exclude=["organization", "kinds", "statements"])
        row.save()
        audit.record(access, "availability_terms.set", row, before=before, after=dict(values))
    return row


def _wrong_terms(row: AvailabilityTerms) -> dict[str, list[str]]:
    """Lists that no form of ours sends."""
    wrong = {}
    if not set(row.kinds) <= set(ExclusionKind.values) - {ExclusionKind.NO_DELIVERY.value}:
        wrong["kinds"] = [_("There is no such kind.")]
    if not set(row.statements) <= set(Formula.values):
        wrong["statements"] = [_("There is no such formula.")]
    if read(row.hours) is None:
        wrong["hours"] = [_("Write them as Mo-Fr 07:00-22:00; Sa 08:00-18:00.")]
    return wrong


def drop_terms(*, access: Access, site: Site) -> None:
    """The site goes by what holds for all again."""
    access.demand(Permission.STATIONS)
    must_see(access, site, None)
    with transaction.atomic():
        for row in AvailabilityTerms.objects.filter(organization=access.organization, site=site):
            audit.record(access, "availability_terms.dropped", row)
            row.delete()
