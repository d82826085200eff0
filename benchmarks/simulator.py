"""`make bench`: the tariff simulator over 100,000 past sessions, as its worker runs it.

Makes an empty database with bills as settlement leaves them, tries an intricate draft on all of them and prints the
seconds; also the tariff they were billed with, which must reproduce every amount. Writes var/bench-simulator.json.
"""

import argparse
import json
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

BASE = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(BASE))
RESULT = BASE / "var" / "bench-simulator.json"
MOST_SECONDS = 60.0


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--sessions", type=int, default=100_000)
    asked = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DATABASE_URL"] = f"sqlite:///{folder}/bench.sqlite3"
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evcms.settings")
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        rows = measured(asked.sessions)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(rows, indent=2) + "\n")
    for row in rows:
        print("{what:<22} {sessions:>8} sessions {seconds:>7.1f} s {per_session_us:>6.0f} µs each".format(**row))
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MiB")
    slow = [row["what"] for row in rows if row["seconds"] * 100_000 > MOST_SECONDS * row["sessions"]]
    changed = [row["what"] for row in rows if row["what"] == "as billed" and row["changed"]]
    if slow or changed:
        print(f"too slow: {slow}; changed what was billed: {changed}")
    return int(bool(slow or changed))


class Alone:
    """No signal server here."""

    def nudge(self, task):
        """The run is called by hand."""

    def broadcast(self, group, message):
        """Nobody listens."""


def measured(number):
    from datetime import timedelta

    from billing import lookup
    from billing import services as billing
    from billing.models import Tariff
    from evcms.core import clock, events
    from evcms.core.models import Organization
    from stations.models import Site
    from tests.billing.past import past_sessions
    from tests.billing.test_simulation import intricate
    from tests.stations.conftest import make_access, make_station
    from tests.tariffs import flat

    events.use_transport(Alone())
    organization = Organization.objects.create(name="Bench", slug="bench")
    access = make_access(organization)
    site = Site.objects.create(organization=organization, name="Bench", latitude=52.0, longitude=5.0)
    connector = make_station("BENCH-1", site).connectors.select_related("station__site", "evse").first()
    tariff = Tariff.objects.create(
        organization=organization, name="Street", currency="EUR", **flat(per_kwh="0.49", idle_per_minute="0.10")
    )
    begin = time.perf_counter()
    past_sessions(tariff, connector, number, every=timedelta(minutes=10))
    print(f"{number} sessions made in {time.perf_counter() - begin:.0f} s", flush=True)
    today = clock.now().date()
    rows = []
    for what, draft in (("as billed", None), ("an intricate draft", intricate(lookup.terms_of(tariff)))):
        run = billing.simulate(
            access=access, name=what, draft=draft, currency="EUR", tariff=tariff, sites=[site],
            since=today.replace(year=today.year - 3), until=today,
        )  # fmt: skip
        begin = time.perf_counter()
        billing.run_simulations()
        seconds = time.perf_counter() - begin
        run.refresh_from_db()
        assert run.state == "done", run.error
        rows.append(
            {
                "what": what,
                "sessions": run.done,
                "seconds": round(seconds, 2),
                "per_session_us": seconds / max(1, run.done) * 1e6,
                "changed": run.result["cheaper"] + run.result["dearer"],
            }
        )
    return rows


if __name__ == "__main__":
    sys.exit(main())
