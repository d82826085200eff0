"""Days of use and of shortage, as the worker counts them (sessions.services.rollups and .squeezes), in SQL.

It knows less than they do: zones of whole hours, moments of whole seconds, offers of no station. Hours come as lists of
24 by the local hour, made of the few that are not 0 by `dense`.
"""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from evcms.core import clock
from sessions.models import NetworkDay, QueueSign, RollupMark, SiteDay, SqueezeDay
from sessions.services import rollups, squeezes
from sessions.vocabulary import ENERGIES_MWH, STAYS_S

DENSE = """
CREATE OR REPLACE FUNCTION pg_temp.dense(hours int[], amounts bigint[]) RETURNS bigint[] IMMUTABLE LANGUAGE plpgsql AS
$$ DECLARE found bigint[] := array_fill(0::bigint, ARRAY[24]); BEGIN
FOR place IN 1..COALESCE(cardinality(hours), 0) LOOP found[hours[place] + 1] := amounts[place]; END LOOP;
RETURN found; END $$;
CREATE OR REPLACE FUNCTION pg_temp.less(one bigint[], other bigint[]) RETURNS bigint[] IMMUTABLE LANGUAGE sql AS
$$ SELECT array_agg(a - b ORDER BY place) FROM unnest(one, other) WITH ORDINALITY AS pair(a, b, place) $$
"""
PORTS = """
CREATE TEMP TABLE large_port AS SELECT e.id AS evse, COALESCE(t.site_id, 0) AS site,
  COALESCE(s.time_zone, :zone) AS zone, COALESCE(max(c.max_power_w), 0)::bigint AS power,
  COALESCE(e.heard_since, 'infinity') AS since,
  t.archived_at AS gone FROM stations_evse e JOIN stations_station t ON t.id = e.station_id
  LEFT JOIN stations_site s ON s.id = t.site_id LEFT JOIN stations_connector c ON c.evse_id = e.id
  WHERE t.organization_id = :org GROUP BY e.id, t.id, s.id;
CREATE TEMP TABLE large_day AS SELECT * FROM (SELECT zone, day::date AS day, day AT TIME ZONE zone AS begin,
  (day + interval '1 day') AT TIME ZONE zone AS end_ FROM (SELECT DISTINCT zone FROM large_port) z,
  (SELECT ((min(hour) - interval '14 hours') AT TIME ZONE 'UTC')::date::timestamp AS first FROM charging_usagehour) f,
  generate_series(f.first, (:now AT TIME ZONE 'UTC') + interval '1 day', interval '1 day') day) d WHERE d.begin < :now;
CREATE TEMP TABLE large_clock AS SELECT d.zone, d.day, extract(hour FROM h AT TIME ZONE d.zone)::int AS hour,
  sum(floor(extract(epoch FROM LEAST(h + interval '1 hour', :now) - h)))::bigint AS seconds
  FROM large_day d, generate_series(d.begin, d.end_ - interval '1 hour', interval '1 hour') h WHERE h < :now
  GROUP BY 1, 2, 3;
CREATE TEMP TABLE large_hours AS SELECT zone, day, pg_temp.dense(array_agg(hour), array_agg(seconds)) AS seconds
  FROM large_clock GROUP BY 1, 2
"""
THERE = "p.since < d.end_ AND (p.gone IS NULL OR p.gone > d.begin)"
USED = f"""
CREATE TEMP TABLE large_used AS SELECT p.site, p.zone, (u.hour AT TIME ZONE p.zone)::date AS day,
  extract(hour FROM u.hour AT TIME ZONE p.zone)::int AS hour, sum(u.occupied_seconds)::bigint AS occupied,
  sum(u.charging_seconds)::bigint AS charging, sum(u.sessions_started)::bigint AS started,
  sum(u.energy_mwh)::bigint AS energy, sum(u.charging_seconds::bigint * p.power * 5 / 18)::bigint AS deliverable
  FROM charging_usagehour u JOIN large_port p ON p.evse = u.evse_id GROUP BY 1, 2, 3, 4;
CREATE TEMP TABLE large_ports AS SELECT site, zone, day, count(*) AS ports FROM (
  SELECT p.evse, p.site, p.zone, d.day FROM large_port p JOIN large_day d ON d.zone = p.zone WHERE {THERE} UNION ALL
  SELECT DISTINCT p.evse, p.site, p.zone, d.day FROM charging_usagehour u JOIN large_port p ON p.evse = u.evse_id
  JOIN large_day d ON d.zone = p.zone AND d.day = (u.hour AT TIME ZONE p.zone)::date WHERE NOT ({THERE})) a
  GROUP BY 1, 2, 3;
CREATE TEMP TABLE large_end AS SELECT p.site, p.zone, (s.ended_at AT TIME ZONE p.zone)::date AS day,
  trunc(extract(epoch FROM s.ended_at - s.started_at))::bigint AS stay, s.energy_mwh AS energy
  FROM charging_chargingsession s JOIN large_port p ON p.evse = s.evse_id
  WHERE s.organization_id = :org AND s.ended_at IS NOT NULL;
ANALYZE large_ports; ANALYZE large_used; ANALYZE large_end
"""
MEASURES = ("occupied", "charging", "started", "energy")


