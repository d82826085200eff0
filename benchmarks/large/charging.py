"""A year of sessions that never overlap at an EVSE, their readings to the mWh, attempts and hours."""

from sessions.models import (
    Attempt,
    ChargingSession,
    Discrepancy,
    Driver,
    IdToken,
    MeterSample,
    Reservation,
    UsageHour,
)

SLOT = "(365.0 * 86400 / :per_evse)"
# Each EVSE has a slot of a week per session; it starts on one of five of its days, mostly by day, never after midnight.
BEGINS = f"""
SELECT e.evse, e.n, i, (i - 1) + (e.evse - :base - 1) * :per_evse + :base + 1 AS id,
  date_trunc('day', :now - interval '362 days' + interval '1 second' * {SLOT} * (i - 1))
  + interval '1 day' * (1 + floor(5 * pg_temp.dice(e.evse * 64 + i, 1)))
  + interval '1 second' * floor(3600 * (CASE
      WHEN pg_temp.dice(e.evse * 64 + i, 2) < 0.1 THEN 60 * pg_temp.dice(e.evse * 64 + i, 2)
      WHEN pg_temp.dice(e.evse * 64 + i, 2) < 0.45 THEN 6 + (pg_temp.dice(e.evse * 64 + i, 2) - 0.1) / 0.35 * 6
      ELSE 12 + (pg_temp.dice(e.evse * 64 + i, 2) - 0.45) / 0.55 * 10 END)) AS started,
  floor(CASE WHEN e.fast THEN 900 + 1800 * pg_temp.dice(e.evse * 64 + i, 3)
    ELSE 2400 + 12000 * pg_temp.dice(e.evse * 64 + i, 3) END)::int AS long,
  CASE WHEN e.fast THEN 60000 + floor(40000 * pg_temp.dice(e.evse * 64 + i, 4))::bigint
    ELSE 7000 + floor(4000 * pg_temp.dice(e.evse * 64 + i, 4))::bigint END AS watts
FROM (SELECT :base + 2 * n - 2 + plug AS evse, n, n % 10 < 3 AS fast
      FROM generate_series(1, :stations) n, generate_series(1, 2) plug) e,
  generate_series(1, :per_evse) i
"""
WATCHED = f"""
(SELECT b.*, b.started + interval '1 second' * b.long > :now AS running,
   LEAST(b.long * 9 / 10, floor(extract(epoch FROM :now - b.started)))::bigint AS charged,
   (1000 + b.i * 80)::bigint * 1000000 AS meter, pg_temp.dice(b.id, 7) < 0.5 AS guest,
   :base + 1 + floor(:drivers * power(pg_temp.dice(b.id, 8), 2))::bigint AS driver
 FROM ({BEGINS}) b WHERE b.started < :now - interval '2 minutes') s
JOIN stations_station st ON st.id = :base + s.n
"""
ENERGY = "(s.charged * s.watts * 10 / 36)"  # W · s → mWh
END = "CASE WHEN s.running THEN NULL ELSE s.started + interval '1 second' * s.long END"


