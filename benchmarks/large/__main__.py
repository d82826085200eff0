"""`make bench-large`: fills a PostgreSQL with the large network and measures every operator page in it.

    python -m benchmarks.large [--scale 0.1] [--requests 50] [--only stations,session]

With DATABASE_URL set (an empty database) it fills that one, or measures it when it is filled already; else it starts a
server of its own, which goes with its 16 GB when the run ends. Writes var/bench-large.json; fails when a page is slow.
"""

import argparse
import json
import logging
import os
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

BASE = Path(__file__).resolve().parent.parent.parent
RESULT = BASE / "var" / "bench-large.json"
SERVER = {"shared_buffers": "1GB", "max_wal_size": "8GB", "wal_level": "minimal", "max_wal_senders": "0"}


def main():
    wish = arguments()
    if os.environ.get("DATABASE_URL", "").startswith("postgres"):
        return measured(wish)
    from tests.fixtures.postgres import serving

    with serving(**SERVER) as address:
        os.environ["DATABASE_URL"] = address
        return measured(wish)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0, help="share of the large network (default 1)")
    parser.add_argument("--requests", type=int, default=50, help="warm requests a page")
    parser.add_argument("--only", default="", help="names of pages, with commas")
    parser.add_argument("--without", default="", help="names of pages to leave out, with commas")
    return parser.parse_args()


def measured(wish):
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("EVCMS_DATA_DIR", folder)
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evcms.settings")
        import django

        django.setup()
        from django.conf import settings
        from django.core.management import call_command

        settings.ALLOWED_HOSTS = ["*"]
        call_command("migrate", verbosity=0, skip_checks=True)
        silence()
        owner, holdings, seeded = filled(wish.scale)
        from . import pages

        found = pages.addresses(holdings, examples(owner.organization))
        if wish.only:
            found = {name: address for name, address in found.items() if name in wish.only.split(",")}
        found = {name: address for name, address in found.items() if name not in wish.without.split(",")}
        timings = pages.walk(owner.user, found, requests=wish.requests)
        told = {"scale": wish.scale, **seeded, "pages": pages.as_rows(timings)}
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(told, indent=2) + "\n")
    bad = [timing for timing in timings if not timing.good]
    print(f"\n{len(timings)} pages, {len(bad)} beyond {pages.MOST_MS} ms or {pages.MOST_QUERIES} queries. {size()}")
    for timing in bad:
        print(timing.line())
    return int(bool(bad))


def silence():
    """No signal server here, and no line of the log for each request."""
    from evcms.core import events

    logging.disable(logging.WARNING)

    class Alone:
        def nudge(self, task):
            """Nobody works here."""

        def broadcast(self, group, message):
            """Nobody listens."""

    events.use_transport(Alone())


def filled(scale):
    from evcms.core.models import User

    from .seed import EMAIL, again, seed

    if User.objects.filter(email=EMAIL).exists():
        return *again(), {}
    begin = time.monotonic()
    made = seed(scale=scale)
    return made.owner, made.holdings, {"seeded_s": round(time.monotonic() - begin), "size": size()}


def size():
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_size_pretty(pg_database_size(current_database()))")
        return cursor.fetchone()[0]


def examples(organization):
    """Rows of the large network: the busiest site and one of its stations, a paid session of last week."""
    from django.db.models import Count

    from alerts.models import Incident
    from billing.models import Payment, Receipt
    from sessions.models import ChargingSession
    from stations.models import Command, Connector, Site, Station

    site = Site.objects.filter(organization=organization).annotate(count=Count("stations")).order_by("-count")[0]
    station = Station.objects.filter(site=site).order_by("pk")[0]
    session = ChargingSession.objects.filter(station=station, state="ended", driver=None).order_by("-started_at")[0]
    found = {
        "site": site, "station": station, "session": session, "connector": Connector.objects.filter(station=station)[0],
        "command": Command.objects.filter(station=station)[0],
        "incident": Incident.objects.filter(organization=organization, state="open").order_by("-pk")[0],
        "payment": Payment.objects.get(session=session), "receipt": Receipt.objects.get(bill=session.bill),
    }  # fmt: skip
    return vars(SimpleNamespace(**found))


if __name__ == "__main__":
    sys.exit(main())
