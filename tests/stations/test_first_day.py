"""What an installation of the first day lacks is said where it matters: an address for others, mail."""

import pytest
from django.test import Client
from django.urls import reverse

from evcms.core.models import Organization
from stations.models import Site, Station
from tests.dashboard.conftest import browser, words

pytestmark = pytest.mark.django_db


@pytest.fixture(params=["http://127.0.0.1:8000", "https://charging.example"])
def address(request, settings):
    settings.PUBLIC_URL = request.param
    settings.ALLOWED_HOSTS = ["*"]
    return request.param


def test_codes_that_lead_a_phone_to_itself_are_not_to_be_printed(owner, station, address):
    here = address.startswith("http://127")
    sheet = words(browser(owner).get(reverse("qr-sheet", args=[station.identity])))
    assert ("Do not print these yet" in sheet) is here
    assert ("Set PUBLIC_URL" in words(browser(owner).get("/"))) is here


def test_who_waits_for_a_charger_reads_what_to_type_into_it(owner, settings):
    settings.OCPP_PUBLIC_URL = "wss://ocpp.charging.example"
    told = "Chargers connect to wss://ocpp.charging.example/ocpp/&lt;identity&gt;"
    assert told in words(browser(owner).get(reverse("quarantine")))
    assert told in words(browser(owner).get("/"))


@pytest.mark.parametrize("mail_on", [True, False])
def test_a_page_that_promises_a_mail_says_when_none_can_leave(owner, station, settings, mail_on):
    settings.MAIL_ON = mail_on
    pages = ("/account/sign-in", f"/c/{station.connectors.first().code}", "/accounts/password/reset/")
    told = [words(Client().get(page)) for page in pages] + [words(browser(owner).get(reverse("members")))]
    assert ["No mail leaves this system yet" in text for text in told] == [not mail_on] * 4


def test_a_sticker_says_what_to_do_and_whom_to_call_in_the_drivers_language(owner, station, organization):
    Organization.objects.filter(pk=organization.pk).update(support_phone="+49 30 1234", language="de")
    sheet = words(browser(owner).get(reverse("qr-sheet", args=[station.identity])))
    assert sheet.count("Scannen und laden") == station.connectors.count() == sheet.count("+49 30 1234")
    assert organization.name in sheet.split('class="ev-sticker-who"')[1]


def test_who_enters_a_station_without_any_site_is_led_to_make_one(owner, station):
    told = "A station stands at a site, and there is none yet."
    client = browser(owner)
    assert told not in words(client.get(reverse("station-create")))
    Station.objects.update(site=None)
    Site.objects.all().delete()
    page = words(client.get(reverse("station-create")))
    assert told in page
    assert reverse("site-create") in page