def pour(filler):
    people(filler)
    filler.fill(
        ChargingSession, WATCHED,
        id="s.id", public_id="md5('s' || s.id)", organization_id=":org", site_id="st.site_id", station_id="st.id",
        evse_id="s.evse", connector_id="s.evse", transaction_id="'t' || s.id", protocol="st.protocol",
        state="CASE WHEN s.running THEN 'charging' ELSE 'ended' END", attempt_id="s.id",
        id_token_id="CASE WHEN NOT s.guest THEN s.driver END",
        token_value="CASE WHEN s.guest THEN 'G' || s.id ELSE 'CARD' || s.driver END",
        driver_id="CASE WHEN NOT s.guest THEN s.driver END", authorized="true", started_at="s.started", ended_at=END,
        start_received_at="s.started", end_received_at=END, meter_start_mwh="s.meter",
        meter_last_mwh=f"s.meter + {ENERGY}", energy_mwh=ENERGY,
        power_w="CASE WHEN s.running THEN s.watts ELSE 0 END", max_power_w="s.watts", soc_percent="80",
        last_sample_at=f"COALESCE({END}, :now)", last_event_at=f"COALESCE({END}, :now)",
        meter_stop_mwh=f"CASE WHEN NOT s.running THEN s.meter + {ENERGY} END", meter_last_at=f"COALESCE({END}, :now)",
        power_limit_w="CASE WHEN s.n % 10 < 3 THEN 150000 ELSE 22000 END", charging_seconds="s.charged",
        stop_reason="CASE WHEN s.running THEN '' WHEN s.guest THEN 'Remote' ELSE 'EVDisconnected' END",
        closed_by="CASE WHEN s.running THEN '' ELSE 'station' END",
    )  # fmt: skip
    filler.execute(
        "UPDATE stations_connector c SET status = 'charging', error_code = '' FROM charging_chargingsession s "
        "WHERE s.connector_id = c.id AND s.ended_at IS NULL AND s.id > :base"
    )
    readings(filler)
    attempts(filler)
    hours(filler)
    others(filler)


def people(filler):
    filler.fill(
        Driver, "generate_series(1, :drivers) n",
        id=":base + n", organization_id=":org", name="'Driver ' || n", email="'driver' || n || '@large.example'",
        created_at=":now - interval '370 days'",
    )  # fmt: skip
    filler.fill(
        IdToken, "generate_series(1, :drivers) n",
        id=":base + n", organization_id=":org", value="'CARD' || (:base + n)", folded="'CARD' || (:base + n)",
        label="'Card ' || n", driver_id=":base + n", created_at=":now - interval '370 days'",
    )  # fmt: skip


def readings(filler):
    """Begin, periodic, end; the register grows in a line until nine tenths of the stay."""
    filler.fill(
        MeterSample,
        "(SELECT s.id, s.station_id, s.started_at, s.meter_start_mwh AS meter, s.energy_mwh AS energy, k, s.ended_at, "
        "s.max_power_w, (extract(epoch FROM COALESCE(s.ended_at, :now) - s.started_at))::bigint AS long, "
        "s.charging_seconds AS charged, e.number FROM charging_chargingsession s JOIN stations_evse e "
        "ON e.id = s.evse_id CROSS JOIN generate_series(0, :samples - 1) k WHERE s.id > :base) r",
        session_id="r.id", station_id="r.station_id", evse_number="r.number",
        kind="CASE WHEN k = 0 THEN 1 WHEN k = :samples - 1 AND r.ended_at IS NOT NULL THEN 2 ELSE 0 END",
        at="r.started_at + interval '1 second' * (r.long * k / (:samples - 1))",
        received_at="r.started_at + interval '1 second' * (r.long * k / (:samples - 1))",
        energy_mwh="r.meter + r.energy * LEAST(r.long * k / (:samples - 1), r.charged) / GREATEST(1, r.charged)",
        power_w="CASE WHEN r.long * k / (:samples - 1) < r.charged THEN r.max_power_w ELSE 0 END",
        soc_percent="20 + 60 * LEAST(r.long * k / (:samples - 1), r.charged) / GREATEST(1, r.charged)",
    )  # fmt: skip


JUDGED = {  # as the worker leaves them (sessions.services.judging)
    "site_id": "s.site_id", "first_at": "s.started_at - interval '4 minutes'", "judge_at": "NULL",
    "judged_at": "s.started_at", "model": "(SELECT t.model FROM stations_station t WHERE t.id = s.station_id)",
    "firmware": "(SELECT t.firmware_version FROM stations_station t WHERE t.id = s.station_id)",
}  # fmt: skip


