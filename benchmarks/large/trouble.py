"""Incidents of a year with their time-lines, what people were told, the health of connectors."""

from alerts.models import ConnectorHealth, DeliveryAttempt, Incident, IncidentEntry, Notification

HIGHEST = "(SELECT GREATEST(:base, max(id)) AS id FROM alerts_incident) top"


def pour(filler):
    filler.fill(
        Incident, "generate_series(1, :stations * 2) n",
        id=":base + n", organization_id=":org", kind="'station_offline'", key="'past' || chr(58) || n",
        severity="1 + n % 4", state="'resolved'", title="'Charger ' || (1 + n % :stations) || ' is offline'",
        site_id="(SELECT site_id FROM stations_station WHERE id = :base + 1 + n % :stations)",
        station_id=":base + 1 + n % :stations", opened_at=":now - interval '25 minutes' * n",
        last_seen_at=":now - interval '25 minutes' * n + interval '20 minutes'",
        resolved_at=":now - interval '25 minutes' * n + interval '20 minutes'", resolved_by="'system'",
        told_at=":now - interval '25 minutes' * n",
    )  # fmt: skip
    current(
        filler, "stations_station s WHERE s.id > :base AND s.connection_id IS NULL",
        kind="'station_offline'", key="'station' || chr(58) || s.id", title="s.name || ' is offline'",
        site_id="s.site_id", station_id="s.id", opened_at="s.offline_since",
    )  # fmt: skip
    current(
        filler, "stations_connector c JOIN stations_station s ON s.id = c.station_id "
        "WHERE c.id > :base AND c.status = 'faulted'",
        kind="'connector_faulted'", key="'connector' || chr(58) || c.id", title="s.name || ' is faulted'",
        site_id="s.site_id", station_id="s.id", connector_id="c.id", opened_at="c.status_at",
    )  # fmt: skip
    filler.execute(
        "INSERT INTO alerts_incident_stations (incident_id, station_id) SELECT id, station_id FROM alerts_incident "
        "WHERE id > :base"
    )
    filler.fill(
        IncidentEntry, "alerts_incident i JOIN (VALUES ('fact', 'It went dark'), ('told', 'Told the one on duty'), "
        "('state', 'It is back')) AS e(kind, text) ON true WHERE i.id > :base",
        incident_id="i.id", kind="e.kind", text="e.text", at="i.opened_at",
    )  # fmt: skip
    told(filler)
    filler.fill(
        ConnectorHealth, "stations_connector c WHERE c.id > :base",
        connector_id="c.id", updated_at=":now - interval '1 hour'",
        alarmed_at="CASE WHEN pg_temp.dice(c.id, 41) < 0.003 THEN :now - interval '3 hours' END",
    )  # fmt: skip


def current(filler, source, /, **columns):
    """What is open now."""
    source, _where, condition = source.partition(" WHERE ")
    filler.fill(
        Incident, f"{source} CROSS JOIN {HIGHEST} WHERE {condition}",
        id="top.id + row_number() OVER ()", organization_id=":org", severity="3", state="'open'",
        last_seen_at=":now", told_at=":now", **columns,
    )  # fmt: skip


def told(filler):
    """Receipts by mail of the last three months."""
    filler.fill(
        Notification, "billing_receipt r JOIN billing_payment p ON p.id = r.payment_id "
        "WHERE r.id > :base AND p.email <> '' AND r.issued_at > :now - interval '90 days'",
        id="r.id", organization_id=":org", public_id="md5('n' || r.id)::uuid", key="'receipt' || chr(58) || r.id",
        template="'receipt'", channel="'email'", to="p.email", subject="'Receipt ' || r.sequence",
        text="'Thank you for charging with us.'", state="'sent'", created_at="r.issued_at", due_at="r.issued_at",
        sent_at="r.issued_at",
    )  # fmt: skip
    filler.fill(
        DeliveryAttempt, "alerts_notification n WHERE n.id > :base",
        notification_id="n.id", at="n.sent_at", ended_at="n.sent_at", outcome="'accepted'",
    )  # fmt: skip
