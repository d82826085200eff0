"""What a statement of availability says, as JSON: enough for its files, so that they never need another row."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from evcms.core.models import Organization

from .formulas import NEVI_KINDS, UNSEEN, Uptime
from .models import AvailabilityInterval, Evse, Exclusion, Site
from .uptime_ground import Ground, contracts
from .uptimes import Asked, Three, described, network, ports, sites
from .vocabulary import Formula

Content = dict[str, Any]  # Any: JSON
VERSION: Final = 2  # 1 had no `counted` of outages


def content(organization: Organization, site: Site | None, formula: str, since: datetime, until: datetime) -> Content:
    """Of a site with its ports, outages and proofs; of the network (None) with its sites."""
    rows = Site.objects.filter(organization=organization)
    terms = contracts(organization)
    asked = Asked(Ground(rows.filter(pk=site.pk) if site else rows, terms), since, until)
    zone = ZoneInfo(organization.time_zone)
    of_sites = sites(asked)
    whole = network(of_sites, terms.of(site.pk if site else None))
    total = _of(whole, formula) if whole else None
    lost: list[AvailabilityInterval] = []
    if site:
        lines, lost = _port_lines(asked, formula)
    else:
        lines = [_line(asked.ground.places[pk].name, _of(three, formula)) for pk, three in of_sites.items()]
        lines = sorted((line for line in lines if line), key=lambda line: str(line["name"]))
    kinds = _kinds(formula, terms.of(site.pk if site else None).kinds)
    return {
        "version": VERSION,
        "organization": organization.legal_name or organization.name,
        "address": organization.address,
        "site": site.name if site else "",
        "formula": formula,
        "zone": str(zone),
        "since": since.isoformat(),
        "until": until.isoformat(),
        "terms": _terms(asked, site) if formula == Formula.SLA else None,
        "total": _figures(total),
        "lines": [line for line in lines if line],
        "outages": [_outage(row, asked, zone, kinds) | _counted(row, asked, formula) for row in lost],
        "exclusions": _exclusions(lost, zone),
    }


def _of(three: Three, formula: str) -> Uptime | None:
    return {Formula.NEVI.value: three.nevi, Formula.UK.value: three.uk, Formula.SLA.value: three.sla}[formula]


def _kinds(formula: str, agreed: frozenset[str]) -> frozenset[str]:
    """What excuses by this formula."""
    return {Formula.NEVI.value: NEVI_KINDS, Formula.UK.value: frozenset[str](), Formula.SLA.value: agreed}[formula]


def _terms(asked: Asked, site: Site | None) -> Content:
    pk = site.pk if site else None
    terms = asked.contracts.of(pk)
    return {
        "target": terms.target,
        "offline_counts": terms.offline_counts,
        "kinds": sorted(terms.kinds),
        "cap_minutes": terms.cap_minutes,
        "hours": asked.contracts.hours_of(pk or 0),
        "grace_minutes": asked.contracts.grace_of(pk),
    }


def _figures(uptime: Uptime | None) -> Content:
    """Seconds; the share in hundredths of a percent."""
    found = uptime or Uptime(0, 0, 0, 0, 0, 0)
    names = ("period", "base", "outage", "excluded", "not_counted", "target", "share")
    return {name: getattr(found, name) for name in names}


def _line(name: str, uptime: Uptime | None) -> Content:
    """Empty for what the formula does not measure."""
    return {"name": name, **_figures(uptime)} if uptime else {}


def _port_lines(asked: Asked, formula: str) -> tuple[list[Content], list[AvailabilityInterval]]:
    evses = list(described(asked.evses()))
    found = ports(asked, evses)
    measured = {evse.pk: one for evse in evses if evse.pk in found and (one := _of(found[evse.pk], formula))}
    lines = [_line(_name(evse), measured[evse.pk]) for evse in evses if evse.pk in measured]
    rows = asked.lost().filter(evse__in=measured).select_related("evse__station")
    return lines, list(rows.order_by("evse__station__identity", "evse__number", "since"))


def _name(evse: Evse) -> str:
    return f"{evse.station.identity} · {evse.number}"


def _outage(row: AvailabilityInterval, asked: Asked, zone: ZoneInfo, kinds: frozenset[str]) -> Content:
    begin, end = max(row.since, asked.since), min(row.until or asked.until, asked.until)
    return {
        "port": _name(row.evse),
        "since": begin.astimezone(zone).isoformat(timespec="seconds"),
        "until": end.astimezone(zone).isoformat(timespec="seconds"),
        "seconds": int((end - begin).total_seconds()),
        "cause": row.cause or "unknown",
        "excluded": bool(kinds & set(row.excuses.split(","))),
        "exclusions": row.exclusions,
    }


def _counted(row: AvailabilityInterval, asked: Asked, formula: str) -> Content:
    """As much of it as the total's outage has: by hours that count, and by who saw it. These add up to the total."""
    site = row.evse.station.site_id
    whole, opened, agreed = asked.measured(site or 0, row.since, row.until or asked.until)
    if formula == Formula.NEVI:
        return {"counted": whole}
    unseen = row.cause in UNSEEN
    if formula == Formula.UK:
        return {"counted": 0 if unseen else opened}
    return {"counted": 0 if unseen and not asked.contracts.of(site).offline_counts else agreed}


def _exclusions(rows: Iterable[AvailabilityInterval], zone: ZoneInfo) -> list[Content]:
    wanted = {key for row in rows for key in row.exclusions}
    found = Exclusion.objects.filter(pk__in=wanted).order_by("pk")
    return [
        {
            "id": row.pk,
            "kind": row.kind,
            "reason": row.reason,
            "since": row.starts_at.astimezone(zone).isoformat(timespec="minutes"),
            "until": row.ends_at.astimezone(zone).isoformat(timespec="minutes"),
            "announced": row.created_at.astimezone(zone).isoformat(timespec="minutes") if row.window_id else "",
            "file": row.file_name,
            "sha256": row.sha256,
            "link": row.link,
        }
        for row in found
    ]
