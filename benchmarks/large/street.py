"""Sites of very different sizes, stations with two EVSEs each, their links."""

from stations.models import Connection, Connector, Evse, MaintenanceWindow, Site, Station

FIRMWARES = "(ARRAY['3.1.0', '3.1.2', '3.2.0', '4.0.1'])"
MODELS = "(ARRAY['Terra 184', 'Hypercharger 150', 'EVBox Troniq', 'Alfen Eve', 'Twincharge', 'Nexxtender'])"
VENDORS = "(ARRAY['ABB', 'Alpitronic', 'EVBox', 'Alfen', 'Ecotap', 'Powerdale'])"
MODEL = "1 + floor(6 * pg_temp.dice(n, 4))::int"
DARK = "pg_temp.dice(n, 1) < 0.01"  # one station in a hundred is offline


def pour(filler):
    filler.fill(
        Site, "generate_series(1, :sites) n",
        id=":base + n", organization_id=":org", name="'Site ' || lpad(n::text, 4, '0')",
        address="'Street ' || n", postal_code="(1000 + n % 9000) || ' AB'",
        city="(ARRAY['Utrecht', 'Rotterdam', 'Gent', 'Aachen', 'Lille'])[1 + n % 5]", country="'NL'",
        latitude="50.8 + 2.5 * pg_temp.dice(n, 11)", longitude="3.5 + 3.3 * pg_temp.dice(n, 12)",
        grid_limit_w="CASE WHEN n % 3 = 1 THEN 30000 * :stations / :sites END", public="true", accessible="n % 4 = 0",
    )  # fmt: skip
    filler.fill(
        Station, "generate_series(1, :stations) n",
        id=":base + n", organization_id=":org", identity="'L-' || lpad(n::text, 6, '0')",
        site_id=":base + 1 + floor(:sites * power(pg_temp.dice(n, 2), 2))::bigint", name="'Charger ' || n",
        approval="'accepted'", vendor=f"{VENDORS}[{MODEL}]", model=f"{MODELS}[{MODEL}]",
        serial_number="'SN' || (700000 + n)", firmware_version=f"{FIRMWARES}[1 + floor(4 * pg_temp.dice(n, 5))::int]",
        firmware_since=":now - interval '40 days'", protocol="(ARRAY['ocpp1.6', 'ocpp2.0.1', 'ocpp2.1'])[1 + n % 3]",
        connection_id=f"CASE WHEN {DARK} THEN NULL ELSE :base + n * 12 END", status="'available'",
        last_boot_at=":now - interval '1 day' * (1 + n % 28)", last_seen_at=":now - interval '1 second' * (n % 50)",
        offline_since=f"CASE WHEN {DARK} THEN :now - interval '1 minute' * (5 + n % 9000) END",
        created_at=":now - interval '400 days'",
    )  # fmt: skip
    filler.fill(
        Evse, "generate_series(1, :stations) n, generate_series(1, 2) plug",
        id=":base + 2 * n - 2 + plug", station_id=":base + n", number="plug",
        evse_id="'NL*LRG*E' || n || '*' || plug", heard_since="date_trunc('second', :now) - interval '391 days'",
    )  # fmt: skip
    filler.fill(
        Connector, "generate_series(1, :stations) n, generate_series(1, 2) plug",
        id=":base + 2 * n - 2 + plug", evse_id=":base + 2 * n - 2 + plug", station_id=":base + n", number="1",
        code="'L' || lpad(upper(to_hex(2 * n - 2 + plug)), 6, '0')",
        plug="CASE WHEN n % 10 < 3 THEN 'IEC_62196_T2_COMBO' ELSE 'IEC_62196_T2' END",
        power_type="CASE WHEN n % 10 < 3 THEN 'DC' ELSE 'AC_3_PHASE' END", cable="n % 10 < 3",
        max_power_w="CASE WHEN n % 10 < 3 THEN 150000 ELSE 22000 END",
        status="CASE WHEN pg_temp.dice(2 * n + plug, 6) < 0.015 THEN 'faulted' ELSE 'available' END",
        error_code="CASE WHEN pg_temp.dice(2 * n + plug, 6) < 0.015 THEN 'GroundFailure' ELSE '' END",
        status_at=":now - interval '1 hour'",
    )  # fmt: skip
    links(filler)
    filler.fill(
        MaintenanceWindow, "generate_series(1, GREATEST(8, :stations / 20)) n",
        id=":base + n", organization_id=":org", station_id=":base + 1 + n % :stations", title="'Service ' || n",
        starts_at=":now + interval '1 day' * (10 - n % 300)",
        ends_at=":now + interval '1 day' * (10 - n % 300) + interval '3 hours'",
        state="CASE WHEN n % 300 > 10 THEN 'ended' ELSE 'planned' END",
    )  # fmt: skip


def links(filler):
    """A link a month; the last is open where the station is online."""
    filler.fill(
        Connection, "generate_series(1, :stations) n, generate_series(1, 12) month",
        id=":base + 12 * (n - 1) + month", station_id=":base + n", gateway_id=":gateway",
        opened_at=":now - interval '30 days' * (13 - month) + interval '1 minute' * (n % 900)",
        closed_at=f"CASE WHEN month < 12 THEN :now - interval '30 days' * (12 - month) WHEN {DARK} "
        "THEN :now - interval '1 minute' * (5 + n % 9000) END",
        close_reason=f"CASE WHEN month < 12 OR {DARK} THEN 'ping unanswered' ELSE '' END",
        protocol="(ARRAY['ocpp1.6', 'ocpp2.0.1', 'ocpp2.1'])[1 + n % 3]", address="'10.0.0.1'::inet + (n % 60000)",
    )  # fmt: skip
