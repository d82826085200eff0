"""Counted days say to the second what the intervals say, whatever happened, however late, and in every zone."""

import threading
import uuid
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evcms.core import clock
from stations import availability_days, services, uptimes
from stations.models import (
    AvailabilityDay,
    AvailabilityDayMark,
    Connection,
    Connector,
    Evse,
    Exclusion,
    Site,
    Station,
    StatusChange,
)
from stations.scope_forms import ScopeForm
from stations.services import availability_days as counting
from stations.uptimes import Asked

from .conftest import make_station

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ZONES = {  # clocks that change in the days before, in spring and in autumn; midnights that there are not
    "Europe/Amsterdam": datetime(2026, 10, 29, 11, 13, 7, 250_000, UTC),
    "America/New_York": datetime(2026, 3, 12, 3, 59, 1, 999_999, UTC),
    "Asia/Kolkata": datetime(2026, 6, 1, 18, 30, tzinfo=UTC),
    "Asia/Beirut": datetime(2026, 3, 31, 21, 5, tzinfo=UTC),
    "Pacific/Auckland": datetime(2026, 4, 8, 12, 0, 30, tzinfo=UTC),
}
STATUSES = ("available", "faulted", "unavailable", "charging", "reserved")


class Street:
    """Three stations of two sites, one of which is far away and closed at night. Time stands still between steps."""

    def __init__(self, owner, site, time_machine, zone, rng):
        self.owner, self.rng, self.machine = owner, rng, time_machine
        self.move_to(ZONES[zone])
        owner.organization.time_zone = zone
        owner.organization.save()
        far = Site.objects.create(
            organization=owner.organization, name="Far", time_zone="Pacific/Auckland", latitude=1, longitude=1,
            opening_hours="Mo-Fr 06:00-22:00; Sa 08:00-18:00",
        )  # fmt: skip
        self.sites = [site, far]
        self.gateway = services.gateway_started(gateway_id=uuid.uuid4(), host="gw", pid=1).pk
        self.stations = [make_station(f"S-{number}", rng.choice(self.sites)) for number in range(3)]
        Connector.objects.filter(station=self.stations[0]).update(max_power_w=150_000)
        for station in self.stations:
            for plug in station.connectors.all():
                self.say(plug, "available", rng.randrange(9 * 24, 40 * 24))

    def move_to(self, moment):
        self.now = moment
        self.machine.move_to(moment, tick=False)

    def say(self, plug, status, hours):
        tell(plug, status, hours, self.rng.randrange(3600))

    def plug(self):
        return self.rng.choice(list(Connector.objects.filter(archived_at=None).order_by("pk")))

    # What may happen

    def word(self):
        self.say(self.plug(), self.rng.choice(STATUSES), self.rng.choice((1, 5, 20, 60, 200, 500)))

    def link(self):
        station = self.rng.choice(self.stations)
        begin = self.now - self.rng.randrange(20, 300) * HOUR
        Connection.objects.create(
            station=station, gateway_id=self.gateway, protocol="ocpp1.6", opened_at=begin,
            closed_at=begin + self.rng.randrange(1, 19) * HOUR,
        )  # fmt: skip
        services.availability.touch([station.pk], begin)

    def exclude(self):
        begin = self.now - self.rng.randrange(30, 400) * HOUR
        services.add_exclusion(
            access=self.owner, kind=self.rng.choice(("utility", "vandalism", "no_delivery")), reason="So it was",
            starts_at=begin, ends_at=begin + self.rng.randrange(1, 90) * HOUR, link="https://grid.example/1",
            site=self.rng.choice([None, *self.sites]),
        )  # fmt: skip

    def void(self):
        if row := Exclusion.objects.filter(voided_at=None).first():
            services.void_exclusion(access=self.owner, exclusion=row, reason="A mistake")

    def terms(self):
        services.set_terms(
            access=self.owner, site=self.rng.choice([None, *self.sites]),
            values={
                "target_permille": self.rng.choice((900, 990)), "hours": self.rng.choice(("", "Mo-Su 07:00-21:30")),
                "offline_counts": self.rng.choice((True, False)), "kinds": self.rng.choice(([], ["utility"])),
                "grace_minutes": self.rng.choice((0, 600)), "cap_minutes": self.rng.choice((None, 30)),
                "statements": [],
            },
        )  # fmt: skip

    def drop_terms(self):
        services.drop_terms(access=self.owner, site=self.sites[0])

    def hours(self):
        hours = self.rng.choice(("24/7", "Mo-Su 08:00-20:00", ""))
        services.edit_site(access=self.owner, site=self.rng.choice(self.sites), values={"opening_hours": hours})

    def wander(self):
        station, site = self.rng.choice(self.stations), self.rng.choice(self.sites)
        services.edit_station(access=self.owner, station=station, values={"site": site})

    def stronger(self):
        station = self.rng.choice(self.stations)
        plugs = [{"evse": 1, "max_power_w": self.rng.choice((22_000, 50_000))}]
        plugs += [{"evse": 2}] if self.rng.random() < 0.6 else []
        services.set_connectors(access=self.owner, station=station, connectors=plugs)

    def away(self):
        services.archive_station(access=self.owner, station=self.rng.choice(self.stations))

    def come(self):
        evse = Evse.objects.create(station=self.rng.choice(self.stations), number=3 + Evse.objects.count())
        plug = Connector.objects.create(evse=evse, station=evse.station, max_power_w=self.rng.choice((11_000, 150_000)))
        self.say(plug, "available", self.rng.choice((0, 3, 30, 300)))

    def count(self):
        services.count_availability_days()

    def later(self):
        self.move_to(self.now + self.rng.choice((HOUR, 13 * HOUR, 49 * HOUR)))

    def zone(self):
        self.owner.organization.time_zone = self.rng.choice(sorted(ZONES))
        self.owner.organization.save()

    def check(self):
        today = self.now.date()
        some = {"since": today - DAY * self.rng.randrange(60), "until": today - DAY * self.rng.randrange(-1, 9)}
        for said in (None, {name: str(day) for name, day in some.items()}):
            same(self.owner, said)


