"""The REST API: what partners read and write, and what strangers do not."""

from datetime import timedelta

import pytest
from rest_framework.test import APIClient

from evcms.core import clock
from evcms.core.access import Permission
from evcms.core.models import ApiToken, AuditEntry
from sessions.models import ChargingSession, IdToken, MeterSample
from stations.models import Command, Station
from tests.api.conftest import client_of, make_access, make_station

pytestmark = pytest.mark.django_db(transaction=True)

LISTS = ["sites", "stations", "evses", "connectors", "sessions", "tokens", "reservations", "tariffs", "incidents"]


@pytest.fixture
def session(station):
    evse = station.evses.first()
    row = ChargingSession.objects.create(
        organization=station.organization,
        site=station.site,
        station=station,
        evse=evse,
        connector=evse.connectors.first(),
        transaction_id="t1",
        protocol="ocpp1.6",
        started_at=clock.now(),
        energy_mwh=1_500_000,
        token_value="CARD1",
    )
    MeterSample.objects.create(
        session=row, station=station, at=clock.now(), received_at=clock.now(), energy_mwh=1_500_000, power_w=11_000
    )
    return row


@pytest.mark.parametrize("name", LISTS)
def test_every_list_answers_and_none_without_a_token(api, station, session, name):
    assert api.get(f"/api/v1/{name}/").status_code == 200
    assert APIClient().get(f"/api/v1/{name}/").status_code == 401


def test_a_wrong_expired_or_revoked_token_is_refused_with_a_sentence(owner):
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION="Bearer evc_guessed")
    assert "unknown, expired or revoked" in client.get("/api/v1/stations/").json()["detail"]
    good = client_of(owner)
    ApiToken.objects.update(expires_at=clock.now() - timedelta(seconds=1))
    assert good.get("/api/v1/stations/").status_code == 401
    ApiToken.objects.update(expires_at=None, revoked_at=clock.now())
    assert good.get("/api/v1/stations/").status_code == 401


def test_a_station_is_read_with_its_link_and_connectors(api, linked, station):
    answer = api.get(f"/api/v1/stations/{station.identity}/").json()
    assert answer["online"] is True
    assert [connector["evse"] for connector in answer["connectors"]] == [1, 2]
    assert answer["connectors"][0]["shown"] == "unknown"


def test_a_station_is_entered_changed_and_never_tells_its_password(api, site):
    wish = {
        "identity": "NEW-1",
        "site_id": site.pk,
        "security_profile": 1,
        "password": "a-secret-of-the-field",
        "connectors": [{"evse": 1, "plug": "IEC_62196_T2", "max_power_w": 22000}],
    }
    made = api.post("/api/v1/stations/", wish, format="json")
    assert made.status_code == 201
    assert "a-secret" not in made.content.decode()
    assert made.json()["approval"] == "accepted"
    changed = api.patch("/api/v1/stations/NEW-1/", {"name": "Quay 1", "approval": "rejected"}, format="json")
    assert (changed.json()["name"], changed.json()["approval"]) == ("Quay 1", "rejected")
    assert AuditEntry.objects.filter(action="station.created").exists()


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"identity": "bad identity"}, "identity"),
        ({"identity": "OK-1", "site_id": 999_999}, "site_id"),
        ({"identity": "OK-1", "connectors": [{"evse": 0}]}, "connectors"),
        ({"identity": "KADE-01"}, "identity"),
        ({}, "identity"),
    ],
)
def test_a_wrong_station_is_refused_by_field_and_nothing_is_written(api, station, wish, field):
    before = Station.objects.count()
    answer = api.post("/api/v1/stations/", wish, format="json")
    assert answer.status_code == 400
    assert field in answer.json()
    assert Station.objects.count() == before


def test_a_token_may_have_any_status_and_a_past_expiry(api):
    past = (clock.now() - timedelta(days=1)).isoformat()
    wish = {"value": "ABC1", "type": "ISO14443", "status": "blocked", "expires_at": past}
    made = api.post("/api/v1/tokens/", wish, format="json")
    assert made.status_code == 201
    pk = made.json()["id"]
    assert api.patch(f"/api/v1/tokens/{pk}/", {"status": "accepted"}, format="json").json()["status"] == "accepted"
    assert api.get("/api/v1/tokens/?value=abc1").json()["count"] == 1
    assert api.delete(f"/api/v1/tokens/{pk}/").status_code == 204
    assert not IdToken.objects.exists()


def test_the_same_token_twice_is_refused(api):
    wish = {"value": "ABC1", "type": "ISO14443", "status": "accepted"}
    api.post("/api/v1/tokens/", wish, format="json")
    answer = api.post("/api/v1/tokens/", wish | {"value": "abc1"}, format="json")
    assert answer.status_code == 400
    assert "already" in str(answer.json())