def attempts(filler):
    filler.fill(
        Attempt, "charging_chargingsession s WHERE s.id > :base",
        id="s.id", organization_id=":org", station_id="s.station_id", connector_id="s.connector_id",
        kind="CASE WHEN s.driver_id IS NULL THEN 'scan' ELSE 'tap' END",
        state="CASE WHEN s.ended_at IS NULL THEN 'started' ELSE 'ended' END", token_value="s.token_value",
        driver_id="s.driver_id", at="s.started_at - interval '30 seconds'", ended_at="s.ended_at",
        stage="CASE WHEN s.ended_at IS NULL THEN 4 ELSE 5 END", authorized_at="s.started_at", energy_at="s.started_at",
        plugged_at="s.started_at - interval '30 seconds'", started_at="s.started_at", **JUDGED,
    )  # fmt: skip
    filler.fill(
        Attempt,
        "(SELECT s.*, row_number() OVER () AS row FROM charging_chargingsession s WHERE s.id > :base "
        "AND pg_temp.dice(s.id, 21) < 0.05) s, (SELECT max(id) AS id FROM charging_chargingsession) highest",
        id="highest.id + s.row", organization_id=":org", station_id="s.station_id", connector_id="s.connector_id",
        kind="CASE WHEN s.driver_id IS NULL THEN 'scan' ELSE 'tap' END", state="'failed'",
        cause="(ARRAY['not_plugged', 'token', 'payment', 'timeout', 'refused'])[1 + s.id % 5]",
        token_value="s.token_value", driver_id="s.driver_id", at="s.started_at - interval '4 minutes'",
        ended_at="s.started_at - interval '2 minutes'", counted="s.id % 5 > 0",
        stage="CASE s.id % 5 WHEN 0 THEN 1 ELSE 0 END",
        party="(ARRAY['driver', 'driver', 'payment', 'station', 'station'])[1 + s.id % 5]",
        rule="(ARRAY['not_plugged', 'token_refused', 'payment_declined', 'no_answer', 'refused'])[1 + s.id % 5]",
        **JUDGED,
    )  # fmt: skip


def hours(filler):
    """Each session's seconds and energy by hour; parts are differences of one running sum, so they add up exactly."""
    filler.fill(
        UsageHour,
        "(SELECT s.evse_id, h, s.energy_mwh AS energy, s.charging_seconds AS charged, s.max_power_w, s.started_at, "
        "GREATEST(0, extract(epoch FROM h - s.started_at))::bigint AS a, LEAST(extract(epoch FROM "
        "COALESCE(s.ended_at, :now) - s.started_at), extract(epoch FROM h + interval '1 hour' - s.started_at))::bigint "
        "AS b FROM charging_chargingsession s CROSS JOIN LATERAL generate_series(date_trunc('hour', s.started_at), "
        "COALESCE(s.ended_at, :now), interval '1 hour') h WHERE s.id > :base) u WHERE u.b > u.a",
        evse_id="u.evse_id", hour="u.h",
        energy_mwh="u.energy * LEAST(u.b, u.charged) / GREATEST(1, u.charged) "
        "- u.energy * LEAST(u.a, u.charged) / GREATEST(1, u.charged)",
        sessions_started="CASE WHEN u.started_at >= u.h THEN 1 ELSE 0 END",
        charging_seconds="LEAST(u.b, u.charged) - LEAST(u.a, u.charged)", occupied_seconds="u.b - u.a",
        max_power_w="CASE WHEN u.a < u.charged THEN u.max_power_w ELSE 0 END",
    )  # fmt: skip


def others(filler):
    filler.fill(
        Reservation, "generate_series(1, GREATEST(4, :stations / 40)) n",
        id=":base + n", organization_id=":org", station_id=":base + n", connector_id=":base + 2 * n",
        token_value="'CARD' || (:base + 1)", expires_at=":now + interval '1 minute' * (60 - n % 5000)",
        state="CASE WHEN n % 5000 < 60 THEN 'active' ELSE 'expired' END",
    )  # fmt: skip
    filler.fill(
        Discrepancy, "charging_chargingsession s WHERE s.id > :base AND pg_temp.dice(s.id, 22) < 0.002",
        station_id="s.station_id", session_id="s.id", kind="'implausible'", at="s.started_at",
        resolved_at="CASE WHEN s.id % 10 > 0 THEN s.ended_at END",
    )  # fmt: skip
