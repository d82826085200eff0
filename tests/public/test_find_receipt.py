"""Find my receipt: all four must fit, the site's day counts, and nobody can try for long."""

from zoneinfo import ZoneInfo

import pytest
from django.core.cache import cache
from django.test import Client

from billing.models import CardReader, Payment, Receipt
from stations.models import Evse, Site
from tests.billing.conftest import KWH, later, paid, work
from tests.public import catalogue
from tests.public.test_languages import seen

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def no_tries_yet(settings):
    """A cache of the test's own: there is no Redis here."""
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    cache.clear()


@pytest.fixture
def receipt(provider, tariff, connector, car):
    payment = paid(provider, connector)
    car.starts(payment.attempt)
    work()
    later(minutes=40)
    car.ends(20 * KWH)
    work()
    return Receipt.objects.get()


@pytest.fixture
def known(receipt, connector):
    """What the driver knows."""
    started = receipt.document["session"]["started_at"]["iso"]
    return {"place": connector.code, "day": started[:10], "amount": "10.90", "card": "4242"}


def test_code_day_amount_and_card_open_the_receipt(client, known, receipt):
    answer = client.post("/receipt", known)
    assert (answer.status_code, answer.url) == (302, f"/r/{receipt.public_id}")
    assert "10.90" in client.get(answer.url).content.decode()


@pytest.mark.parametrize("place", ["KADE-01", "kade-01", "Kade", "NL*EVC*E1*1"])
def test_a_place_goes_by_many_names(client, known, receipt, connector, place):
    Evse.objects.filter(pk=connector.evse_id).update(evse_id="NL*EVC*E1*1")
    assert client.post("/receipt", known | {"place": place}).status_code == 302


@pytest.mark.parametrize("amount", ["10,90", "€ 10.90", "10.9", " 10.90 €"])
def test_an_amount_may_be_written_as_people_do(client, known, amount):
    assert client.post("/receipt", known | {"amount": amount}).status_code == 302


@pytest.mark.parametrize(
    "wrong",
    [
        {"place": "HAVEN-01"},
        {"day": "2020-01-01"},
        {"amount": "10.91"},
        {"card": "4243"},
        {"card": "Visa"},
        {"place": "%"},
    ],
)
def test_three_of_four_are_not_enough_and_the_answer_does_not_tell_which(client, known, wrong):
    answer = client.post("/receipt", known | wrong)
    assert answer.status_code == 422
    assert "No receipt fits all four." in answer.content.decode()


@pytest.mark.parametrize("bad", [{"amount": "ten"}, {"day": "tomorrow"}, {"card": "42"}, {"place": ""}])
def test_what_cannot_be_read_is_said_beside_its_field(client, known, bad):
    answer = client.post("/receipt", known | bad)
    assert answer.status_code == 422
    assert "No receipt fits" not in answer.content.decode()


def test_the_day_is_the_sites_day(client, known, receipt):
    Site.objects.update(time_zone="Pacific/Kiritimati")  # UTC+14: nearly always tomorrow there
    session = receipt.bill.session
    there = session.started_at.astimezone(ZoneInfo("Pacific/Kiritimati")).date()
    assert client.post("/receipt", known | {"day": there.isoformat()}).status_code == 302


def test_the_reference_of_the_stations_own_terminal_serves_as_well(client, known, receipt):
    Payment.objects.update(kind="station", intent_id="PSP-77-A", card="")
    assert client.post("/receipt", known | {"card": "psp-77-a"}).status_code == 302
    Payment.objects.update(kind="scan")  # the provider's ids of other payments open nothing
    assert client.post("/receipt", known | {"card": "psp-77-a"}).status_code == 422


def test_after_ten_tries_an_address_has_to_wait(client, known):
    for _ in range(10):
        assert client.post("/receipt", known | {"card": "0000"}).status_code == 422
    answer = client.post("/receipt", known)
    assert answer.status_code == 429
    assert "Too many tries" in answer.content.decode()


def test_a_receipt_that_a_credit_note_took_back_is_not_found(client, known, receipt):
    Receipt.objects.create(
        organization=receipt.organization, year=receipt.year, sequence=99, kind="credit", corrects=receipt,
        bill=receipt.bill, payment=receipt.payment, currency="EUR", net_minor=-1, tax_minor=0, total_minor=-1,
        document={},
    )  # fmt: skip
    assert client.post("/receipt", known).status_code == 422


def test_the_page_fills_in_the_code_of_the_sticker(client, db):
    page = client.get("/receipt?c=ABC2345").content.decode()
    assert 'value="ABC2345"' in page
    assert client.get("/receipt").headers["Cache-Control"].count("no-store") == 1


@pytest.mark.parametrize(
    ("language", "title"),
    [("de", "Meinen Beleg finden"), ("nl", "Mijn bon vinden"), ("fr", "Trouver mon reçu"), ("es", "Buscar mi recibo")],
)
def test_it_speaks_the_drivers_language(db, language, title):
    page = seen(read_in(language, "/receipt"))
    assert title in page
    assert not catalogue.leftovers(language, page)


def read_in(language, path):
    return Client(headers={"accept-language": f"{language},en;q=0.5"}).get(path)


def test_a_connector_with_a_reader_says_that_no_phone_is_needed(client, provider, tariff, connector):
    reader = CardReader.objects.create(
        organization=connector.station.organization, label="Kade", provider_id="tmr_1", station=connector.station,
        state="online",
    )  # fmt: skip
    assert "No phone needed." in client.get(f"/c/{connector.code}").content.decode()
    assert "Kein Telefon nötig." in read_in("de", f"/c/{connector.code}").content.decode()
    CardReader.objects.filter(pk=reader.pk).update(state="offline")
    assert "No phone needed." not in client.get(f"/c/{connector.code}").content.decode()
