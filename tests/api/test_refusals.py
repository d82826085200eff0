"""What the API says when it will not: always JSON, always a sentence, never silence about nonsense."""

import pytest
from rest_framework.test import APIClient

from evcms.api.errors import plain
from stations.models import Command

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_root_lists_what_there_is_and_needs_no_token(client):
    said = client.get("/api/v1/").json()
    assert said == client.get("/api/").json()
    assert said["stations"] == "http://testserver/api/v1/stations/"
    assert said["docs"].endswith("/api/docs/")


@pytest.mark.parametrize("path", ["/api/nothing/", "/api/v1/nothing", "/api/v2/stations/", "/api/v1/stations/a/b/c/"])
@pytest.mark.parametrize("method", ["get", "post", "delete"])
def test_an_unknown_path_is_json_with_a_sentence(api, path, method):
    answer = getattr(api, method)(path)
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/json")
    assert "nothing at this path" in answer.json()["detail"]


def test_a_path_without_its_slash_leads_on_or_says_so(api):
    assert api.get("/api/v1/stations?page=1")["Location"] == "/api/v1/stations/?page=1"
    refused = api.post("/api/v1/stations", {"identity": "X"}, format="json")
    assert (refused.status_code, refused.json()) == (404, {"detail": "Paths end with a slash: /api/v1/stations/"})


def test_a_missing_row_and_a_wrong_method_are_told_without_our_class_names(api, station):
    assert api.get("/api/v1/stations/NOBODY/").json() == {"detail": "Not found."}
    answer = api.delete(f"/api/v1/stations/{station.identity}/")
    assert (answer.status_code, answer.json()) == (405, {"detail": 'Method "DELETE" not allowed.'})


def test_what_breaks_is_json_under_the_api_only(rf):
    from evcms.api.errors import server_error

    assert server_error(rf.get("/api/v1/sites/"))["Content-Type"] == "application/json"
    assert server_error(rf.get("/map"))["Content-Type"].startswith("text/html")


@pytest.mark.parametrize(
    ("query", "name", "hint"),
    [
        ("stations/?online=maybe", "online", "true or false"),
        ("stations/?protocol=1.6", "protocol", "ocpp1.6, ocpp2.0.1"),
        ("stations/?approval=pending", "approval", "quarantined, accepted, rejected"),
        ("stations/?site=Kade", "site", "number"),
        ("stations/?colour=red", "colour", "approval, online, protocol, site"),
        ("sessions/?running=foo", "running", "true or false"),
        ("sessions/?started_after=yesterday", "started_after", "2026-11-22T18:30:00Z"),
        ("connectors/?shown=free", "shown", "available, occupied"),
        ("evses/?online=true", "online", "station"),
        ("sites/?city=Den+Haag", "city", "no such filter"),
        ("stations/?page_size=-1", "page_size", "1 to 200"),
        ("stations/?page_size=0", "page_size", "1 to 200"),
    ],
)
def test_a_filter_that_we_do_not_know_is_refused_with_what_it_takes(api, station, query, name, hint):
    answer = api.get(f"/api/v1/{query}")
    assert answer.status_code == 400, answer.json()
    assert hint in answer.json()[name][0]


@pytest.mark.parametrize(("query", "count"), [("station=KADE-01", 2), ("station=OTHER", 0), ("", 2), ("station=", 2)])
def test_evses_are_filtered_by_station(api, station, query, count):
    assert api.get(f"/api/v1/evses/?{query}").json()["count"] == count


@pytest.mark.parametrize(("query", "count"), [("online=false", 1), ("online=TRUE", 0), ("approval=accepted", 1)])
def test_a_filter_that_we_know_filters(api, station, query, count):
    assert api.get(f"/api/v1/stations/?{query}").json()["count"] == count


def test_a_wrong_connector_is_named_with_the_words_that_would_do(api):
    good = {"evse": 1, "plug": "IEC_62196_T2"}
    wish = {"identity": "NEW-1", "connectors": [good, {"evse": 2, "plug": "TYPE2", "power_type": "AC"}]}
    said = api.post("/api/v1/stations/", wish, format="json").json()["connectors"]
    assert said[0].startswith("Number 2: plug: ")
    assert "IEC_62196_T2, IEC_62196_T2_COMBO" in said[0]
    assert said[1].startswith("Number 2: power_type: ")


def test_a_word_that_is_no_choice_is_answered_with_the_choices(api):
    answer = api.post("/api/v1/tokens/", {"value": "A", "type": "RFID", "status": "fine"}, format="json").json()
    assert "ISO14443, ISO15693" in answer["type"][0]
    assert "accepted, blocked, expired, invalid" in answer["status"][0]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"detail": ["One.", "Two."]}, {"detail": "One. Two."}),
        (["One."], {"detail": "One."}),
        ({"non_field_errors": ["Both."], "name": "Bad."}, {"detail": "Both.", "name": ["Bad."]}),
    ],
)
def test_the_whole_is_a_text_and_each_field_a_list_of_texts(data, said):
    assert plain(data) == said


def test_a_fault_of_the_whole_request_is_one_text(api, linked, station):
    answer = api.post(f"/api/v1/stations/{station.identity}/commands/", {}, format="json")
    assert answer.json() == {"detail": "Give either an operation or an action."}
    assert not Command.objects.exists()


def test_no_token_is_answered_with_how_to_send_one():
    answer = APIClient().get("/api/v1/stations/")
    assert answer.status_code == 401
    assert isinstance(answer.json()["detail"], str)
    assert answer["WWW-Authenticate"] == "Bearer"
