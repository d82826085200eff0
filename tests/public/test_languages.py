"""Drivers read German, Dutch, French and Spanish: nothing is left in English, figures are written as one does there."""

import html
import os
import re
from functools import partialmethod
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.test import Client
from django.utils import translation

from alerts.models import Destination, Notification, PhoneCode
from alerts.services.notifications import notify
from billing.models import Payment, Receipt
from billing.receipts import pdf
from evcms.core import clock
from evcms.core.models import Organization
from evcms.core.paper import Paper
from sessions.vocabulary import FailureCause
from stations.models import Connector, Site
from stations.vocabulary import Shown
from tests.billing.conftest import KWH, later, work
from tests.public import catalogue
from tests.public.catalogue import LANGUAGES
from tests.stations.conftest import make_access

each_language = pytest.mark.parametrize("language", LANGUAGES)
with_rows = pytest.mark.django_db(transaction=True)
AMOUNT = {"de": "10,90 €", "nl": "€ 10,90", "fr": "10,90 €", "es": "10,90 €"}
PAY = {"de": "Bezahlen und starten", "nl": "Betalen en starten", "fr": "Payer et démarrer", "es": "Pagar y empezar"}


@each_language
def test_the_compiled_catalogue_says_what_the_translators_wrote(language):
    written = {}
    for key, entry in catalogue.entries(language).items():
        if key and entry.translated:
            forms = entry.forms.items() if entry.plural else [(None, entry.forms[0])]
            written |= {(key, number): text for number, text in forms}
    assert catalogue.compiled(language) == written, "run `make messages`"


@each_language
def test_every_text_that_a_driver_may_read_is_translated(language):
    known = catalogue.entries(language)
    missing = [
        f"{key!r} of {source}"
        for key, source in (catalogue.asked() | catalogue.vocabulary()).items()
        if key not in known or not known[key].translated
    ]
    assert not missing, "translate these, see `make messages`"


@pytest.mark.parametrize(
    ("language", "familiar"),
    [
        ("de", r"\b(du|dir|dich|dein(e[mnrs]?)?)\b"),
        ("nl", r"\b(je|jij|jou|jouw)\b"),
        ("fr", r"\b(tu|toi|ton|tes)\b"),
        ("es", r"\b(tú|tu|tus|te|tuy[oa]s?|puedes|quieres|pagas|elige|pulsa|enchufa|avísame|escríbeme)\b"),
    ],
)
def test_drivers_are_addressed_politely_throughout(language, familiar):
    """One page never says both "Uw tegoed" and "je kaart"."""
    texts = [text for entry in catalogue.entries(language).values() for text in entry.forms.values()]
    assert [text for text in texts if re.search(familiar, text, re.IGNORECASE)] == []


@each_language
def test_no_translation_is_a_guess_or_loses_a_placeholder(language):
    for key, entry in catalogue.entries(language).items():
        assert "fuzzy" not in entry.flags, key
        if key and entry.translated:
            allowed = [catalogue.placeholders(key), catalogue.placeholders(entry.plural or key)]
            for form in entry.forms.values():
                assert catalogue.placeholders(form) in allowed, (key, form)


def test_the_list_of_drivers_texts_is_not_empty():
    asked = catalogue.asked()
    assert len(asked) > 180
    for text in ("Pay and start", "Paid", "%(span)s ago", "date\x04j M, H:i", "Choose what you want to hear about."):
        assert text in asked


@pytest.fixture
def place(connector, organization):
    """Names that are no English words, an address, a phone: a page with everything on it."""
    Organization.objects.update(
        name="Stadsladen", legal_name="Stadsladen B.V.", support_phone="+31 20 555 01 23", vat_id="NL001234567B01",
        support_email="hulp@example.org",
    )  # fmt: skip
    Site.objects.update(address="Kade 12", postal_code="1234 AB", city="Havenstad", accessible=True)
    Connector.objects.update(plug="IEC_62196_T2", cable=True, max_power_w=22_080)
    return Connector.objects.select_related("station__site", "evse").get(pk=connector.pk)


def driver(language):
    return Client(headers={"accept-language": f"{language},en;q=0.5"})


