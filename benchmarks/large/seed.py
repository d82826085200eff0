"""Fills a migrated PostgreSQL: one organization with a year behind it. `scale` 1: 10,000 stations, 1 million sessions,
50 million readings. Everything that pages read agrees: readings with sessions, hours and bills, bills with payments,
receipts and the journal.
"""

import json
import time
import uuid
from datetime import timedelta
from types import SimpleNamespace

from django.apps import apps
from django.db.models import AutoField, Max

from billing import lookup
from billing.models import ReceiptCounter
from evcms.core import audit, clock
from evcms.core.models import AuditEntry, User
from stations import services as stations
from stations.models import Gateway
from tests.security import world
from tests.stations.conftest import make_access

from . import charging, days, lives, money, street, sums, talk, trouble, usage
from .filling import Filler, bare, quoted, reset_sequences

LABELS = ("stations", "charging", "billing", "alerts", "core")
EMAIL, MARK = "owner@large.example", "LARGE"
STATIONS, SITES, DRIVERS = 10_000, 2_000, 40_000
PER_EVSE, SAMPLES = 51, 50  # sessions of an EVSE in a year; readings of a session


def seed(*, scale=1.0, say=print):
    """Returns the examples (tests.security.world.Holdings) and their owner, for the pages' addresses."""
    begin = time.monotonic()
    owner = make_access(world.organization(MARK), email=EMAIL)
    holdings = world.fill(owner, MARK, 1)
    gateway = stations.gateway_started(gateway_id=uuid.uuid4(), host="large", pid=1)
    Gateway.objects.update(lease_until=clock.now() + timedelta(days=30))
    filler = Filler(values(owner, holdings, gateway, scale), say)
    with bare(LABELS, say):
        for part in (street, lives, charging, days, usage, money, sums, talk, trouble):
            part.pour(filler)
    reset_sequences(LABELS)
    lives.count(say)
    remember(owner, holdings)
    filler.execute("VACUUM (ANALYZE)")  # as autovacuum would have over the year; not all at once while pages are timed
    usage.estimate(filler)
    sums.customers(filler)
    say(f"  seeded in {time.monotonic() - begin:.0f} s")
    return SimpleNamespace(owner=owner, holdings=holdings)


def values(owner, holdings, gateway, scale):
    now, rows = clock.now(), holdings.rows
    ReceiptCounter.objects.get_or_create(organization=owner.organization, year=now.year)
    return {
        "org": owner.organization.pk, "now": f"'{now.isoformat()}'::timestamptz", "base": highest() + 100,
        "gateway": f"'{gateway.pk}'::uuid", "user": owner.user.pk, "tariff": rows.tariff.pk,
        "snapshot": lookup.snapshot_of(rows.tariff).pk, "document": quoted(json.dumps(rows.receipt.document)),
        "stations": max(20, int(STATIONS * scale)), "sites": max(10, int(SITES * scale)),
        "drivers": max(40, int(DRIVERS * scale)), "per_evse": PER_EVSE, "samples": SAMPLES,
        "zone": quoted(owner.organization.time_zone), "year": now.year, "permille": max(1, int(1000 * scale)),
    }  # fmt: skip


def highest():
    """The largest number of any row so far: the examples' are below all of the network's."""
    models = [model for label in LABELS for model in apps.get_app_config(label).get_models()]
    numbered = [model for model in models if isinstance(model._meta.pk, AutoField)]
    return max(model._base_manager.aggregate(most=Max("pk"))["most"] or 0 for model in numbered)


def remember(owner, holdings):
    """A line of the audit log that says where the examples are, for a run that finds the network filled."""
    told = {name: [row._meta.label, str(row.pk)] for name, row in vars(holdings.rows).items() if hasattr(row, "_meta")}
    audit.record(owner, "bench.seeded", owner.organization, **told)


def again():
    """(owner, examples) of a network that was filled before. Raises AuditEntry.DoesNotExist when that broke off."""
    told = AuditEntry.objects.get(action="bench.seeded")
    rows = {name: apps.get_model(label).objects.get(pk=pk) for name, (label, pk) in told.detail.items()}
    owner = SimpleNamespace(user=User.objects.get(email=EMAIL), organization=told.organization)
    return owner, world.Holdings(MARK, SimpleNamespace(**rows))
