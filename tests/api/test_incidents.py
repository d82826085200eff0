"""Incidents for partners: read, acted upon within what the token may, and the same in webhooks."""

from datetime import date, time, timedelta

import pytest

from alerts import services
from alerts.jsons import incident_json
from alerts.models import Incident
from alerts.services import duty
from alerts.vocabulary import IncidentKind
from evcms.core import clock
from tests.alerts.conftest import make_contact

pytestmark = pytest.mark.django_db


@pytest.fixture
def incident(station):
    return services.open_incident(
        kind=IncidentKind.STATION_OFFLINE, key="k", title="KADE-01 is offline", station_ids=[station.pk],
        organization_id=station.organization_id, site_id=station.site_id, recovery=(),
    )  # fmt: skip


def act(api, incident, **wish):
    return api.post(f"/api/v1/incidents/{incident.pk}/act/", wish, format="json")


def test_the_api_and_webhooks_say_the_same_of_an_incident(api, incident, owner):
    services.acknowledge(access=owner, incident=incident)
    said = api.get(f"/api/v1/incidents/{incident.pk}/").json()
    row = Incident.objects.select_related("site", "station", "connector", "assignee").get()
    assert said == incident_json(row)
    assert said["stations"] == ["KADE-01"]


def test_each_action_does_what_the_page_does(api, incident, owner):
    assert act(api, incident, do="acknowledge").json()["state"] == "acknowledged"
    assert act(api, incident, do="note", text="On my way").status_code == 200
    until = clock.now() + timedelta(hours=3)
    assert act(api, incident, do="snooze", until=until.isoformat()).json()["snoozed_until"]
    assert act(api, incident, do="assign", assignee=owner.user.email).json()["assignee"] == owner.user.email
    assert act(api, incident, do="assign").json()["assignee"] is None
    assert act(api, incident, do="resolve", text="Fuse").json()["state"] == "resolved"
    assert list(incident.entries.values_list("text", flat=True))[-1] == "Fuse"


@pytest.mark.parametrize(
    "wish", [{"do": "dance"}, {"do": "note"}, {"do": "snooze"}, {"do": "assign", "assignee": "x@y.org"}, {}]
)
def test_what_makes_no_sense_is_refused_with_a_sentence(wish, api, incident):
    answer = act(api, incident, **wish)
    assert answer.status_code == 400
    assert answer.json()["do"]


def test_a_second_one_is_told_that_somebody_was_faster(api, incident):
    act(api, incident, do="acknowledge")
    assert "Somebody was faster" in act(api, incident, do="acknowledge").json()["do"][0]


def test_viewers_read_and_strangers_find_nothing(viewer, stranger, incident):
    assert viewer.get(f"/api/v1/incidents/{incident.pk}/").status_code == 200
    assert act(viewer, incident, do="resolve").status_code == 403
    assert act(stranger, incident, do="resolve").status_code == 404


def test_who_is_on_call_now(api, organization, owner, stranger):
    ann = make_contact(organization, "ann@x.org")
    duty.save_schedule(
        access=owner, schedule=None, name="Nights", time_zone="Europe/Amsterdam", starts_on=date(2020, 1, 6),
        turn_days=7, hand_over_at=time(9), recipients=[ann.pk],
    )  # fmt: skip
    [row] = api.get("/api/v1/on-call/").json()
    assert (row["schedule"], row["now"]) == ("Nights", "ann@x.org")
    assert stranger.get("/api/v1/on-call/").json() == []