def seen(answer):
    """What a person reads or hears on a page: words and spoken attributes, no script, no address."""
    text = answer if isinstance(answer, str) else answer.content.decode()
    spoken = re.findall(r'(?:aria-label|placeholder|title|data-word-\w+|data-confirm-\w+|data-\w+)="([^"]*)"', text)
    words = re.sub(r"<(script|style).*?</\1>|<[^>]+>", " ", text, flags=re.S)
    said = [words, *(part for part in spoken if "/" not in part)]
    return re.sub(r"%\w+", "", " ".join(html.unescape(" ".join(said)).split()))  # scripts fill in %span and the like


def read(language, path, status=200):
    answer = driver(language).get(path)
    assert answer.status_code == status
    text = answer.content.decode()
    assert f'<html lang="{language}"' in text or "part=" in path
    assert answer.headers["Content-Language"] == language
    assert not catalogue.leftovers(language, seen(answer)), path
    return seen(answer)


@with_rows
@each_language
def test_the_connector_page_has_price_and_button_in_the_drivers_language(language, place, tariff, provider):
    text = read(language, f"/c/{place.code}")
    assert PAY[language] in text
    assert AMOUNT[language] in text  # the example
    assert ("€ 0,49" if language == "nl" else "0,49 €") in text
    assert "22,1 kW" in text


@with_rows
def test_what_is_left_in_english_would_be_seen(place, tariff, provider):
    found = catalogue.leftovers("de", seen(driver("en").get(f"/c/{place.code}")))
    assert {"Pay and start", "per kWh", "Energy", "Available", "Type 2"} <= found


@with_rows
@each_language
@pytest.mark.parametrize("status", ["charging", "faulted", "unavailable", "reserved"])
def test_a_connector_that_cannot_be_used_says_why_in_the_drivers_language(language, place, tariff, provider, status):
    Connector.objects.update(status=status)
    with translation.override(language):
        assert str(Shown(status).label) in read(language, f"/c/{place.code}?part=state")


@with_rows
@each_language
def test_map_site_page_and_points_speak_the_drivers_language(language, place, tariff):
    assert f"≈ {AMOUNT[language]}" in read(language, "/map")
    read(language, f"/map/{place.station.site_id}/")
    point = driver(language).get("/map/points.geojson").json()["features"][0]["properties"]
    assert not catalogue.leftovers(language, f"{point['word']} {point['note']}")


@with_rows
@each_language
def test_a_page_that_does_not_exist_says_so_in_the_drivers_language(language):
    read(language, "/c/NOSUCH1", status=404)


@with_rows
@each_language
def test_a_refused_wish_is_explained_in_the_drivers_language(language, place):
    for wish in ({"email": "nonsense", "topic": "free"}, {"email": "d@example.org"}):
        answer = driver(language).post(f"/c/{place.code}/subscribe", wish, follow=True)
        assert not catalogue.leftovers(language, seen(answer))
        assert "valid" not in re.findall(r"\w+", seen(answer))


def charged(language, place, provider, car):
    """Scanned, paid, charged in `language`; what was seen on the way, and the payment."""
    visitor = driver(language)
    visitor.post(f"/c/{place.code}/pay", {"email": "driver@example.org"})
    payment = Payment.objects.get()
    yield payment
    provider.pays(payment)
    visitor.get(f"/s/{payment.public_id}")
    yield payment
    payment.refresh_from_db()
    car.starts(payment.attempt)
    work()
    later(minutes=40)
    car.draws(19 * KWH)
    yield payment
    car.ends(1 * KWH)
    yield payment
    work()
    yield payment


@with_rows
@each_language
def test_from_payment_to_receipt_and_mail_everything_stays_in_the_payments_language(
    language, place, tariff, provider, car
):
    texts = [read(language, f"/s/{payment.public_id}") for payment in charged(language, place, provider, car)]
    assert "19,00 kWh" in texts[2]
    assert AMOUNT[language] in texts[-1]
    receipt = Receipt.objects.get()
    assert (receipt.payment.language, receipt.document["language"]) == (language, language)
    assert AMOUNT[language] in seen(driver("en").get(f"/r/{receipt.public_id}"))  # whoever opens it
    text = read(language, f"/r/{receipt.public_id}")
    assert "20,00 kWh" in text
    mail = Notification.objects.get(template="receipt")
    assert AMOUNT[language] in mail.subject
    assert f'<html lang="{language}"' in mail.html
    assert not catalogue.leftovers(language, f"{mail.subject} {mail.text} {seen(mail.html)}")