STEPS = (
    "word", "word", "word", "link", "exclude", "void", "terms", "drop_terms", "hours", "wander", "stronger", "away",
    "come", "count", "count", "later", "later", "zone",
)  # fmt: skip


def lives(examples):
    return settings(max_examples=examples, suppress_health_check=list(HealthCheck))


def one_life(owner, site, time_machine, zone, steps, seed):
    with transaction.atomic():
        street = Street(owner, site, time_machine, zone, Random(seed))
        services.derive_availability()
        street.count()
        street.check()
        for step in steps:
            getattr(street, step)()
            services.derive_availability()
            street.check()
        street.count()
        street.check()
        columns = [field.attname for field in AvailabilityDay._meta.fields if field.attname != "id"]
        counted = sorted(AvailabilityDay.objects.values_list(*columns))
        counting.count_availability_days(again=True)
        assert counted == sorted(AvailabilityDay.objects.values_list(*columns))
        transaction.set_rollback(True)


LIFE = (st.sampled_from(sorted(ZONES)), st.lists(st.sampled_from(STEPS), min_size=3, max_size=7), st.integers(0, 2**32))


@lives(6)
@given(*LIFE)
def test_days_say_what_the_intervals_say(owner, site, time_machine, zone, steps, seed):
    one_life(owner, site, time_machine, zone, steps, seed)


@pytest.mark.long
@lives(40)
@given(*LIFE)
def test_days_say_what_the_intervals_say_of_many_lives(owner, site, time_machine, zone, steps, seed):
    one_life(owner, site, time_machine, zone, steps, seed)


def same(owner, said=None):
    scope = ScopeForm(said, access=owner).scope()
    asked = Asked.of(scope)
    past = asked.before(scope)
    found = availability_days.network_sites(asked, past, scope.zone.key)
    assert found == (uptimes.sites(asked), uptimes.sites(past))
    return found[0]


@pytest.fixture
def lived(owner, linked, time_machine):
    """A station that has been there for five days, counted until the last midnight."""
    time_machine.move_to(datetime(2026, 6, 10, 12, 0, tzinfo=UTC), tick=False)
    plug = linked.connectors.first()
    linked.connectors.exclude(pk=plug.pk).delete()
    Connection.objects.filter(station=linked).update(opened_at=clock.now() - 5 * DAY)
    Station.objects.filter(pk=linked.pk).update(offline_since=None)
    tell(plug, "available", 120)
    services.derive_availability()
    services.count_availability_days()
    return plug


def tell(plug, status, hours, seconds=0):
    now = clock.now()
    moment = now - timedelta(hours=hours, seconds=seconds)
    StatusChange.objects.create(
        station_id=plug.station_id, connector=plug, status=status, at=moment, happened_at=moment, received_at=now
    )


def test_a_counted_network_is_read_from_its_days(owner, lived):
    """Whoever falsifies a row falsifies the page: it is read, and the intervals of that time are not."""
    before = same(owner)[lived.station.site_id]
    AvailabilityDay.objects.filter(day=datetime(2026, 6, 10).date()).update(outage_s=7 * 3600)
    scope = ScopeForm(None, access=owner).scope()
    asked = Asked.of(scope)
    found, _past = availability_days.network_sites(asked, asked.before(scope), scope.zone.key)
    assert found[lived.station.site_id].nevi.outage == before.nevi.outage + 7 * 3600


def test_a_command_counts_all_again(owner, lived, capsys):
    AvailabilityDay.objects.update(outage_s=7 * 3600)
    call_command("recount_availability")
    assert capsys.readouterr().out == "1 sites counted\n"
    assert same(owner)[lived.station.site_id].nevi.outage == 0


def test_late_news_lower_the_mark_and_are_counted_again(owner, lived):
    mark = AvailabilityDayMark.objects.get(site=lived.station.site_id)
    assert str(mark.day) == "2026-06-10"
    tell(lived, "faulted", 60)
    services.derive_availability()
    mark.refresh_from_db()
    assert str(mark.day) == "2026-06-08"
    assert same(owner)[lived.station.site_id].nevi.outage == 60 * 3600
    assert services.count_availability_days() == 1
    assert services.count_availability_days() == 0
    assert same(owner)[lived.station.site_id].nevi.outage == 60 * 3600


def test_ports_that_changed_behind_the_services_are_found_by_the_sweep(owner, lived):
    Connector.objects.filter(pk=lived.pk).update(max_power_w=150_000)
    assert services.count_availability_days() == 1
    assert same(owner)[lived.station.site_id].uk is not None
    StatusChange.objects.update(connector=None)
    Connector.objects.all().delete()
    lived.station.evses.all().delete()
    assert services.count_availability_days() == 1
    assert same(owner) == {}


@pytest.mark.django_db(transaction=True)
def test_what_is_written_while_its_day_is_counted_is_counted(owner, lived, time_machine):
    """The sweep waits for whoever writes intervals of the site."""
    time_machine.move_to(clock.now() + DAY, tick=False)
    tell(lived, "faulted", 20)
    found = []

    def count():
        found.append(services.count_availability_days())
        connection.close()

    with transaction.atomic():
        services.derive_availability()
        other = threading.Thread(target=count)
        other.start()
        other.join(0.3)
        assert not found
    other.join(30)
    assert found == [1]
    assert same(owner)[lived.station.site_id].nevi.outage == 20 * 3600
