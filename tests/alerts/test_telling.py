"""Whom an incident wakes: the chain by the clock, until somebody has it."""

from datetime import date, time, timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from alerts import services
from alerts.models import (
    Destination,
    EscalationPolicy,
    Incident,
    Notification,
    OnCallSchedule,
    Recipient,
    Rule,
    Telling,
)
from alerts.services import duty, telling
from alerts.vocabulary import IncidentKind, IncidentState
from evcms.core import clock
from evcms.core.access import Role
from stations.models import MaintenanceWindow
from tests.alerts.conftest import later, make_access, make_contact

pytestmark = pytest.mark.django_db


@pytest.fixture
def trouble(station, deliver):
    def run(key="k", severity=3, **more):
        more = {"station_ids": [station.pk], "site_id": station.site_id} | more
        incident = services.open_incident(
            kind=IncidentKind.STATION_OFFLINE, key=key, title=f"Trouble {key}", severity=severity, recovery=(),
            organization_id=station.organization_id, **more,
        )  # fmt: skip
        deliver()
        return incident

    return run


def told():
    return list(Notification.objects.order_by("pk").values_list("to", "template"))


def opened_to():
    return [to for to, template in told() if template == "incident_opened"]


def wait(**span):
    later(**span)
    services.wake()
    services.tell()


@pytest.fixture
def chain(organization, owner):
    """Ann by the rota, a quarter of an hour later Bob; once more from the beginning."""
    ann, bob = (
        make_contact(organization, "ann@x.org", least_severity=4),
        make_contact(organization, "bob@x.org", least_severity=4),
    )
    rota = duty.save_schedule(
        access=owner, schedule=None, name="Nights", time_zone="Europe/Amsterdam", starts_on=date(2020, 1, 6),
        turn_days=7, hand_over_at=time(9), recipients=[ann.pk],
    )  # fmt: skip
    levels = [duty.Level(0, schedule_id=rota.pk), duty.Level(15, recipient_id=bob.pk)]
    return duty.save_policy(
        access=owner, policy=None, name="All", default=True, least_severity=3, repeat=1, levels=levels
    )


def test_the_chain_climbs_by_the_clock_until_it_is_over(chain, trouble):
    trouble()
    assert opened_to() == ["ann@x.org"]
    wait(minutes=14)
    assert opened_to() == ["ann@x.org"]
    wait(minutes=1, seconds=1)
    assert opened_to() == ["ann@x.org", "bob@x.org"]
    wait(minutes=15, seconds=1)
    wait(minutes=15, seconds=1)
    assert opened_to() == ["ann@x.org", "bob@x.org"] * 2
    for _hour in range(5):
        wait(hours=1)
    assert len(opened_to()) == 4


def test_who_acknowledges_by_the_link_ends_the_chain(chain, trouble, client):
    trouble()
    token = Telling.objects.get().token
    assert f"/u/incident/{token}/" in Notification.objects.get().text
    page = client.get(f"/u/incident/{token}/")
    assert Incident.objects.get().state == IncidentState.OPEN  # mail scanners look too
    assert "I look after it" in page.content.decode()
    assert "It is yours" in client.post(f"/u/incident/{token}/").content.decode()
    incident = Incident.objects.get()
    assert incident.state == IncidentState.ACKNOWLEDGED
    assert "ann@x.org" in incident.entries.filter(text="Acknowledged").get().actor
    wait(hours=2)
    assert opened_to() == ["ann@x.org"]
    again = client.post(f"/u/incident/{token}/")
    assert "Somebody has it" in again.content.decode()


def test_only_who_was_told_hears_that_it_is_over(chain, trouble, deliver):
    trouble()
    services.resolve_key(key="k", text="gone")
    deliver()
    wait(hours=1)
    assert told() == [("ann@x.org", "incident_opened"), ("ann@x.org", "incident_resolved")]


def test_a_level_that_reaches_nobody_costs_no_time(chain, trouble, organization):
    OnCallSchedule.objects.get().turns.all().delete()
    trouble()
    assert opened_to() == ["bob@x.org"]


def test_when_nobody_can_be_reached_the_owners_hear_of_it(chain, trouble, owner):

    Destination.objects.update(disabled_at=clock.now(), disabled_reason="bounced")
    trouble()
    assert told() == [(owner.user.email, "incident_unreached")]
    assert Incident.objects.get().entries.filter(text__contains="Nobody could be told").exists()


def test_less_than_the_chains_severity_goes_to_all_who_want_to_hear_it(chain, trouble, contact):
    trouble(severity=2)
    assert opened_to() == ["duty@example.org"]


@pytest.mark.parametrize("severity", [1, 2])
def test_what_is_too_small_for_everybody_is_no_alarm_to_the_owners(chain, trouble, severity):
    trouble(severity=severity)
    assert told() == []
    lines = list(Incident.objects.get().entries.values_list("text", flat=True))
    assert any("below the severity from which people are told" in line for line in lines)
    assert not any("could be told" in line for line in lines)