def heard(page, write, said, *args, **more):
    """Writes, and keeps what is written (the third argument of fpdf's cells)."""
    said.append(args[2])
    return write(page, *args, **more)


@with_rows
@each_language
def test_the_paper_receipt_is_in_the_payments_language(language, place, tariff, provider, car, monkeypatch):
    *_steps, _payment = charged(language, place, provider, car)
    said, paper = [], Paper
    monkeypatch.setattr(paper, "cell", partialmethod(heard, paper.cell, said))
    monkeypatch.setattr(paper, "multi_cell", partialmethod(heard, paper.multi_cell, said))
    assert pdf(Receipt.objects.get()).startswith(b"%PDF")
    text = " ".join(said)
    assert AMOUNT[language] in text
    assert not catalogue.leftovers(language, text)


@with_rows
@each_language
def test_a_start_that_fails_is_told_in_the_payments_language(language, place, tariff, provider, car):
    walk = charged(language, place, provider, car)
    next(walk)
    payment = next(walk)
    payment.refresh_from_db()
    car.answers_start(payment.attempt, accepted=False)
    work()
    text = read(language, f"/s/{payment.public_id}")
    with translation.override(language):
        assert str(FailureCause.REFUSED.label) in text
    mail = Notification.objects.get(template="released")
    assert not catalogue.leftovers(language, f"{mail.subject} {mail.text} {seen(mail.html)}")


@with_rows
@pytest.mark.parametrize(
    "language", ["de", *(pytest.param(each, marks=pytest.mark.long) for each in ("nl", "fr", "es"))]
)
def test_subscription_mails_and_their_pages_speak_the_subscribers_language(language, place):
    answer = driver(language).post(f"/c/{place.code}/subscribe", {"email": "d@example.org", "topic": ["free"]})
    assert answer.status_code == 302
    destination = Destination.objects.get()
    now = clock.now()
    context = {
        "label": "KADE-01 · 1",
        "labels": ["KADE-01 · 1", "KADE-01 · 2"],
        "site": "Kade",
        "where": "KADE-01",
        "place": "KADE-01",
        "page": "https://e.example/c",
        "unsubscribe": "https://e.example/u",
        "mine": "https://e.example/m",
        "since": now,
        "until": now,
        "due": now,
        "zone": "UTC",
        "window": SimpleNamespace(title="Kabel", note="", starts_at=now, ends_at=now),
        "changes": [{"labels": ["KADE-01"], "before": [], "after": ["0.49"]}],
        "energy": 4_000_000,
        "cost": "3.06 €",
        "total": "3.06 €",
        "fee": "0.10 €",
        "cause": "",
        "problem": "Kabel",
    }
    spoken = destination.recipient.language
    folder = settings.BASE_DIR / "templates" / "alerts" / "mail"
    told = [each.name for each in folder.iterdir() if each.name.startswith("charge_")]
    works = ["maintenance", "maintenance_moved", "maintenance_off"]
    wishes = ["free", "broken", "repaired", *works, "price", "report_over"]
    for template in [*wishes, *told]:
        notify(key=template, template=template, to="d@example.org", language=spoken, context=context)
    for mail in Notification.objects.all():
        assert not catalogue.leftovers(language, f"{mail.subject} {mail.text} {seen(mail.html)}"), mail.template
    read(language, f"/u/confirm/{destination.token}/")
    read(language, f"/u/{destination.recipient.subscriptions.get().token}/")
    read(language, f"/u/mine/{destination.recipient.token}/")
    read(language, f"/u/all/{destination.recipient.token}/")
    read(language, f"/c/{place.code}/report")
    read(language, "/map/area")
    read(language, "/app/")
    asked = PhoneCode.objects.create(
        organization_id=place.station.organization_id, number="+31612345678", until=clock.now()
    )
    code = f"/u/code/{asked.token}/"
    read(language, code)
    assert not catalogue.leftovers(language, seen(driver(language).post(code, {"code": "1"})))
    PhoneCode.objects.update(used_at=clock.now())
    read(language, code)


