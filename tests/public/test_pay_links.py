"""Links that pay a debt or a statement end; whoever opens an ended one gets a new one by mail, to the address on record
only, and learns nothing else.
"""

import re

import pytest
from django.core.cache import cache

from alerts.models import Notification
from billing.models import Debt, PastLink
from tests.billing.conftest import later, work
from tests.billing.test_collected import balance, driver, fresh, owed, statement

pytestmark = pytest.mark.django_db(transaction=True)
__all__ = ["balance", "driver", "fresh", "owed", "statement"]


@pytest.fixture(autouse=True)
def empty_cache(settings):
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    cache.clear()
    yield
    cache.clear()


def link(row):
    row.refresh_from_db()
    return f"/{row._meta.model_name}/{row.public_id}"


def mailed(path):
    """The links in the mails so far, newest last."""
    work()
    texts = [row.text for row in Notification.objects.order_by("pk")]
    return [found for text in texts for found in re.findall(rf"{path}/[\w-]+", text)]


def test_a_debts_link_says_until_when_it_works_and_ends(owed, client, settings):
    settings.PAY_LINK_DAYS = 30
    old = link(owed)
    page = client.get(old)
    assert page.status_code == 200
    assert "The link works until" in page.text
    later(days=31)
    for answer in (client.get(old), client.post(f"{old}/pay")):
        assert answer.status_code == 410
        assert "Links to pay something work for 30 days" in answer.text
        assert "Mail me a new link" in answer.text
    assert not owed.collections.exists()


def test_a_new_link_goes_to_the_address_on_record_and_the_old_one_stays_ended(owed, client):
    old = link(owed)
    later(days=61)
    answer = client.post(f"{old}/renew")
    assert "If we have an address for it" in answer.text
    assert owed.email not in answer.text
    new = link(owed)
    assert new != old
    assert new not in answer.text
    assert mailed("/debt")[-1] == new
    assert client.get(new).status_code == 200
    assert client.get(old).status_code == 410


def test_of_a_statement_too(statement, client):
    old = link(statement)
    assert client.get(old).status_code == 200
    later(days=61)
    assert [client.get(path).status_code for path in (old, f"{old}.pdf")] == [410, 410]
    assert client.post(f"{old}/pay").status_code == 410
    client.post(f"{old}/renew")
    new = link(statement)
    assert mailed("/statement")[-1] == new != old
    assert client.get(f"{new}.pdf").content[:4] == b"%PDF"


def test_asking_ten_times_is_one_mail_and_an_old_link_may_ask_again_later(owed, client):
    old = link(owed)
    later(days=61)
    for _ in range(10):
        client.post(f"{old}/renew")
    assert PastLink.objects.count() == 1
    first = link(owed)
    later(minutes=20)
    cache.clear()
    client.post(f"{old}/renew")  # that mail was lost
    assert PastLink.objects.count() == 2
    assert link(owed) not in (old, first)
    assert mailed("/debt")[-1] == link(owed)


def test_one_address_cannot_ask_for_everybody(owed, client):
    old = link(owed)
    later(days=61)
    for _ in range(6):
        client.post("/debt/nobodyknows/renew")
        client.post(f"{old}/renew")
    before = PastLink.objects.count()
    later(days=61)
    client.post(f"{link(owed)}/renew")
    assert PastLink.objects.count() == before


def test_the_answer_is_the_same_whether_a_mail_went_or_not(owed, client):
    old = link(owed)
    works = client.post(f"{old}/renew")  # it has not ended: nothing is sent
    assert not PastLink.objects.exists()
    later(days=61)
    Debt.objects.update(email="")
    owed.driver.email = ""
    owed.driver.save()
    nobody = client.post(f"{old}/renew")
    assert not PastLink.objects.exists()
    Debt.objects.update(email="dora@example.org")
    sent = client.post(f"{old}/renew")
    assert PastLink.objects.count() == 1

    def said(answer):
        return answer.status_code, re.sub(r'nonce="[^"]+"|<code>[^<]+</code>', "", answer.text)

    assert said(works) == said(nobody) == said(sent)


def test_a_link_that_never_was_is_not_found(owed, client):
    for path in ("/debt/nobodyknows", "/statement/nobodyknows"):
        assert client.get(path).status_code == 404
        assert client.post(f"{path}/renew").status_code == 404


def test_the_driver_himself_needs_no_link(owed, driver, client):
    later(days=61)
    client.force_login(driver.user)
    assert client.get(link(owed)).status_code == 200


def test_links_without_an_end_work_for_ever(owed, client, settings):
    settings.PAY_LINK_DAYS = 0
    later(days=4000)
    assert client.get(link(owed)).status_code == 200
    assert "The link works until" not in client.get(link(owed)).text
