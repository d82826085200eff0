"""Card readers on the operator's pages: found, registered, put somewhere, tried, taken away."""

import pytest
from django.core.exceptions import PermissionDenied

from billing.models import CardReader, Payment
from billing.services import readers as services
from billing.vocabulary import PaymentState, ReaderState
from evcms.core.access import Role
from evcms.core.models import AuditEntry
from tests.billing.test_readers import asked, looks, plug, screen, told_to_ask
from tests.stations.conftest import make_access

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def operator(owner, client):
    client.force_login(owner.user)
    return client


@pytest.fixture
def unplaced(provider):
    """A reader of the provider's account that stands nowhere."""
    made = provider.api.terminal.readers.create({"registration_code": "simulated-wpe", "label": "In the box"})
    yield made
    provider.api.terminal.readers.delete(made.id)


def text(answer, status=200):
    assert answer.status_code == status
    return answer.content.decode()


def test_a_reader_of_the_account_is_put_at_a_station_and_asks_there(
    provider, tariff, operator, unplaced, connector, linked
):
    assert "In the box" in text(operator.get("/readers/new/"))
    answer = operator.post(
        "/readers/new/", {"reader": unplaced.id, "label": "By the stairs", "station": linked.pk}, follow=True
    )
    assert "By the stairs" in text(answer)
    reader = CardReader.objects.get()
    assert (reader.state, reader.station) == (ReaderState.ONLINE, linked)
    assert provider.api.terminal.readers.retrieve(unplaced.id).metadata["organization"] == "city"
    plug(connector)
    looks()
    assert asked(reader).connector == connector
    assert "asks for a card for KADE-01 · 1" in text(operator.get("/readers/"))
    assert "By the stairs" in text(operator.get(f"/stations/{linked.identity}/"))


def test_a_new_reader_is_registered_by_the_code_on_its_screen(provider, operator, linked, site):
    for number in (1, 2):
        data = {"code": "simulated-s700", "label": f"Gate {number}", "site": site.pk}
        assert f"Gate {number}" in text(operator.post("/readers/new/", data, follow=True))
    first, second = CardReader.objects.order_by("pk")
    assert first.location_id
    assert first.location_id == second.location_id
    place = provider.api.terminal.locations.retrieve(first.location_id)
    assert (place.display_name, place.metadata["organization"]) == ("Kade", "city")


def test_a_code_that_the_provider_does_not_know_is_told_in_its_words(provider, operator, linked):
    data = {"code": "no-such-words", "label": "Gate", "station": linked.pk}
    assert "The payment provider says" in text(operator.post("/readers/new/", data), 422)
    assert not CardReader.objects.exists()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"label": "x"}, "Choose a reader, or type a registration code."),
        ({"code": "simulated-wpe", "label": "x"}, "Choose one of the two: a station or a site."),
    ],
)
def test_a_form_that_says_too_little_is_answered_with_what_is_missing(provider, operator, linked, data, said):
    assert said in text(operator.post("/readers/new/", data), 422)


def test_another_organizations_reader_is_neither_shown_nor_taken(provider, operator, unplaced, linked, rival, site):
    provider.api.terminal.readers.update(unplaced.id, {"metadata": {"organization": "rival"}})
    assert "In the box" not in text(operator.get("/readers/new/"))
    data = {"reader": unplaced.id, "label": "Mine", "station": linked.pk}
    assert "Select a valid choice" in text(operator.post("/readers/new/", data), 422)
    theirs = make_access(rival)
    with pytest.raises(PermissionDenied):
        services.add_reader(access=theirs, provider_id=unplaced.id, label="x", station=linked)


def test_the_test_button_writes_on_the_readers_screen(provider, operator, unplaced, linked):
    operator.post("/readers/new/", {"reader": unplaced.id, "label": "Stairs", "station": linked.pk})
    reader = CardReader.objects.get()
    assert "shows a test line now" in text(operator.post(f"/readers/{reader.pk}/try/", follow=True))
    assert screen(provider, reader) == ["Test: Stairs works."]
    provider.control(f"readers/{unplaced.id}", status="offline")
    assert "Reader is currently offline" in text(operator.post(f"/readers/{reader.pk}/try/", follow=True))
    assert "1 of 1 readers has no connection" in text(operator.get("/readers/"))


def test_a_reader_that_is_taken_away_stops_asking_and_frees_the_hold(
    provider, tariff, operator, unplaced, connector, linked
):
    operator.post("/readers/new/", {"reader": unplaced.id, "label": "Stairs", "station": linked.pk})
    reader = CardReader.objects.get()
    plug(connector)
    looks()
    payment = asked(reader)
    operator.post(f"/readers/{reader.pk}/archive/")
    looks(1)
    payment.refresh_from_db()
    assert (payment.state, payment.error_code) == (PaymentState.EXPIRED, "reader_gone")
    assert not told_to_ask(provider, reader)
    assert provider.intent(payment).status == "canceled"
    looks(10)
    assert Payment.objects.count() == 1
    assert "No reader yet" in text(operator.get("/readers/"))
    actions = AuditEntry.objects.filter(action__startswith="reader.").values_list("action", flat=True)
    assert set(actions) == {"reader.added", "reader.archived"}


def test_a_reader_moves_and_comes_back(provider, operator, unplaced, linked, site):
    operator.post("/readers/new/", {"reader": unplaced.id, "label": "Stairs", "station": linked.pk})
    reader = CardReader.objects.get()
    operator.post(f"/readers/{reader.pk}/", {"label": "Gate", "site": site.pk})
    reader.refresh_from_db()
    assert (reader.label, reader.site, reader.station) == ("Gate", site, None)
    operator.post(f"/readers/{reader.pk}/archive/")
    operator.post("/readers/new/", {"reader": unplaced.id, "label": "Again", "station": linked.pk})
    reader.refresh_from_db()
    assert (reader.label, reader.archived_at) == ("Again", None)


def test_who_may_only_look_sees_the_list_and_no_buttons(provider, client, organization, unplaced, linked, owner):
    services.add_reader(access=owner, provider_id=unplaced.id, label="Stairs", station=linked)
    client.force_login(make_access(organization, Role.VIEWER).user)
    page = text(client.get("/readers/"))
    assert "Stairs" in page
    assert "/try/" not in page
    assert "/readers/new/" not in page
    assert client.get("/readers/new/").status_code == 403


def test_without_payment_settings_the_form_says_so(settings, operator, linked):
    settings.PAYMENTS_ON = False
    assert "Card payment is not switched on here." in text(operator.get("/readers/new/"))
