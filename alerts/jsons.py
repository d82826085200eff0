"""An incident for machines: the REST API and webhooks say the same."""

from datetime import datetime
from typing import Any

from alerts.models import Incident
from alerts.vocabulary import Severity


def incident_json(row: Incident) -> dict[str, Any]:
    """JSON values, times in ISO 8601 (UTC). `cause`: the incident that explains it."""
    return {
        "id": row.pk,
        "kind": row.kind,
        "severity": Severity(row.severity).name.lower(),
        "severity_label": str(Severity(row.severity).label),
        "state": row.state,
        "title": row.title,
        "site": row.site.name if row.site else None,
        "station": row.station.identity if row.station else None,
        "stations": [station.identity for station in row.stations.all()],
        "connector": row.connector.code if row.connector else None,
        "cause": row.cause_id,
        "assignee": row.assignee.email if row.assignee else None,
        "opened_at": _moment(row.opened_at),
        "last_seen_at": _moment(row.last_seen_at),
        "acknowledged_at": _moment(row.acknowledged_at),
        "snoozed_until": _moment(row.snoozed_until),
        "resolved_at": _moment(row.resolved_at),
        "reopened": row.reopened,
        "recovery": row.recovery,
        "public": row.public,
        "public_note": row.public_note,
    }


def _moment(at: datetime | None) -> str | None:
    return at.isoformat().replace("+00:00", "Z") if at else None