@with_rows
def test_the_select_changes_the_language_without_a_script(place, tariff, provider):
    visitor = Client(enforce_csrf_checks=True, headers={"accept-language": "nl"})
    text = visitor.get(f"/c/{place.code}?x=1").content.decode()
    form = re.search(r'<form class="ev-language".*?</form>', text, re.S).group()
    assert '<option value="nl" selected>' in form
    assert re.search(r"<noscript><button>", form)
    fields = dict(re.findall(r'name="(csrfmiddlewaretoken|next)" value="([^"]*)"', form))
    answer = visitor.post(re.search(r'action="([^"]+)"', form).group(1), fields | {"language": "fr"}, follow=True)
    assert answer.redirect_chain == [(f"/c/{place.code}?x=1", 302)]
    assert PAY["fr"] in answer.content.decode()
    assert PAY["fr"] in visitor.get(f"/c/{place.code}").content.decode()


@with_rows
def test_a_language_that_we_do_not_speak_gets_english(place, tariff, provider):
    text = driver("sv").get(f"/c/{place.code}").content.decode()
    assert '<html lang="en"' in text
    assert "Pay and start" in text
    assert "10.90 €" in text


@with_rows
def test_an_operator_sees_a_drivers_page_in_the_browsers_language_and_his_own_in_english(place, tariff, organization):
    visitor = driver("de")
    visitor.force_login(make_access(organization).user)
    assert '<html lang="de"' in visitor.get(f"/c/{place.code}").content.decode()
    assert '<html lang="en"' in visitor.get("/stations/").content.decode()


STICKING_OUT = """[...document.querySelectorAll("body *")]
    .filter(e => !e.closest(".leaflet-container, .ev-skip, .ev-hidden-text"))
    .filter(e => e.getBoundingClientRect().right > innerWidth + 1).map(e => e.outerHTML.slice(0, 80))"""


@pytest.fixture
def a_phone(browser):
    """A phone of 390 pixels whose owner reads `language`."""
    contexts = []

    def bought(language, **more):
        size = {"width": 390, "height": 844}
        contexts.append(browser.new_context(viewport=size, is_mobile=True, has_touch=True, locale=language, **more))
        return contexts[-1].new_page()

    yield bought
    for context in contexts:
        context.close()


@with_rows
@pytest.mark.browser
@each_language
def test_long_words_fit_a_phone(language, place, tariff, provider, car, a_phone, live_server):
    page = a_phone(language)

    def fits(path, name):
        page.goto(f"{live_server.url}{path}")
        shot(page, f"{language}-{name}")
        assert page.evaluate(STICKING_OUT) == [], name

    fits(f"/c/{place.code}", "connector")
    fits("/map", "map")
    fits(f"/map/{place.station.site_id}/", "site")
    fits("/app/", "app")
    fits("/help/", "shelf")
    fits("/help/drivers/", "guide")
    page.goto(f"{live_server.url}/c/{place.code}")
    page.locator("[value=push]").check(force=True)
    assert page.evaluate(STICKING_OUT) == [], "how to be told"
    for step, payment in enumerate(charged(language, place, provider, car)):
        fits(f"/s/{payment.public_id}", f"session-{step}")
    fits(f"/r/{Receipt.objects.get().public_id}", "receipt")
    fits(f"/c/{place.code}", "offline")


@with_rows
@pytest.mark.browser
def test_a_phone_without_javascript_changes_the_language(place, tariff, provider, a_phone, live_server):
    page = a_phone("nl", java_script_enabled=False)
    page.goto(f"{live_server.url}/c/{place.code}")
    page.get_by_role("button", name=PAY["nl"]).wait_for()
    page.select_option("select[name=language]", "es")
    page.get_by_role("button", name="OK").click()
    page.get_by_role("button", name=PAY["es"]).wait_for()
    assert page.locator("html").get_attribute("lang") == "es"


def shot(page, name):
    """Pictures to look at, when EVCMS_SHOTS names a folder."""
    if folder := os.environ.get("EVCMS_SHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
