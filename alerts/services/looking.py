"""From findings to incidents: opens what lasted, touches what goes on, says what explains it, resolves what is gone.

Whoever looks last is right: everything is decided from rows, so a sweep after a long stop does at once what it missed,
and two at once open one incident (its key is unique).
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from alerts.catalogue import CATALOGUE
from alerts.detectors import DETECTORS, EVERY, Finding, View
from alerts.models import Incident
from alerts.rulebook import Setting
from alerts.vocabulary import IncidentKind, IncidentState, Severity

from . import grouping, recovery
from .incidents import STILL_SEEN, TOUCH_EVERY, explain, open_incident, resolve_key

log = structlog.get_logger(__name__)
K = IncidentKind

EXPLAINED_BY: Final[dict[IncidentKind, tuple[IncidentKind, ...]]] = {
    K.LINK_FLAPPING: (K.BOOT_LOOP,),
    K.STATION_OFFLINE: (K.BOOT_LOOP, K.LINK_FLAPPING),
    K.CONNECTOR_FAULTED: (K.STATION_FAULTED,),
    K.NO_ENERGY: (K.STATION_FAULTED, K.CONNECTOR_FAULTED),
    K.START_FAILURES: (K.STATION_FAULTED, K.CONNECTOR_FAULTED, K.NO_ENERGY),
    K.SILENT_STATION: (K.STATION_FAULTED, K.CONNECTOR_FAULTED, K.START_FAILURES, K.NO_ENERGY),
}
FLAPS_FOR: Final = timedelta(minutes=10)  # dark for longer is no flap any more
_looked: dict[IncidentKind, datetime] = {}  # when this process last ran what is dear


def look() -> None:
    """One look at everything: detectors, causes, incidents."""
    view = View.load()
    found = detect(view)
    board = Board(view, set(found))
    lasting = [each for some in found.values() for each in some if board.lasted(each)]
    causes = grouping.causes(view, lasting, board.lost())
    board.explain_with(causes)
    for kind, findings in found.items():
        board.take(kind, findings)
    board.close()


def detect(view: View) -> dict[IncidentKind, list[Finding]]:
    """Findings by kind. What fails is left out whole: its incidents stay as they are, and the others are looked at."""
    found: dict[IncidentKind, list[Finding]] = {}
    for kind, detector in DETECTORS.items():
        if not _due(kind, view.now):
            continue
        try:
            found[kind] = list(detector(view))
        except Exception:
            log.exception("detector failed", kind=kind)
    return found


def _due(kind: IncidentKind, now: datetime) -> bool:
    every, last = EVERY.get(kind), _looked.get(kind)
    if every and last and timedelta() <= now - last < every:
        return False
    if every:
        _looked[kind] = now
    return True


def forget() -> None:
    """The next look runs everything: the clock of tests jumps."""
    _looked.clear()


class Board:
    """The incidents that one sweep works on, read once; what it changes is written row by row."""

    def __init__(self, view: View, kinds: set[IncidentKind]) -> None:
        self.view, self.kinds = view, kinds
        rows = Incident.objects.filter(kind__in=[*kinds, *grouping.KINDS, K.GATEWAY_LOST])
        rows = rows.filter(~Q(state=IncidentState.RESOLVED) | Q(dismissed=True))
        self.rows = {row.key: row for row in rows.select_related("cause").order_by("pk")}
        self.held: set[str] = set()  # keys of findings that hold now
        self.touched: list[int] = []
        self.explaining: dict[tuple[IncidentKind, int], list[tuple[int | None, str, datetime]]] = {}
        self.causes: list[grouping.Cause] = []
        self.gateways = grouping.lost_gateways()

    # What may open --------------------------------------------------------------------------------------

    def setting(self, finding: Finding) -> Setting:
        return self.view.book.setting(finding.kind, finding.spot)

    def lasted(self, finding: Finding) -> bool:
        """Open already, or about to be: long enough, wanted now, not in maintenance."""
        if self.is_open(finding.key):
            return True
        setting, trouble = self.setting(finding), CATALOGUE[finding.kind]
        if finding.danger and not finding.in_maintenance:
            return True
        if not setting.holds(self.view.now, finding.spot.zone) or (finding.in_maintenance and trouble.silenced):
            return False
        return trouble.span == "within" or self.view.now - finding.since >= setting.duration

    def is_open(self, key: str) -> bool:
        row = self.rows.get(key)
        return row is not None and row.state != IncidentState.RESOLVED

    # Causes ---------------------------------------------------------------------------------------------

    def explain_with(self, causes: list[grouping.Cause]) -> None:
        """Opens or keeps the groups; a smaller one that a larger one explains is its effect."""
        for cause in causes:
            self._note(cause.finding, self._opened(cause.finding))
        self.causes = grouping.standing(causes, self.rows, self.view)
        for cause in self.causes:
            self.held.add(cause.finding.key)
        self._close(row for row in self.rows.values() if row.kind in grouping.KINDS)
        for row in list(self.rows.values()):
            larger = grouping.larger(row, causes)
            if larger is not None and self.is_open(larger.finding.key):
                self._explain(row, self.rows[larger.finding.key])

    def lost(self) -> frozenset[int]:
        """Stations of gateways that are gone."""
        return frozenset().union(*(stations for _incident, stations in self.gateways))

    def cause_of(self, finding: Finding) -> Incident | None:
        """The incident that explains this finding, if one does."""
        for cause in self.causes:
            if cause.explains(finding) and self.is_open(cause.finding.key) and cause.finding.key != finding.key:
                return self.rows[cause.finding.key]
        if finding.kind in grouping.DARK_KINDS:
            for incident, stations in self.gateways:
                if stations.issuperset(finding.station_ids):
                    return incident
        return self._nearer_cause(finding)

    def _nearer_cause(self, finding: Finding) -> Incident | None:
        for kind in EXPLAINED_BY.get(finding.kind, ()):
            for station_id in finding.station_ids:
                for connector_id, key, _since in self.explaining.get((kind, station_id), ()):
                    same = connector_id is None or finding.connector_id in (None, connector_id)
                    flap = kind == K.LINK_FLAPPING and self.view.now - finding.since >= FLAPS_FOR
                    if same and not flap and self.is_open(key):
                        return self.rows[key]
        return None

    # Findings -------------------------------------------------------------------------------------------

    def take(self, kind: IncidentKind, findings: Iterable[Finding]) -> None:
        for finding in findings:
            if not (self.setting(finding).enabled or finding.danger):
                continue
            self.held.add(finding.key)
            cause = self.cause_of(finding)
            row = self.rows.get(finding.key)
            if row is not None and row.state != IncidentState.RESOLVED and cause is not None:
                self._explain(row, cause)
            opened = row if cause is not None and row is None else self._opened(finding)
            self._note(finding, opened)

    def _opened(self, finding: Finding) -> Incident | None:
        row = self.rows.get(finding.key)
        if row is not None and not self._news(row, finding):
            self.touched.append(row.pk)
            return row
        if row is None and not self.lasted(finding):
            return None
        setting = self.setting(finding)
        incident = open_incident(
            kind=finding.kind,
            key=finding.key,
            title=finding.title,
            organization_id=finding.spot.organization_id,
            station_ids=finding.station_ids,
            site_id=finding.spot.site_id,
            connector_id=finding.connector_id,
            detail=finding.detail,
            severity=self._severity(finding),
            rule_id=setting.rule_id,
            recovery=() if finding.danger else setting.steps,
            recovery_tries=setting.tries,
        )
        if finding.danger:  # it was a harmless fault before
            recovery.give_up(incident=incident, why=_("it is dangerous: people look first"))
        self.rows[finding.key] = incident
        return incident

    def _severity(self, finding: Finding) -> int:
        return Severity.CRITICAL if finding.danger else self.setting(finding).severity

    def _news(self, row: Incident, finding: Finding) -> bool:
        """Is there anything to write? One that a person resolved is asked again when it is worse, or was gone."""
        if self._severity(finding) > row.severity:
            return True
        if row.state == IncidentState.RESOLVED:
            return self.view.now - row.last_seen_at >= STILL_SEEN or (
                row.detail.get("error_code") != finding.detail.get("error_code")
            )
        return row.title != finding.title[:200] or row.detail != finding.detail

    def _note(self, finding: Finding, incident: Incident | None) -> None:
        if incident is None or incident.state == IncidentState.RESOLVED:
            return
        for station_id in finding.station_ids:
            said = (finding.connector_id, finding.key, finding.since)
            self.explaining.setdefault((finding.kind, station_id), []).append(said)

    def _explain(self, row: Incident, cause: Incident) -> None:
        if row.cause_id != cause.pk and row.pk != cause.pk and row.state != IncidentState.RESOLVED:
            explain(incident=row, cause=cause)
            row.cause = cause

    # What is gone ---------------------------------------------------------------------------------------

    def close(self) -> None:
        seen = Incident.objects.filter(pk__in=self.touched, last_seen_at__lte=self.view.now - TOUCH_EVERY)
        seen.update(last_seen_at=self.view.now)
        self._close(row for row in self.rows.values() if row.kind in self.kinds)

    def _close(self, rows: Iterable[Incident]) -> None:
        """Before its effects are judged a cause that is gone has ended, so that they speak after it."""
        for row in list(rows):
            if row.key in self.held or row.kind == K.GATEWAY_LOST:
                continue
            if row.state == IncidentState.RESOLVED:
                resolve_key(key=row.key, text="")  # a person was faster, and now its cause is gone
            elif self._quiet(row):
                resolve_key(key=row.key, text=self._farewell(row))

    def _quiet(self, row: Incident) -> bool:
        quiet = timedelta(seconds=CATALOGUE[IncidentKind(row.kind)].quiet_s)
        return self.view.now - row.last_seen_at >= quiet

    def _farewell(self, row: Incident) -> str:
        return str(GONE.get(IncidentKind(row.kind)) or _("Its cause is gone"))


GONE: Final = {
    K.STATION_OFFLINE: gettext_lazy("The station is online again"),
    K.LINK_FLAPPING: gettext_lazy("The link is steady again"),
    K.BOOT_LOOP: gettext_lazy("It has stopped booting again and again"),
    K.CLOCK_SKEW: gettext_lazy("The clock is right again"),
    K.NO_ENERGY: gettext_lazy("Energy flows again, or the session is over"),
    K.STUCK_SESSION: gettext_lazy("The session has ended"),
    K.START_FAILURES: gettext_lazy("No more starts fail there"),
    K.SILENT_STATION: gettext_lazy("Somebody charges again"),
    K.SITE_POWER: gettext_lazy("The site is below its limit again"),
    K.READER_OFFLINE: gettext_lazy("The reader is connected again"),
}