def test_a_session_is_read_with_its_samples(api, session):
    answer = api.get(f"/api/v1/sessions/{session.public_id}/").json()
    assert (answer["energy_mwh"], answer["id_token"]) == (1_500_000, "CARD1")
    samples = api.get(f"/api/v1/sessions/{session.public_id}/samples/").json()
    assert (samples["results"][0]["power_w"], samples["results"][0]["kind"]) == (11_000, "periodic")
    assert api.get("/api/v1/sessions/?running=true").json()["count"] == 1
    assert api.get("/api/v1/sessions/?running=false").json()["count"] == 0


def test_a_command_to_a_station_without_a_link_ends_at_once(api, station):
    answer = api.post(f"/api/v1/stations/{station.identity}/commands/", {"operation": "clear-cache"}, format="json")
    assert (answer.status_code, answer.json()["state"]) == (200, "offline")


def test_a_command_that_nobody_answers_in_time_is_there_to_poll(api, linked, station):
    wish = {"action": "ClearCache", "params": {}, "wait_seconds": 0}
    answer = api.post(f"/api/v1/stations/{station.identity}/commands/", wish, format="json")
    assert answer.status_code == 202
    polled = api.get(answer["Location"])
    assert polled.json()["state"] == "queued"
    assert Command.objects.get().fields == {"action": "ClearCache", "payload": {}}


@pytest.mark.parametrize(
    "wish",
    [
        {},
        {"operation": "reset", "action": "Reset"},
        {"operation": "dance"},
        {"operation": "reset", "params": {"kind": "gently"}},
        {"action": "Re set"},
        {"operation": "reset", "wait_seconds": 3600},
        {"operation": "unlock"},
    ],
)
def test_a_wrong_command_is_refused_with_a_sentence_and_not_sent(api, linked, station, wish):
    answer = api.post(f"/api/v1/stations/{station.identity}/commands/", wish, format="json")
    assert answer.status_code == 400, answer.content
    assert not Command.objects.exists()


def test_strangers_find_nothing(stranger, station, session):
    assert stranger.get(f"/api/v1/stations/{station.identity}/").status_code == 404
    assert stranger.get(f"/api/v1/sessions/{session.public_id}/").status_code == 404
    wish = {"operation": "clear-cache"}
    assert stranger.post(f"/api/v1/stations/{station.identity}/commands/", wish, format="json").status_code == 404
    assert all(stranger.get(f"/api/v1/{name}/").json()["count"] == 0 for name in LISTS)


def test_a_viewer_reads_and_writes_nothing(viewer, station):
    assert viewer.get("/api/v1/stations/").status_code == 200
    assert viewer.post("/api/v1/stations/", {"identity": "X"}, format="json").status_code == 403
    answer = viewer.post(f"/api/v1/stations/{station.identity}/commands/", {"operation": "clear-cache"}, format="json")
    assert answer.status_code == 403
    assert viewer.post("/api/v1/tokens/", {"value": "X"}, format="json").status_code == 403


def test_a_token_cut_to_reading_cannot_command(owner, station):
    client = client_of(owner, Permission.VIEW)
    answer = client.post(f"/api/v1/stations/{station.identity}/commands/", {"operation": "clear-cache"}, format="json")
    assert answer.status_code == 403


def test_who_has_one_site_sees_that_site_only(organization, site, other_site):
    from stations.models import SiteGrant

    make_station("SEEN-1", site)
    make_station("UNSEEN-1", other_site)
    access = make_access(organization, all_sites=False)
    SiteGrant.objects.create(membership=access.membership, site=site)
    seen = [row["identity"] for row in client_of(access).get("/api/v1/stations/").json()["results"]]
    assert seen == ["SEEN-1"]


def test_the_description_is_whole_and_its_page_loads_nothing_from_elsewhere(client):
    assert client.get("/api/schema/").status_code == 200
    page = client.get("/api/docs/")
    assert page.status_code == 200
    assert "https://" not in page.content.decode()


@pytest.mark.parametrize("name", ["stations", "connectors", "sessions", "evses"])
def test_a_list_costs_the_same_queries_for_one_row_and_for_many(
    api, site, station, session, name, django_assert_max_num_queries
):
    for number in range(15):
        make_station(f"MANY-{number}", site)
    with django_assert_max_num_queries(9):
        assert api.get(f"/api/v1/{name}/").status_code == 200


def test_tags_are_read_written_and_filtered(api, station):
    path = f"/api/v1/stations/{station.identity}/"
    assert api.patch(path, {"tags": ["fast", "Motorway"]}, format="json").json()["tags"] == ["Motorway", "fast"]
    assert api.patch(path, {"tags": ["a,b"]}, format="json").status_code == 400
    assert api.get("/api/v1/stations/", {"tag": "fast"}).json()["results"][0]["identity"] == station.identity
    assert api.get("/api/v1/stations/", {"tag": "slow"}).json()["results"] == []
