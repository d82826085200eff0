"""Causes as incidents: the pure groups of `alerts.causes` over the rows, and what each of them explains."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.utils.translation import gettext as _

from alerts import causes as pure
from alerts.detectors import Finding, View
from alerts.models import Incident
from alerts.rulebook import Spot
from alerts.vocabulary import IncidentKind, IncidentState
from stations import fleet
from stations.faultwords import headline
from stations.fleet import Standing

K = IncidentKind
KINDS: Final = (K.SITE_DARK, K.NETWORK_DARK, K.MANY_DARK, K.FIRMWARE_TROUBLE)
DARK_KINDS: Final = (K.STATION_OFFLINE, K.LINK_FLAPPING)
PATIENCE: Final = timedelta(minutes=2)  # when most are back, the rest has so long to follow
NETWORKS_OF: Final = timedelta(hours=1)  # whose last address is looked up: stations dark for less


@dataclass(frozen=True)
class Cause:
    """A group as a finding, and the stations that it explains. `symptom`: of one firmware; "" for what is dark."""

    finding: Finding
    station_ids: frozenset[int]
    symptom: str = ""

    def explains(self, finding: Finding) -> bool:
        mine = bool(finding.station_ids) and self.station_ids.issuperset(finding.station_ids)
        return mine and (finding.symptom == self.symptom if self.symptom else finding.kind in DARK_KINDS)


def causes(view: View, lasting: Iterable[Finding], lost: frozenset[int]) -> list[Cause]:
    """What explains several things now. `lasting`: findings that are incidents, or would be; `lost`: stations whose
    gateway is gone, which explains them already.
    """
    rows = Incident.objects.filter(kind__in=KINDS).exclude(state=IncidentState.RESOLVED)
    standing = {row.key: row for row in rows.prefetch_related("stations")}
    opened = [pure.Open(row.key, row.kind, _stations(row)) for row in standing.values() if row.kind in KINDS[:3]]
    groups = pure.dark_groups(_seen(view, lost), opened, view.now)
    symptoms = [
        pure.Symptom(finding.station_ids[0], finding.symptom, finding.since) for finding in lasting if finding.symptom
    ]
    fleets = (
        pure.Build(one.id, one.organization_id, one.site_id, _build(one), one.firmware_since)
        for one in view.stations.values()
        if not one.in_maintenance
    )
    found = [_dark_cause(view, group, standing) for group in groups]
    if len(symptoms) >= pure.LEAST:
        found += [_firmware_cause(group, standing) for group in pure.firmware_groups(fleets, symptoms)]
    wanted = [cause for cause in found if view.book.setting(cause.finding.kind, cause.finding.spot).enabled]
    return [cause for cause in wanted if cause.finding.key in standing or _is_time(view, cause)]


def _build(station: Standing) -> str:
    return " ".join((station.vendor, station.model, station.firmware)) if station.firmware else ""


def _is_time(view: View, cause: Cause) -> bool:
    """A group speaks when its first station would."""
    if cause.symptom:
        return True
    back, since = view.gateways_since, cause.finding.since
    begun = max(since, back) if back else since
    return view.now - begun >= view.book.setting(K.STATION_OFFLINE, Spot(cause.finding.spot.organization_id)).duration


def _seen(view: View, lost: frozenset[int]) -> list[pure.Seen]:
    """Stations in maintenance are left out: they are dark because somebody works there."""
    there = [
        one
        for one in view.stations.values()
        if not one.in_maintenance and (one.online or (one.dark_since and one.id not in lost))
    ]
    lately = [one.id for one in there if one.dark_since and view.now - one.dark_since < NETWORKS_OF]
    known = fleet.last_networks(lately) if len(lately) >= pure.LEAST else {}
    return [
        pure.Seen(
            one.id,
            one.organization_id,
            one.site_id,
            one.dark_since,
            pure.networks(known.get(one.id, one.network), one.carrier) if known else (),
        )
        for one in there
    ]


def _dark_cause(view: View, group: pure.Group, standing: Mapping[str, Incident]) -> Cause:
    row = standing.get(group.key)
    ids = group.station_ids | (_stations(row) if row else frozenset())
    site = next((view.stations[pk].site for pk in sorted(ids) if pk in view.stations), "")
    words = {
        pure.SITE: _("%(site)s is offline: %(count)s stations"),
        pure.NETWORK: _("The network link %(word)s is down: %(count)s stations at several sites"),
        pure.EVERYWHERE: _("%(count)s stations went offline together: most likely our own link or power"),
    }
    return Cause(
        Finding(
            kind=K(group.kind),
            key=group.key[:120],
            spot=view.site_spot(group.organization_id, group.site_id),
            title=words[group.kind] % {"site": site, "count": len(ids), "word": group.word},
            since=group.since,
            station_ids=tuple(sorted(ids)),
            detail={"since": row.detail["since"] if row else group.since.isoformat(), "network": group.word},
        ),
        frozenset(ids),
    )


def _firmware_cause(group: pure.Group, standing: Mapping[str, Incident]) -> Cause:
    row = standing.get(group.key[:120])
    ids = group.station_ids | (_stations(row) if row else frozenset())
    symptom = group.key.split(f":{group.word}:", 1)[1]
    kind, _space, error = symptom.partition(" ")
    what = K(kind).label + (f" ({words})" if (words := headline(error)) else "")
    title = _("%(firmware)s: %(what)s at %(count)s stations") % {
        "firmware": group.word, "what": what, "count": len(ids),
    }  # fmt: skip
    return Cause(
        Finding(
            kind=K.FIRMWARE_TROUBLE,
            key=group.key[:120],
            spot=Spot(group.organization_id),
            title=title,
            since=group.since,
            station_ids=tuple(sorted(ids)),
            detail={"firmware": group.word, "symptom": symptom},
        ),
        frozenset(ids),
        symptom,
    )


def standing(found: Sequence[Cause], rows: Mapping[str, Incident], view: View) -> list[Cause]:
    """Those found now, and those that end: most are back, and the rest has some time to follow."""
    known = {cause.finding.key for cause in found}
    ending = []
    for row in rows.values():
        if row.kind not in KINDS or row.key in known or row.state == IncidentState.RESOLVED:
            continue
        ids = _stations(row)
        left = frozenset(pk for pk in ids if _ill(view, row, pk))
        if left and view.now - row.last_seen_at < PATIENCE:
            spot = Spot(row.organization_id, row.site_id)
            finding = Finding(K(row.kind), row.key, spot, row.title, row.opened_at, tuple(sorted(left)))
            ending.append(Cause(finding, left, row.detail.get("symptom", "")))
    return [*found, *ending]


def _ill(view: View, row: Incident, station_id: int) -> bool:
    station = view.stations.get(station_id)
    if station is None:
        return False
    return row.kind == K.FIRMWARE_TROUBLE or station.dark_since is not None


def larger(row: Incident, found: Iterable[Cause]) -> Cause | None:
    """The larger cause that explains all that this open group does."""
    if row.kind not in KINDS[:3] or row.state == IncidentState.RESOLVED:
        return None
    ids = None
    for cause in found:
        if cause.symptom or cause.finding.key == row.key or cause.finding.kind not in KINDS[:3]:
            continue
        ids = _stations(row) if ids is None else ids
        if ids < cause.station_ids:
            return cause
    return None


def lost_gateways() -> list[tuple[Incident, frozenset[int]]]:
    rows = Incident.objects.filter(kind=K.GATEWAY_LOST).exclude(state=IncidentState.RESOLVED)
    return [(row, _stations(row)) for row in rows.prefetch_related("stations")]


def _stations(row: Incident) -> frozenset[int]:
    return frozenset(station.pk for station in row.stations.all())
