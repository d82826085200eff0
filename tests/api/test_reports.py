"""Lists of what stations report of themselves."""

from datetime import timedelta

import pytest

from evcms.core import clock
from stations import services
from stations.models import FirmwareFile, FirmwareUpdate, LogUpload
from stations.reports import EventReport, EventTrigger, Part, SecurityReport
from tests.api.conftest import make_station

pytestmark = pytest.mark.django_db


@pytest.fixture
def station(site):
    station, now = make_station("REP-1", site), clock.now()
    for kind in ("ResetOrReboot", "InvalidMessages"):
        services.security_reported(station_id=station.pk, report=SecurityReport(kind, now, now, "told"))
    part = Part("Connector", "Temperature", evse=1)
    event = EventReport(1, part, "91", EventTrigger.ALERTING, now, now, severity=3)
    services.events_reported(station_id=station.pk, reports=[event])
    file = FirmwareFile.objects.create(
        organization=station.organization, name="A", version="2", url="https://a.example/f", token="secret-link"
    )
    FirmwareUpdate.objects.create(station=station, file=file, version="2")
    LogUpload.objects.create(station=station, token_digest="secret-digest", location="https://here/in/secret-link")
    return station


def rows(api, path):
    answer = api.get(f"/api/v1/{path}")
    assert answer.status_code == 200, answer.content
    assert b"secret" not in answer.content
    return answer.json()["results"]


def test_each_list_gives_what_the_station_said(api, station):
    assert {row["type"] for row in rows(api, "security-events/")} == {"ResetOrReboot", "InvalidMessages"}
    (event,) = rows(api, "station-events/")
    assert (event["station"], event["value"], event["severity"], event["evse"]) == ("REP-1", "91", 3, 1)
    (update,) = rows(api, "firmware-updates/")
    assert (update["state"], update["version"], update["command"]) == ("requested", "2", None)
    assert update["file"] == rows(api, "firmware-files/")[0]["id"]
    assert rows(api, "logs/")[0]["kind"] == "diagnostics"


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("security-events/?critical=true", 1),
        ("security-events/?type=InvalidMessages", 1),
        ("security-events/?station=ELSE", 0),
        ("station-events/?component=connector&trigger=alerting", 1),
        ("station-events/?cleared=true", 0),
        ("firmware-updates/?running=true&station=REP-1", 1),
        ("firmware-updates/?state=installed", 0),
        ("logs/?kind=security", 0),
    ],
)
def test_lists_are_narrowed(api, station, query, count):
    assert len(rows(api, query)) == count


def test_lists_are_cut_by_time(api, station):
    later = (clock.now() + timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert rows(api, f"security-events/?after={later}") == []
    assert len(rows(api, f"security-events/?before={later}")) == 2


def test_a_filter_that_nobody_knows_is_refused(api, station):
    assert api.get("/api/v1/logs/?colour=red").status_code == 400
    assert api.get("/api/v1/firmware-updates/?state=broken").status_code == 400
