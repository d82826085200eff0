"""What people and systems were told, for partners: read, filtered, cut to what one may see, never changed."""

import pytest

from alerts.models import DeliveryAttempt, Notification
from alerts.services.notifications import notify
from tests.alerts.conftest import make_contact

pytestmark = pytest.mark.django_db
URL = "/api/v1/notifications/"


def message(organization, key, state="sent", **fields):
    contact = make_contact(organization, f"{key}@example.org")
    row = notify(key=key, template="test", recipient=contact, context={"organization": "Harbour", "person": "Anna"})
    Notification.objects.filter(pk=row.pk).update(state=state, **fields)
    DeliveryAttempt.objects.create(notification=row, channel="email", outcome="unknown", detail="no answer")
    DeliveryAttempt.objects.create(notification=row, channel="email", outcome="accepted", provider_id="pm-1")
    return row


def keys(answer):
    assert answer.status_code == 200
    return {row["to"].partition("@")[0] for row in answer.json()["results"]}


def test_a_message_is_read_with_its_attempts_in_their_order(api, organization):
    row = message(organization, "one")
    said = api.get(f"{URL}{row.public_id}/").json()
    assert (said["id"], said["state"], said["to"]) == (str(row.public_id), "sent", "one@example.org")
    assert [(each["outcome"], each["detail"], each["provider_id"]) for each in said["attempts"]] == [
        ("unknown", "no answer", ""),
        ("accepted", "", "pm-1"),
    ]
    assert "html" not in said
    assert "keys" not in str(said)


def test_the_list_filters_and_shows_nobody_else_s(api, stranger, organization, rival):
    message(organization, "sent")
    message(organization, "failed", "failed", channel="sms")
    theirs = message(rival, "theirs")
    assert keys(api.get(URL)) == {"sent", "failed"}
    assert keys(api.get(URL, {"state": "failed"})) == {"failed"}
    assert keys(api.get(URL, {"channel": "email"})) == {"sent"}
    assert keys(stranger.get(URL)) == {"theirs"}
    assert api.get(f"{URL}{theirs.public_id}/").status_code == 404
    assert api.get(URL, {"state": "nonsense"}).status_code == 400


def test_secrets_that_addresses_carry_are_not_told(api, organization):
    message(organization, "room", channel="chat", to="slack://T1JJ3T3L2/B2BBB2BBB/TIiajkdnlazkcOXrIdevi7F/#operations")
    assert "TIiajkdnlazkcOXrIdevi7F" not in api.get(URL).content.decode()


def test_who_may_not_look_after_incidents_sees_only_messages_about_those_that_he_sees(viewer, organization):
    message(organization, "driver")
    assert keys(viewer.get(URL)) == set()


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_nothing_is_written_this_way(api, organization, method):
    row = message(organization, "one")
    for url in (URL, f"{URL}{row.public_id}/"):
        assert getattr(api, method)(url, {"state": "queued"}, format="json").status_code == 405


def test_many_messages_cost_as_many_queries_as_few(api, organization, django_assert_max_num_queries):
    for number in range(20):
        message(organization, f"m{number}")
    with django_assert_max_num_queries(10):
        assert len(keys(api.get(URL))) == 20
