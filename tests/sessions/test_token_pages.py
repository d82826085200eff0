"""Tokens are listed, made, changed and deleted on pages, and nobody sees another organization's."""

import pytest
from django.test import Client

from evcms.core.access import Role
from sessions.models import IdToken
from tests.stations.conftest import make_access, organization, owner, rival  # noqa: F401

pytestmark = pytest.mark.django_db


def browser(access) -> Client:
    client = Client()
    client.force_login(access.user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def fields(value="ABC123", **more):
    return {"value": value, "type": "ISO14443", "status": "accepted", "label": "Anna's card"} | more


def test_a_new_token_may_charge(owner):  # noqa: F811
    browser(owner).post("/tokens/new/", fields("abc123"))
    token = IdToken.objects.get()
    assert (token.value, token.folded) == ("abc123", "ABC123")


def test_the_same_token_in_another_spelling_is_refused_with_a_sentence(owner):  # noqa: F811
    page = browser(owner)
    page.post("/tokens/new/", fields("abc123"))
    answer = page.post("/tokens/new/", fields("ABC123"))
    assert "There is a token ABC123 already" in answer.content.decode()
    assert IdToken.objects.count() == 1


def test_a_token_can_be_blocked_and_deleted(owner):  # noqa: F811
    page = browser(owner)
    page.post("/tokens/new/", fields())
    pk = IdToken.objects.get().pk
    page.post(f"/tokens/{pk}/", fields(status="blocked"))
    assert IdToken.objects.get().status == "blocked"
    page.post(f"/tokens/{pk}/delete/")
    assert not IdToken.objects.exists()


def test_strangers_find_nothing_and_viewers_change_nothing(owner, rival, organization):  # noqa: F811
    browser(owner).post("/tokens/new/", fields())
    pk = IdToken.objects.get().pk
    stranger = browser(make_access(rival))
    assert stranger.get(f"/tokens/{pk}/").status_code == 404
    assert "ABC123" not in stranger.get("/tokens/").content.decode()
    viewer = browser(make_access(organization, Role.VIEWER))
    assert "ABC123" in viewer.get("/tokens/").content.decode()
    assert viewer.get("/tokens/new/").status_code == 403
    assert viewer.post(f"/tokens/{pk}/delete/").status_code == 403


def test_the_export_cannot_smuggle_a_formula(owner):  # noqa: F811
    page = browser(owner)
    page.post("/tokens/new/", fields(label="=1+1"))
    text = page.get("/tokens/?export=csv").content.decode()
    assert "'=1+1" in text


def test_the_list_filters_by_words_and_status(owner):  # noqa: F811
    page = browser(owner)
    page.post("/tokens/new/", fields("AAA1", label="Bike"))
    page.post("/tokens/new/", fields("BBB2", label="Van", status="blocked"))
    assert "BBB2" not in page.get("/tokens/?q=bik").content.decode()
    assert "AAA1" not in page.get("/tokens/?status=blocked").content.decode()


@pytest.mark.parametrize("value", ["A" * 21, "AB CD", "MÜLLER", "CARD😀"])
def test_a_card_that_no_station_could_send_is_refused_beside_its_field(owner, value):  # noqa: F811
    answer = browser(owner).post("/tokens/new/", fields(value))
    errors = answer.context["form"].errors["value"]
    assert "characters" in errors[0] or "no spaces" in errors[0]
    assert not IdToken.objects.exists()


@pytest.mark.parametrize(("kind", "length"), [("ISO14443", 20), ("Central", 36)])
def test_each_type_takes_what_its_stations_can_send_and_not_a_character_more(owner, kind, length):  # noqa: F811
    page = browser(owner)
    page.post("/tokens/new/", fields("A" * (length + 1), type=kind))
    assert not IdToken.objects.exists()
    page.post("/tokens/new/", fields("A" * length, type=kind))
    assert IdToken.objects.get().value == "A" * length


def test_a_contract_is_kept_with_its_check_digit_and_a_mistyped_one_is_refused(owner):  # noqa: F811
    page = browser(owner)
    page.post("/tokens/new/", fields("DE-83D-CIEN83QGZ-0", type="eMAID"))
    page.post("/tokens/new/", fields("HELLO", type="eMAID"))
    assert not IdToken.objects.exists()
    page.post("/tokens/new/", fields("de-8aa-c01234567", type="eMAID"))
    assert IdToken.objects.get().value.startswith("DE8AAC01234567")


def test_a_token_stored_longer_before_can_still_be_blocked(owner, organization):  # noqa: F811
    old = IdToken.objects.create(organization=organization, value="A" * 30, folded="A" * 30)
    browser(owner).post(f"/tokens/{old.pk}/", fields("A" * 30, status="blocked"))
    old.refresh_from_db()
    assert old.status == "blocked"


def test_a_token_whose_time_is_over_is_called_expired(owner):  # noqa: F811
    page = browser(owner)
    answer = page.post("/tokens/new/", fields(expires_at="2020-01-01T00:00"), follow=True)
    assert "is stored, but cannot charge: Expired." in answer.text
    assert "may charge now" not in answer.text
    row = answer.text.partition("<tbody>")[2]
    assert "Expired" in row
    assert "Accepted" not in row
    assert "ABC123" in page.get("/tokens/?status=expired").text
    assert "ABC123" not in page.get("/tokens/?status=accepted").text


def test_a_number_as_it_is_printed_is_kept_as_readers_read_it(owner):  # noqa: F811
    browser(owner).post("/tokens/new/", fields("04:ab:cd:12:34:56:80"))
    assert IdToken.objects.get().value == "04ABCD12345680"
