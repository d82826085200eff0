"""`make bench`: one look for trouble at 2,000 stations with 200 running sessions; the worker does it every ten seconds.

Prints CPU seconds a sweep: while all is well, when every station goes dark at once, and while that lasts. Fails when
one takes more than it may. Writes var/bench-sweep.json.
"""

import json
import os
import sys
import tempfile
import time
from pathlib import Path

BASE = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(BASE))
RESULT = BASE / "var" / "bench-sweep.json"
STATIONS, SITES, READINGS = 2_000, 100, 60
MOST_SECONDS = 1.0
TRIES = 5


class Alone:
    """No signal server here."""

    def nudge(self, task):
        """The run is called by hand."""

    def broadcast(self, group, message):
        """Nobody listens."""


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DATABASE_URL"] = f"sqlite:///{folder}/bench.sqlite3"
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evcms.settings")
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        rows = measured()
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(rows, indent=2) + "\n")
    for what, seconds in rows.items():
        print(f"{what:<36} {seconds:>6.2f} s of CPU")
    return int(max(rows.values()) > MOST_SECONDS)


def measured() -> dict[str, float]:
    import uuid
    from datetime import timedelta

    from alerts import services
    from alerts.models import Incident
    from alerts.services import looking
    from evcms.core import clock, events
    from evcms.core.models import Organization
    from stations import services as stations
    from stations.models import Gateway, Station
    from tests.alerts.many import fill, readings

    events.use_transport(Alone())
    gateway = stations.gateway_started(gateway_id=uuid.uuid4(), host="bench", pid=1)
    Gateway.objects.update(started_at=clock.now() - timedelta(days=1), lease_until=clock.now() + timedelta(days=1))
    organization = Organization.objects.create(name="Bench", slug="bench")
    fill(organization, gateway, sites=SITES, stations_each=STATIONS // SITES)
    readings(READINGS)

    def sweep() -> float:
        looking.forget()  # so that even what runs every ten minutes only is in it
        begin = time.process_time()
        services.sweep()
        return time.process_time() - begin

    sweep()
    well = min(sweep() for _ in range(TRIES))
    assert not Incident.objects.exists()
    Station.objects.update(connection=None, offline_since=clock.now() - timedelta(seconds=100))
    dark = sweep()
    assert Incident.objects.count() == 1
    lasts = min(sweep() for _ in range(TRIES))
    return {"all is well": well, "all go dark at once": dark, "all stay dark": lasts}


if __name__ == "__main__":
    sys.exit(main())