def pour(filler):
    for statements in (DENSE, PORTS, USED):
        filler.execute(statements)
    day(filler, SiteDay, "site, zone, day", " WHERE o.site > 0", site_id="o.site")
    day(filler, NetworkDay, "zone, day", "", organization_id=":org", zone="o.zone")
    shortage(filler)
    mark = (clock.now() - timedelta(days=1) - rollups.HALF_A_DAY - rollups.SETTLES).astimezone(UTC).date()
    RollupMark.objects.create(organization_id=filler.values["org"], day=mark + timedelta(days=1))
    filler.fill(
        QueueSign, "(SELECT connector_id, date_trunc('hour', started_at) AS hour, 1 + max(id) % 3 AS looks "
        "FROM charging_chargingsession WHERE id > :base AND pg_temp.dice(id, 51) < 0.05 GROUP BY 1, 2) l",
        connector_id="l.connector_id", hour="l.hour", looks="l.looks",
    )  # fmt: skip


def day(filler, model, keys, narrowed, /, **columns):
    """`keys`: by which the days are summed; all of them but the ports are one number of the day's tables."""
    used = ", ".join(f"pg_temp.dense(array_agg(hour), array_agg({name})) AS {name}" for name in MEASURES)
    sums = ", ".join(f"sum({name})::bigint AS {name}" for name in (*MEASURES, "deliverable"))
    totals = ", ".join(f"sum({name})::bigint AS {name}_" for name in (*MEASURES, "deliverable"))
    filler.fill(
        model,
        f"(SELECT {keys}, sum(ports)::bigint AS ports FROM large_ports GROUP BY {keys}) o "
        f"JOIN large_hours c USING (zone, day) LEFT JOIN (SELECT {keys}, {used}, {totals} FROM "
        f"(SELECT {keys}, hour, {sums} FROM large_used GROUP BY {keys}, hour) u GROUP BY {keys}) u USING ({keys}) "
        f"LEFT JOIN (SELECT {keys}, count(*) AS ended, sum(stay) AS stay, sum(energy) AS mwh, "
        f"{classes('stay', STAYS_S)} AS stays, {classes('energy', ENERGIES_MWH)} AS energies FROM large_end "
        f"GROUP BY {keys}) e USING ({keys}) CROSS JOIN LATERAL (SELECT array_agg(second * o.ports ORDER BY place) AS "
        f"there, sum(second) * o.ports AS there_ FROM unnest(c.seconds) WITH ORDINALITY AS h(second, place)) t"
        f"{narrowed} ORDER BY o.day",
        day="o.day", ports="o.ports", there_seconds="t.there_", occupied_seconds="COALESCE(u.occupied_, 0)",
        charging_seconds="COALESCE(u.charging_, 0)", energy_mwh="COALESCE(u.energy_, 0)",
        deliverable_mwh="COALESCE(u.deliverable_, 0)", sessions_started="COALESCE(u.started_, 0)",
        sessions_ended="COALESCE(e.ended, 0)", stay_seconds="COALESCE(e.stay, 0)", ended_mwh="COALESCE(e.mwh, 0)",
        hours="jsonb_build_object('there', t.there, " + ", ".join(
            f"'{name}', COALESCE(u.{name}, array_fill(0::bigint, ARRAY[24]))" for name in MEASURES) + ")",
        stays=f"COALESCE(e.stays, {nothing(STAYS_S)})", energies=f"COALESCE(e.energies, {nothing(ENERGIES_MWH)})",
        **columns,
    )  # fmt: skip


def classes(column, borders):
    """How many lie in each class, its upper border included."""
    edges = [None, *borders, None]
    parts = []
    for low, high in pairwise(edges):
        said = [f"{column} > {low}"] * (low is not None) + [f"{column} <= {high}"] * (high is not None)
        parts.append(f"count(*) FILTER (WHERE {' AND '.join(said)})")
    return f"jsonb_build_array({', '.join(parts)})"


