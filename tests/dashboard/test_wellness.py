"""How well a station serves: one figure from rows, its reasons, and a list that filters by the very same."""

import csv
import uuid
from datetime import timedelta

import pytest
from django.urls import reverse

from alerts import services as alerts
from alerts.models import ConnectorHealth, Incident, StationHealth
from evcms.core import clock
from evcms.dashboard.queries import wellness
from sessions.models import Attempt, ChargingSession
from stations import services as stations
from stations.models import AvailabilityInterval, AvailabilityTerms, Connection, FirmwareFile, Station, Variable
from tests.dashboard.conftest import browser, streamed, words
from tests.stations.conftest import make_station

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
DAY = timedelta(days=1)


def stood(station, *, days, down=0):
    """Its ports were there so long, and out of order for the last `down` days of it, a minute less."""
    now = clock.now() + timedelta(minutes=1)
    station.evses.update(heard_since=now - days * DAY)
    for evse in station.evses.all():
        AvailabilityInterval.objects.create(evse=evse, state="up", since=now - days * DAY, until=now - down * DAY)
        if down:
            AvailabilityInterval.objects.create(evse=evse, state="down", since=now - down * DAY)


def tries(station, *, well=0, own=0, others=0, uncounted=0):
    rows = [("station", 2, True)] * own + [("car", 2, True)] * others + [("driver", 1, False)] * uncounted
    rows += [("", 5, True)] * well
    Attempt.objects.bulk_create(
        Attempt(
            organization=station.organization, station=station, kind="card", at=clock.now() - DAY, party=party,
            state="failed" if party else "ended", stage=stage, counted=counted,
        )
        for party, stage, counted in rows
    )  # fmt: skip


def fits(access, grade):
    page = words(browser(access).get(reverse("stations"), {"health": grade}))
    return {identity for identity in Station.objects.values_list("identity", flat=True) if f">{identity}<" in page}


def test_the_figure_is_time_in_order_times_attempts_not_spoiled(site, station):
    stood(station, days=40, down=4)  # 900 per mille
    tries(station, well=17, own=2, others=1, uncounted=7)
    alerts.judge_stations()
    row = StationHealth.objects.get()
    assert (row.up_permille, row.tried, row.failed) == (900, 20, 2)
    assert (row.permille, row.target_permille, row.short) == (810, 980, True)
    AvailabilityTerms.objects.create(organization=site.organization, target_permille=800)
    alerts.judge_stations()  # again, by what is agreed now
    row.refresh_from_db()
    assert (row.permille, row.short) == (810, False)


def test_who_never_spoke_has_no_health_and_who_is_archived_loses_it(owner, site, station):
    mute = make_station("MUTE-01", site)
    stood(station, days=3)
    alerts.judge_stations()
    assert list(StationHealth.objects.values_list("station_id", "permille")) == [(station.pk, 1000)]
    assert "Not known yet" in words(browser(owner).get(reverse("station-health", args=[mute.identity])))
    Station.objects.filter(pk=station.pk).update(archived_at=clock.now())
    alerts.judge_stations()
    assert not StationHealth.objects.exists()


def test_the_list_shows_sorts_and_exports_the_figure(owner, site, station):
    new, weak = make_station("AAA-NEW", site), make_station("WEAK-01", site)
    stood(station, days=40)
    stood(weak, days=40, down=4)
    alerts.judge_stations()
    client, page = browser(owner), reverse("stations")

    def order(sort):
        return [row.identity for row, _segments in client.get(page, {"sort": sort}).context["rows"]]

    assert order("health") == [weak.identity, station.identity, new.identity]  # who is not judged comes last
    assert order("-health") == [station.identity, weak.identity, new.identity]
    assert reverse("station-health", args=[weak.identity]) in words(client.get(page))
    table = list(csv.DictReader(streamed(client.get(page, {"export": "csv"})).splitlines()))
    served = {row["identity"]: row["served_percent"] for row in table}
    assert served == {weak.identity: "90.0", station.identity: "100.0", new.identity: ""}


def test_list_and_page_say_the_same_of_every_station(owner, organization, site, station):
    weak, worn, sound = (make_station(name, site) for name in ("WEAK-01", "WORN-01", "SOUND-01"))
    for each, down in ((station, 0), (weak, 9), (worn, 0), (sound, 0)):
        stood(each, days=90, down=down)
    trouble = Incident.objects.create(
        organization=organization, kind="faulted", key="k", title="It hums", severity=3, station=station
    )
    trouble.stations.add(station)
    ConnectorHealth.objects.create(connector=worn.connectors.first(), alarmed_at=clock.now())
    alerts.judge_stations()
    found = {grade: fits(owner, grade) for grade in ("incident", "early", "short", "well")}
    assert found == {
        "incident": {station.identity}, "early": {"WORN-01"}, "short": {"WEAK-01"}, "well": {"SOUND-01"},
    }  # fmt: skip
    for each in (station, weak, worn, sound):
        grades = wellness.grades(owner, each)
        assert {grade for grade, members in found.items() if each.identity in members} == set(grades)


def test_each_reason_leads_to_its_rows(owner, organization, station):
    Station.objects.filter(pk=station.pk).update(vendor="Acme", model="Post", firmware_version="1.0")
    stood(station, days=90, down=9)
    tries(station, well=8, own=2)
    now, plug = clock.now(), station.connectors.first()
    gateway = stations.gateway_started(gateway_id=uuid.uuid4(), host="gw", pid=1)
    for begin, end in ((80, 70), (60, 50)):
        Connection.objects.create(
            station=station, gateway=gateway, opened_at=now - begin * DAY, closed_at=now - end * DAY, address="1.1.1.1"
        )
    FirmwareFile.objects.create(organization=organization, name="Post", version="2.0", vendor="acme", model="post")
    Variable.objects.create(
        station=station, component="Connector", variable="PlugCycles", value="8123", updated_at=clock.now()
    )
    ChargingSession.objects.create(
        organization=organization, site=station.site, station=station, evse=plug.evse, connector=plug, state="ended",
        transaction_id="t", protocol="ocpp1.6", started_at=now - DAY, ended_at=now - DAY / 2,
    )  # fmt: skip
    alerts.judge_stations()
    client = browser(owner)
    page = words(client.get(reverse("station-health", args=[station.identity])))
    told = (
        "72.0", "In order 90.0", "2 of 10 attempts failed", "Offline 2 times", "2.0 is here for this model",
        "1 charge so far", "Connector PlugCycles: 8123", "Serves fewer than agreed",
    )  # fmt: skip
    for text in told:
        assert text in page, text
    for reason in wellness.wellness(owner, Station.objects.get(pk=station.pk), []).reasons:
        assert client.get(reason.url).status_code == 200
    spoiled = words(client.get(wellness.wellness(owner, station, []).reasons[1].url))
    assert "2 rows" in spoiled


def test_the_judging_asks_no_more_for_more_stations(site, station, django_assert_max_num_queries):
    for number in range(5):
        stood(make_station(f"MANY-{number}", site), days=9, down=1)
    with django_assert_max_num_queries(9):
        alerts.judge_stations()


def test_curves_show_what_runs_and_the_last_one_and_go_on_by_themselves(network):
    running = ChargingSession.objects.filter(ended_at=None, samples__isnull=False).select_related("station").first()
    client, path = browser(network.owner), reverse("station-power", args=[running.station.identity])
    page = words(client.get(path))
    assert reverse("session", args=[running.public_id]) in page
    assert 'data-chart="session"' in page
    part = words(client.get(path + "?part=curves"))
    assert "every 15s" in part
    assert "<html" not in part