def test_who_wants_to_hear_of_little_and_cannot_is_an_alarm_to_the_owners(chain, trouble, contact, owner):
    contact.destinations.update(disabled_at=clock.now(), disabled_reason="bounced")
    trouble(severity=2)
    assert told() == [(owner.user.email, "incident_unreached")]


def test_serious_trouble_where_nobody_watches_is_an_alarm_to_the_owners(trouble, contact, other_site, owner):
    contact.sites.set([other_site])
    trouble()
    assert told() == [(owner.user.email, "incident_unreached")]


def test_a_rules_own_chain_takes_the_place_of_the_default(chain, trouble, organization, owner):
    eve = make_contact(organization, "eve@x.org")
    own = duty.save_policy(
        access=owner, policy=None, name="Eve", default=False, least_severity=1, repeat=0,
        levels=[duty.Level(0, recipient_id=eve.pk)],
    )  # fmt: skip
    rule = Rule.objects.create(organization=organization, kind="station_offline", policy=own)
    trouble(rule_id=rule.pk)
    assert opened_to() == ["eve@x.org"]


def test_a_contact_of_other_sites_hears_nothing(trouble, contact, other_site):
    contact.sites.set([other_site])
    make_contact(contact.organization, "all@x.org")
    trouble()
    assert opened_to() == ["all@x.org"]


def test_snoozed_is_silent_until_its_end_and_then_says_so(chain, trouble, owner):
    incident = trouble()
    services.snooze(access=owner, incident=incident, until=clock.now() + timedelta(hours=3))
    wait(hours=2)
    assert len(opened_to()) == 1
    wait(hours=1, seconds=1)
    assert len(opened_to()) == 2
    assert Incident.objects.get().entries.filter(text="The snooze is over").exists()


def test_what_gets_worse_wakes_a_snoozed_and_an_acknowledged_incident(chain, trouble, owner):
    incident = trouble()
    services.acknowledge(access=owner, incident=incident)
    services.snooze(access=owner, incident=Incident.objects.get(), until=clock.now() + timedelta(hours=3))
    trouble(severity=3)
    wait(seconds=1)
    assert len(opened_to()) == 1
    trouble(severity=4)
    wait(seconds=1)
    row = Incident.objects.get()
    assert (row.state, row.severity, row.snoozed_until) == (IncidentState.OPEN, 4, None)
    assert len(opened_to()) == 2


def test_a_snooze_has_an_end_that_lies_ahead(trouble, owner):
    incident = trouble()
    for until in (clock.now(), clock.now() + timedelta(days=31)):
        with pytest.raises(ValidationError):
            services.snooze(access=owner, incident=incident, until=until)


def test_maintenance_silences_and_its_end_speaks(contact, trouble, station):
    now = clock.now()
    MaintenanceWindow.objects.create(
        organization=station.organization, station=station, title="x", state="running",
        starts_at=now - timedelta(hours=1), ends_at=now + timedelta(minutes=30),
    )  # fmt: skip
    trouble()
    wait(minutes=20)
    assert told() == []
    wait(minutes=11)
    assert opened_to() == ["duty@example.org"]
    assert Incident.objects.get().entries.filter(text__contains="in maintenance").count() == 1


def test_what_another_incident_explains_tells_nobody_until_that_is_over(contact, trouble, deliver):
    cause = trouble("cause")
    child = trouble("child", cause=cause)
    wait(minutes=30)
    assert opened_to() == ["duty@example.org"]
    assert list(cause.effects.all()) == [child]
    services.resolve_key(key="cause", text="gone")
    deliver()
    wait(minutes=1)
    assert len(opened_to()) == 1
    wait(minutes=2)
    assert len(opened_to()) == 2


def test_a_storm_of_fifty_is_five_messages_and_one_list(contact, trouble):
    for number in range(50):
        trouble(f"k{number}")
        services.tell()
    assert len(told()) == 5
    wait(seconds=30)
    assert len(told()) == 5
    wait(seconds=31)
    assert [template for _to, template in told()[5:]] == ["incident_storm"]
    assert all(f"Trouble k{number}" in Notification.objects.last().text for number in range(5, 50))
    wait(minutes=5)
    assert len(told()) == 6


def test_of_a_storm_that_is_over_before_its_list_nothing_is_told(contact, trouble, deliver):
    for number in range(8):
        trouble(f"k{number}")
    for number in range(8):
        services.resolve_key(key=f"k{number}", text="gone")
    deliver()
    wait(minutes=2)
    said = Notification.objects.exclude(template="incident_opened")
    assert "Trouble k6" not in "".join(said.values_list("text", flat=True))


def test_what_a_person_resolved_stays_resolved_while_nothing_changes(contact, trouble, owner, deliver):
    incident = trouble()
    services.resolve(access=owner, incident=incident, text="We know")
    for _sweep in range(20):
        later(seconds=10)
        trouble()
    assert Incident.objects.count() == 1
    trouble(severity=4)
    assert [row.state for row in Incident.objects.order_by("pk")] == ["resolved", "open"]