def nothing(borders):
    return f"'[{', '.join('0' for _number in range(len(borders) + 1))}]'::jsonb"


# Short ----------------------------------------------------------------------------------------------------------------

POWER = "CASE WHEN p.power < 44000 THEN 'slow' WHEN p.power < 150000 THEN 'fast' ELSE 'high' END"
GROUPS = f"""
CREATE TEMP TABLE large_kind AS SELECT p.evse, p.site, p.zone, k.kind FROM large_port p CROSS JOIN LATERAL (VALUES (''),
  ({POWER})) AS k(kind) WHERE p.site > 0;
DELETE FROM large_kind WHERE kind <> '' AND site IN (
  SELECT site FROM large_kind WHERE kind <> '' GROUP BY site HAVING count(DISTINCT kind) = 1);
CREATE TEMP TABLE large_group AS SELECT site, zone, kind, count(*) AS ports FROM large_kind GROUP BY 1, 2, 3;
DELETE FROM large_group WHERE site IN (SELECT site FROM large_port WHERE since > :now - interval '390 days');
CREATE TEMP TABLE large_taken AS SELECT evse_id AS evse, started_at AS begin,
  LEAST(COALESCE(ended_at, :now), started_at + interval '3 days') AS end_ FROM charging_chargingsession
  WHERE organization_id = :org AND evse_id IS NOT NULL UNION ALL SELECT i.evse_id, i.since,
  LEAST(COALESCE(i.until, :now), :now) FROM stations_availabilityinterval i JOIN large_port p ON p.evse = i.evse_id
  WHERE i.state = 'down';
"""
# What overlaps or touches, once: a new time begins where none before reaches.
JOINED = """
SELECT {keys}, min(begin) AS begin, max(end_) AS end_ FROM (SELECT *, count(*) FILTER (WHERE begin > reach OR reach IS
  NULL) OVER (PARTITION BY {keys} ORDER BY begin, end_) AS number FROM (SELECT *, max(end_) OVER (PARTITION BY {keys}
  ORDER BY begin, end_ ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reach FROM {source}) a) b
GROUP BY {keys}, number
"""
# Of changes by a number, the times in which their sum reaches a number. What ends comes before what begins.
REACHED = """
SELECT {keys}, at AS begin, then_ AS end_ FROM (SELECT {keys}, most, at, sum(change) OVER (PARTITION BY {keys} ORDER BY
  at, change ROWS UNBOUNDED PRECEDING) AS together, lead(at) OVER (PARTITION BY {keys} ORDER BY at, change) AS then_
  FROM {source}) a WHERE together >= most AND then_ > at
"""
TIMES = (
    ("large_busy", JOINED.format(keys="evse", source="large_taken")),
    ("large_full", REACHED.format(keys="site, kind", source="(SELECT k.site, k.kind, g.ports AS most, c.at, c.change "
     "FROM large_busy b JOIN large_kind k USING (evse) JOIN large_group g USING (site, kind) CROSS JOIN LATERAL "
     "(VALUES (b.begin, 1), (b.end_, -1)) AS c(at, change)) c")),
    ("large_wide", JOINED.format(keys="site, kind", source="(SELECT site, kind, begin, end_ + interval '3 minutes' AS "
     "end_ FROM large_full) f")),
    # The readings of a session end where no energy flows any more, and at midnight with the last one before it.
    ("large_draw", "SELECT site, watts, most, begin, end_ FROM (SELECT s.site_id AS site, s.max_power_w AS watts, "
     "l.grid_limit_w * 0.97 AS most, CASE WHEN d.begin > s.started_at THEN d.begin ELSE s.started_at END AS begin, "
     "(SELECT max(m.at) FROM (SELECT s.started_at + interval '1 second' * (r.long * k / (:samples - 1)) AS at, k FROM "
     "generate_series(1, :samples - 1) k WHERE r.long * k / (:samples - 1) < s.charging_seconds) m WHERE m.at "
     "< d.end_) AS end_ FROM charging_chargingsession s JOIN stations_site l ON l.id = s.site_id AND "
     "l.grid_limit_w > 0 CROSS JOIN LATERAL (SELECT extract(epoch FROM "
     "COALESCE(s.ended_at, :now) - s.started_at)::bigint AS long) r "
     "JOIN large_day d ON d.zone = l.time_zone AND d.begin < s.started_at + interval '1 second' * s.charging_seconds "
     "AND d.end_ > s.started_at WHERE s.id > :base) a WHERE end_ > begin"),
    ("large_short", JOINED.format(keys="site", source="(" + REACHED.format(keys="site", source="(SELECT d.site, "
     "d.most, c.at, c.change FROM large_draw d CROSS JOIN LATERAL (VALUES (d.begin, d.watts), (d.end_, -d.watts)) AS "
     "c(at, change)) c") + ") r")),
    ("large_down", "SELECT k.site, k.kind, i.since AS begin, LEAST(COALESCE(i.until, :now), :now) AS end_ FROM "
     "stations_availabilityinterval i JOIN large_kind k ON k.evse = i.evse_id WHERE i.state = 'down'"),
)  # fmt: skip


