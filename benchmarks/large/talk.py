"""What stations said: statuses, messages of a month, variables, commands, security events."""

from evcms.core.models import AuditEntry, Delivery, Event
from stations.models import Command, OcppMessage, SecurityEvent, StatusChange, Variable

MONTH = "s.started_at > :now - interval '30 days' AND s.id > :base"


def pour(filler):
    said = {"at": "c.at", "happened_at": "c.at", "received_at": "c.at"}
    filler.fill(
        StatusChange, "charging_chargingsession s CROSS JOIN LATERAL (VALUES ('charging', s.started_at), "
        "('available', s.ended_at)) AS c(status, at) WHERE s.id > :base AND c.at IS NOT NULL",
        station_id="s.station_id", connector_id="s.connector_id", status="c.status", **said,
    )  # fmt: skip
    filler.fill(
        StatusChange, "stations_connector k CROSS JOIN LATERAL (VALUES (k.status, k.error_code, "
        ":now - interval '1 hour')) AS c(status, error, at) WHERE k.id > :base AND k.status = 'faulted'",
        station_id="k.station_id", connector_id="k.id", status="c.status", error_code="c.error", **said,
    )  # fmt: skip
    messages(filler)
    filler.fill(
        Variable, "generate_series(1, :stations) n, generate_series(1, 25) k",
        station_id=":base + n", variable="'Setting' || k", value="(n * k)::text", mutability="'ReadWrite'",
        updated_at=":now - interval '20 days'",
    )  # fmt: skip
    filler.fill(
        Command, "generate_series(1, :stations * 5) n",
        id="md5('c' || n)::uuid", station_id=":base + 1 + n % :stations", kind="'TriggerMessage'", state="'accepted'",
        origin="'LARGE'", created_at=":now - interval '1 minute' * n", expires_at=":now - interval '1 minute' * n",
        answered_at=":now - interval '1 minute' * n", answer_status="'Accepted'",
    )  # fmt: skip
    filler.fill(
        SecurityEvent, "(SELECT n, :now - interval '7 minutes' * n AS at FROM generate_series(1, :stations * 2) n) c",
        station_id=":base + 1 + c.n % :stations", type="'StartupOfTheDevice'", critical="true", **said,
    )  # fmt: skip
    outbox(filler)


def messages(filler):
    filler.fill(
        OcppMessage, f"charging_chargingsession s, generate_series(0, 5) k WHERE {MONTH}",
        station_id="s.station_id", direction="'in'",
        action="CASE k WHEN 0 THEN 'StartTransaction' WHEN 5 THEN 'StopTransaction' ELSE 'MeterValues' END",
        message_id="'m' || s.id || '-' || k",
        request="json_build_object('transactionId', s.transaction_id, 'connectorId', 1, 'seqNo', k)::text",
        answer="'{}'", outcome="'result'", duration_us="900",
        at="s.started_at + (COALESCE(s.ended_at, :now) - s.started_at) * k / 5",
    )  # fmt: skip
    filler.fill(
        OcppMessage, "generate_series(1, :stations) n, generate_series(1, 60) k",
        station_id=":base + n", direction="'in'", action="'Heartbeat'", request="'{}'", answer="'{}'",
        outcome="'result'", at=":now - interval '12 hours' * k", count="144",
    )  # fmt: skip


def outbox(filler):
    filler.fill(
        AuditEntry, "generate_series(1, :stations * 5) n",
        organization_id=":org", at=":now - interval '9 minutes' * n", user_id=":user", actor="'owner'",
        action="'station.edited'", object_type="'stations.Station'", object_id="(:base + 1 + n % :stations)::text",
        object_label="'Charger ' || (1 + n % :stations)",
    )  # fmt: skip
    filler.fill(
        Event, "generate_series(1, :stations * 4) n",
        id=":base + 1000 + n", name="'SessionStarted'", payload="'{}'::jsonb",
        created_at=":now - interval '6 seconds' * n",
    )  # fmt: skip
    filler.fill(
        Delivery, "generate_series(1, :stations * 4) n, generate_series(1, 3) k",
        event_id=":base + 1000 + n", subscriber="'alerts.subscriber_' || k", state="'done'", attempts="1",
        due_at=":now - interval '6 seconds' * n", done_at=":now - interval '6 seconds' * n",
    )  # fmt: skip