def test_what_a_person_resolved_and_that_was_gone_comes_back_as_a_new_one(contact, trouble, owner):
    incident = trouble()
    services.resolve(access=owner, incident=incident)
    services.resolve_key(key="k", text="gone")
    later(minutes=16)
    trouble()
    assert Incident.objects.count() == 2


def test_nobody_touches_incidents_of_sites_that_he_does_not_see(trouble, organization, site, other_site):
    from stations.models import SiteGrant

    incident = trouble()
    limited = make_access(organization, Role.OPERATOR, all_sites=False)
    SiteGrant.objects.create(membership=limited.membership, site=other_site)
    for act in (services.acknowledge, services.resolve):
        with pytest.raises(PermissionDenied):
            act(access=limited, incident=incident)


class Killed(BaseException):
    """The worker is gone between two lines."""


@pytest.mark.parametrize("name", ["_plan_next", "_tell", "notify", "_single"])
def test_a_worker_killed_anywhere_in_telling_tells_once_in_the_end(name, chain, trouble, monkeypatch, deliver):
    incident = trouble(severity=2)  # of no interest to the chain yet, nobody wants to hear it
    Notification.objects.all().delete()
    real = getattr(telling, name)

    def die(*args, **kwargs):
        real(*args, **kwargs)
        raise Killed

    services.raise_severity(incident=incident, severity=3)
    with monkeypatch.context() as patch:
        patch.setattr(telling, name, die)
        with pytest.raises(Killed):
            services.tell()
    assert told() == []
    services.tell()
    deliver()
    assert opened_to() == ["ann@x.org"]
    wait(minutes=15, seconds=1)
    assert opened_to() == ["ann@x.org", "bob@x.org"]


def test_a_chain_step_taken_by_two_workers_is_taken_once(chain, trouble):
    incident = trouble()
    later(minutes=16)
    at = Incident.objects.get().escalate_at
    assert telling.take_step(incident_id=incident.pk, at=at)
    assert not telling.take_step(incident_id=incident.pk, at=at)
    telling.flush()
    assert telling.flush() == 0
    assert opened_to() == ["ann@x.org", "bob@x.org"]


def test_a_stand_in_is_woken_in_place_of_who_is_on_call(chain, trouble, organization, owner):
    eve = make_contact(organization, "eve@x.org", least_severity=4)
    now = clock.now()
    duty.swap(
        access=owner, schedule=OnCallSchedule.objects.get(), recipient_id=eve.pk, starts_at=now,
        ends_at=now + timedelta(hours=8),
    )  # fmt: skip
    trouble()
    assert opened_to() == ["eve@x.org"]


def test_a_new_default_chain_takes_the_old_ones_place(chain, owner, organization):
    contact = make_contact(organization, "eve@x.org")
    duty.save_policy(
        access=owner, policy=None, name="New", default=True, least_severity=3, repeat=0,
        levels=[duty.Level(5, recipient_id=contact.pk)],
    )  # fmt: skip
    assert [row.name for row in EscalationPolicy.objects.filter(default=True)] == ["New"]


def test_a_first_level_that_waits_is_told_after_its_minutes(trouble, owner, organization):
    eve = make_contact(organization, "eve@x.org")
    duty.save_policy(
        access=owner, policy=None, name="Slow", default=True, least_severity=1, repeat=0,
        levels=[duty.Level(5, recipient_id=eve.pk)],
    )  # fmt: skip
    trouble()
    assert told() == []
    wait(minutes=5, seconds=1)
    assert opened_to() == ["eve@x.org"]


def test_rows_of_another_organization_are_refused(chain, rival, owner):
    stranger = make_access(rival)
    foreign = make_contact(rival, "foreign@x.org")
    with pytest.raises(PermissionDenied):
        duty.remove_policy(access=stranger, policy=chain)
    with pytest.raises(ValidationError):
        duty.save_policy(
            access=owner, policy=None, name="X", default=False, least_severity=3, repeat=0,
            levels=[duty.Level(0, recipient_id=foreign.pk)],
        )  # fmt: skip


def test_systems_hear_what_they_chose_of_the_sites_that_are_theirs(trouble, organization, owner, deliver, other_site):
    system = Recipient.objects.create(
        organization=organization, audience="system", name="Desk", events=["incident.opened", "incident.resolved"]
    )
    Destination.objects.create(
        organization=organization, recipient=system, audience="system", channel="webhook",
        address="https://desk.example/hook", confirmed_at=clock.now(),
    )  # fmt: skip
    far = Recipient.objects.create(organization=organization, audience="system", name="Far")
    far.sites.set([other_site])
    incident = trouble()
    services.acknowledge(access=owner, incident=incident)
    services.resolve_key(key="k", text="gone")
    deliver()
    said = Notification.objects.filter(recipient__audience="system").order_by("pk")
    assert [row.data["event"] for row in said] == ["incident.opened", "incident.resolved"]
    assert said[1].data["incident"]["state"] == "resolved"
    assert {row.recipient for row in said} == {system}
