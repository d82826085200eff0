"""A driver who has a card but never signed up is entered by hand, with the card."""

import pytest

from evcms.core.access import Role
from evcms.core.models import AuditEntry
from sessions.models import Driver, IdToken
from tests.dashboard.conftest import browser, words
from tests.stations.conftest import make_access

pytestmark = pytest.mark.django_db
ANNA = {"name": "Anna", "email": "anna@example.org", "phone": "", "language": "nl"}


def test_a_driver_is_entered_and_gets_a_token(owner, organization):
    client = browser(owner)
    assert 'href="/drivers/new/"' in words(client.get("/drivers/"))
    page = client.post("/drivers/new/", ANNA, follow=True)
    driver = Driver.objects.get()
    assert (driver.organization, driver.name, driver.email, driver.language) == (
        organization, "Anna", "anna@example.org", "nl"
    )  # fmt: skip
    assert f'href="/tokens/new/?driver={driver.pk}"' in page.text
    form = client.get("/tokens/new/", {"driver": driver.pk}).context["form"]
    assert form["driver"].value() == driver.pk
    card = {"value": "04A1B2C3", "label": "", "type": "ISO14443", "status": "accepted", "driver": driver.pk}
    client.post("/tokens/new/", card)
    assert IdToken.objects.get().driver == driver
    assert AuditEntry.objects.filter(action="driver.created").exists()


def test_what_was_entered_wrongly_is_changed_and_nonsense_is_said(owner):
    client = browser(owner)
    client.post("/drivers/new/", ANNA)
    url = f"/drivers/{Driver.objects.get().pk}/edit/"
    assert client.get(url).context["form"]["email"].value() == "anna@example.org"
    assert "Enter a valid email address." in words(client.post(url, ANNA | {"email": "anna"}))
    assert client.post(url, ANNA | {"phone": "+31 6 1"}).status_code == 302
    assert Driver.objects.get().phone == "+31 6 1"
    assert "This field is required." in words(client.post("/drivers/new/", ANNA | {"name": " "}))
    assert Driver.objects.count() == 1


def test_others_drivers_are_neither_found_nor_given_tokens(owner, organization, rival):
    theirs = Driver.objects.create(organization=rival, name="Theirs")
    client = browser(owner)
    assert client.get(f"/drivers/{theirs.pk}/edit/").status_code == 404
    for asked in (theirs.pk, "x", "9" * 30):
        assert client.get("/tokens/new/", {"driver": asked}).context["form"]["driver"].value() is None
    viewer = browser(make_access(organization, Role.VIEWER))
    assert viewer.post("/drivers/new/", ANNA).status_code == 403
