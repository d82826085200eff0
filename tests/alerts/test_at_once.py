"""Two workers sweep at the same moment: one incident, one line, one message. On SQLite and on PostgreSQL."""

from datetime import timedelta

import pytest

from alerts import services
from alerts.models import Incident, IncidentEntry, Notification, Telling
from alerts.services import looking
from alerts.services.subscriptions import at_connector
from evcms.core import clock
from stations import services as stations
from stations.models import Connector, MaintenanceWindow
from tests.alerts.conftest import later, make_contact, make_station
from tests.stations.test_concurrency import at_once

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


def both(action):
    """Threads have caches of their own only where a process would: what a sweep remembers is forgotten first."""
    looking.forget()
    at_once(action, action, action)


def test_sweeps_at_once_open_one_incident_each_and_resolve_it_once(site, organization, deliver):
    make_contact(organization, "duty@example.org", least_severity=1)
    names = [make_station(f"DARK-{number}", site) for number in range(4)]
    faulty = make_station("FAULTY-1", site)
    type(faulty).objects.filter(pk__in=[one.pk for one in names]).update(offline_since=clock.now())
    fault = Connector.objects.filter(station=faulty).order_by("pk")[:1].get()
    Connector.objects.filter(pk=fault.pk).update(status="faulted", status_at=clock.now(), error_code="Ground")
    later(minutes=3)
    for _ in range(2):
        both(services.sweep)
        both(deliver)
    opened = sorted(Incident.objects.values_list("kind", flat=True))
    assert opened == ["connector_faulted", "site_dark"]
    assert IncidentEntry.objects.filter(text__startswith="Opened:").count() == 2
    both(services.tell)
    assert Telling.objects.filter(kind="opened").count() == Notification.objects.count()
    keys = list(Notification.objects.values_list("incident", flat=True))
    assert len(keys) == len(set(keys))
    Connector.objects.update(status="available")
    both(services.sweep)
    both(deliver)
    fixed = Incident.objects.get(kind="connector_faulted")
    assert fixed.state == "resolved"
    assert fixed.entries.filter(text__contains="gone").count() == 1


def test_a_window_that_two_workers_announce_is_told_once(connector, owner, station, deliver):
    for number in range(3):
        wanted = at_connector(connector_id=connector.pk, topics=["maintenance"])
        services.confirm(token=services.subscribe(wanted=wanted, email=f"d{number}@example.org", language="en").token)
    start = clock.now() + timedelta(days=1)
    stations.plan_maintenance(
        access=owner, title="Cable", station=station, starts_at=start, ends_at=start + timedelta(hours=1)
    )
    both(deliver)
    both(services.announce)
    assert Notification.objects.filter(template="maintenance").count() == 3
    assert MaintenanceWindow.objects.count() == 1
