"""What happens at one moment obeys the rules as what lasts does: off, hours, how bad, how many, at which place."""

from datetime import timedelta

import pytest

from alerts.models import Incident, ProblemReport, Rule
from alerts.rulebook import scope_key
from alerts.services import opening
from alerts.services.reports import report_problem
from alerts.vocabulary import IncidentKind, Severity
from evcms.core import clock
from stations.models import Station
from tests.alerts.conftest import later, make_station

pytestmark = pytest.mark.django_db
EVENTS = ["gateway_lost", "bill_review", "payment_failed", "dispute", "refund_waiting", "driver_report"]
EVERY_DAY = list(range(7))


def rule(organization, kind, *, site=None, station=None, model="", **fields):
    scope = scope_key(site_id=site and site.pk, station_id=station and station.pk, model=model)
    return Rule.objects.create(
        organization=organization, kind=kind, site=site, station=station, station_model=model, scope=scope, **fields
    )


def happens(organization, kind, station=None, **more):
    return opening.by_event(
        kind=IncidentKind(kind), key=f"{kind}:1", title="Something", organization_id=organization.pk,
        station_ids=[station.pk] if station else (), site_id=station.site_id if station else None, **more,
    )  # fmt: skip


@pytest.mark.parametrize("kind", EVENTS)
def test_a_kind_that_is_off_opens_nothing_and_one_with_another_severity_opens_with_that(organization, kind):
    made = rule(organization, kind, enabled=False)
    assert happens(organization, kind) is None
    Rule.objects.filter(pk=made.pk).update(enabled=True, severity=Severity.INFO)
    incident = happens(organization, kind)
    assert (incident.severity, incident.rule) == (Severity.INFO, made)


@pytest.mark.parametrize("kind", EVENTS)
def test_outside_of_its_hours_nothing_is_opened(organization, kind):
    now = clock.now()
    hours = {"weekdays": EVERY_DAY, "from": f"{now + timedelta(hours=3):%H:%M}"}
    rule(organization, kind, schedule=[hours | {"until": f"{now + timedelta(hours=20):%H:%M}"}])
    before = Incident.objects.count()
    happens(organization, kind)
    assert Incident.objects.count() == before
    later(hours=6)
    assert happens(organization, kind) is not None


def test_the_narrowest_rule_counts_at_its_place_alone(organization, station, site, other_site):
    Station.objects.filter(pk=station.pk).update(model="V1")
    other = make_station("OTHER-1", other_site)
    rule(organization, "driver_report", site=site, enabled=False)
    assert happens(organization, "driver_report", station) is None
    assert happens(organization, "driver_report", other) is not None
    rule(organization, "driver_report", model="V1", site=site, severity=Severity.SERIOUS)
    assert happens(organization, "driver_report", station).severity == Severity.SERIOUS


def test_a_steps_and_a_chain_of_a_rule_are_its_incidents_too(organization, station):
    made = rule(organization, "driver_report", recovery=["reset_soft"], recovery_tries=1)
    incident = happens(organization, "driver_report", station)
    assert incident.rule == made


def report(connector, problem="screen", **more):
    return report_problem(connector_id=connector.pk, problem=problem, **more)


def test_one_report_may_be_too_few_and_the_earlier_ones_join_when_there_are_enough(organization, connector):
    rule(organization, "driver_report", threshold=3)
    for _ in range(2):
        assert report(connector).incident is None
    assert not Incident.objects.exists()
    assert report(connector).incident == Incident.objects.get()
    assert ProblemReport.objects.exclude(incident=None).count() == 3


def test_reports_of_another_day_do_not_add_up(organization, connector):
    rule(organization, "driver_report", threshold=2)
    report(connector)
    later(hours=25)
    assert report(connector).incident is None


def test_a_danger_opens_whatever_a_rule_says(organization, connector):
    rule(organization, "driver_report", enabled=False)
    assert report(connector).incident is None
    incident = report(connector, "danger").incident
    assert incident.severity == Severity.CRITICAL