def by_hour(name, keys):
    """Seconds of each local hour of each day that a table's times cover."""
    return (
        f"SELECT {keys}, (h AT TIME ZONE z.time_zone)::date AS day, extract(hour FROM h AT TIME ZONE z.time_zone)::int "
        f"AS hour, sum(extract(epoch FROM LEAST(t.end_, h + interval '1 hour', :now) - GREATEST(t.begin, h)))::bigint "
        f"AS seconds FROM {name} t JOIN stations_site z ON z.id = t.site CROSS JOIN LATERAL generate_series("
        f"date_trunc('hour', t.begin), LEAST(t.end_, :now) - interval '1 second', interval '1 hour') h GROUP "
        f"BY {keys}, day, hour"
    )


def lists(name, keys="site, kind"):
    return (
        f"(SELECT {keys}, day, pg_temp.dense(array_agg(hour), array_agg(seconds)) AS hours, sum(seconds) AS seconds "
        f"FROM ({by_hour(name, keys.replace('site', 't.site').replace('kind', 't.kind'))}) h GROUP BY {keys}, day)"
    )


STARTED = """
(SELECT site, kind, day, pg_temp.dense(array_agg(hour), array_agg(number)) AS hours FROM (SELECT k.site, k.kind,
  (s.started_at AT TIME ZONE k.zone)::date AS day, extract(hour FROM s.started_at AT TIME ZONE k.zone)::int AS hour,
  count(*) AS number FROM charging_chargingsession s JOIN large_kind k ON k.evse = s.evse_id LEFT JOIN LATERAL (
  SELECT w.end_ FROM large_wide w WHERE w.site = k.site AND w.kind = k.kind AND w.begin < s.started_at
  ORDER BY w.begin DESC LIMIT 1) w ON true WHERE w.end_ IS NULL OR w.end_ <= s.started_at GROUP BY 1, 2, 3, 4) a
GROUP BY 1, 2, 3)
"""
ZEROS = "array_fill(0::bigint, ARRAY[24])"


def shortage(filler):
    filler.execute(GROUPS)
    for name, told in TIMES:
        filler.execute(f"CREATE TEMP TABLE {name} AS {told}")
        filler.execute(f"ANALYZE {name}")
    filler.execute("CREATE INDEX ON large_wide (site, kind, begin)")
    filler.fill(
        SqueezeDay,
        "(SELECT g.*, d.day FROM large_group g JOIN large_day d USING (zone)) g JOIN large_hours c USING (zone, day) "
        f"LEFT JOIN {lists('large_full')} f USING (site, kind, day) LEFT JOIN {lists('large_wide')} w USING (site, "
        f"kind, day) LEFT JOIN {lists('large_down')} o USING (site, kind, day) LEFT JOIN {STARTED} s USING "
        f"(site, kind, day) LEFT JOIN {lists('large_short', 'site')} p ON p.site = g.site AND "
        f"p.day = g.day AND g.kind = '' "
        "WHERE g.kind = '' OR f.seconds > 0 ORDER BY g.day",
        site_id="g.site", day="g.day", power_class="g.kind", ports="g.ports", full_seconds="COALESCE(f.seconds, 0)",
        down_seconds="COALESCE(o.seconds, 0)", short_seconds="COALESCE(p.seconds, 0)",
        hours=f"jsonb_build_object('full', COALESCE(f.hours, {ZEROS}), 'free', CASE WHEN w.hours IS NULL THEN "
        f"c.seconds ELSE pg_temp.less(c.seconds, w.hours) END, 'starts', COALESCE(s.hours, {ZEROS}))",
    )  # fmt: skip


def estimate(filler, budget_s=90.0):
    """Who comes to the sites that were full, as the worker estimates it, the oldest first: what it does in its time."""
    begin = datetime.now(UTC)
    count = squeezes.estimate_demand(budget_s=budget_s)
    filler.say(f"  {'SiteDemand':<28} {count:>12,} rows {(datetime.now(UTC) - begin).total_seconds():>7.1f} s")
