"""What operators and finance see of prices and money, and what they may not."""

import csv
import io
import re

import pytest

from billing.models import Payment, Receipt, Refund
from billing.vocabulary import PaymentState, RefundState
from evcms.core.access import Role
from evcms.core.models import AuditEntry
from tests.billing.conftest import KWH, later, paid, work
from tests.stations.conftest import make_access

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def as_role(client, organization):
    def login(role, **more):
        access = make_access(organization, role, **more)
        client.force_login(access.user)
        return client

    return login


@pytest.fixture
def settled(provider, tariff, connector, car):
    payment = paid(provider, connector)
    car.starts(payment.attempt)
    later(minutes=40)
    car.ends(20 * KWH)
    work()
    payment.refresh_from_db()
    assert payment.state == PaymentState.CAPTURED
    return payment


def test_a_stranger_finds_neither_tariff_nor_payment(client, rival, settled, tariff):
    client.force_login(make_access(rival, Role.OWNER).user)
    paths = [f"/tariffs/{tariff.pk}/", f"/money/{settled.public_id}/"]
    assert [client.get(path).status_code for path in paths] == [404, 404]
    assert client.post(f"/money/{settled.public_id}/refund/", {"amount": "1", "reason": "x"}).status_code == 404
    assert settled.public_id not in client.get("/money/").text
    assert settled.public_id not in client.get("/money/?export=csv").text


def test_a_member_of_another_site_sees_no_payment_of_this_one(as_role, settled):
    client = as_role(Role.FINANCE, all_sites=False)
    assert "No payments yet" in client.get("/money/").text
    assert client.get(f"/money/{settled.public_id}/").status_code == 404


def test_operators_without_the_money_right_are_refused(as_role, settled):
    client = as_role(Role.OPERATOR)
    assert client.get("/money/").status_code == 403
    assert client.post(f"/money/{settled.public_id}/refund/", {"amount": "1", "reason": "x"}).status_code == 403


def test_finance_sees_what_was_captured_and_why(as_role, settled):
    client = as_role(Role.FINANCE)
    assert "10.90 € captured" in client.get("/money/").text
    assert "10.90 € captured" in client.get("/money/?state=captured").text
    assert "Nothing fits" in client.get("/money/?state=failed").text
    assert "Nothing fits" in client.get("/money/?since=2031-01-01").text
    assert "10.90 €" in client.get(f"/money/?q={settled.receipt.number}").text
    page = client.get(f"/money/{settled.public_id}/").text
    for expected in (
        "10.90 € paid at",
        "20.00 kWh × 0.49 €/kWh",
        "charging began",
        "amount held",
        settled.receipt.number,
    ):
        assert expected in page


def test_a_payment_with_several_documents_is_found_and_counted_once(as_role, settled):
    client, again = as_role(Role.FINANCE), settled.receipt
    again.pk, again.sequence, again.public_id, again.bill = None, again.sequence + 1, "another", None
    again.save()
    Payment.objects.filter(pk=settled.pk).update(card="Visa •••• 4242")
    for sought in ("4242", again.number):
        assert "10.90 € captured" in client.get(f"/money/?q={sought}").text
        assert len(list(csv.DictReader(io.StringIO(client.get(f"/money/?q={sought}&export=csv").text)))) == 1


@pytest.mark.parametrize(
    "query",
    [
        "state=nonsense",
        "since=0001-01-01",
        "until=9999-12-31",
        "since=yesterday",
        "site=x",
        "page=999",
        "sort=;drop",
        "q=%00",
    ],
)
def test_a_filter_that_makes_no_sense_still_answers(as_role, settled, query):
    assert as_role(Role.FINANCE).get(f"/money/?{query}").status_code == 200


def test_a_payment_with_several_documents_is_found_once(as_role, settled):
    first = settled.receipts.get()
    for year in (first.year - 1, first.year - 2):  # the same number in other years, of the same payment
        Receipt.objects.create(
            organization=first.organization, year=year, sequence=first.sequence, payment=settled, bill=first.bill,
            corrects=first, currency="EUR", net_minor=0, tax_minor=0, total_minor=0, document={},
        )  # fmt: skip
    client = as_role(Role.FINANCE)
    page = client.get("/money/", {"q": first.number})
    assert page.text.count(f'href="/money/{settled.public_id}/"') == 1
    assert page.context["totals"][0].captured == settled.captured_minor
    assert len(client.get("/money/", {"q": first.number, "export": "csv"}).text.splitlines()) == 2
    assert client.get("/money/", {"q": "10,90"}).context["totals"][0].count == 1
    assert "Nothing fits" in client.get("/money/", {"q": "10.91"}).text
    by_mail = client.get("/money/", {"q": settled.email or settled.card[-4:]})
    assert by_mail.context["totals"][0].count == 1


def test_the_export_carries_numbers_and_no_formula(as_role, settled):
    Payment.objects.filter(pk=settled.pk).update(email="=cmd()@example.org")
    rows = list(csv.DictReader(io.StringIO(as_role(Role.FINANCE).get("/money/?export=csv").text)))
    assert len(rows) == 1
    assert (rows[0]["held"], rows[0]["captured"], rows[0]["currency"]) == ("30.00", "10.90", "EUR")
    assert rows[0]["email"] == "'=cmd()@example.org"
    assert rows[0]["created_at"].endswith(("+01:00", "+02:00"))


def test_finance_gives_part_back_and_the_rest_later_but_never_more(as_role, provider, settled):
    client = as_role(Role.FINANCE)
    url = f"/money/{settled.public_id}/refund/"
    answer = client.post(url, {"amount": "4,50", "reason": "Cable was stuck", "request_key": "a"}, follow=True)
    assert "The refund is on its way." in answer.text
    client.post(url, {"amount": "4,50", "reason": "Cable was stuck", "request_key": "a"})  # the form sent twice
    work()
    settled.refresh_from_db()
    assert (settled.refunded_minor, Refund.objects.get().state) == (450, RefundState.DONE)
    answer = client.post(url, {"amount": "6.41", "reason": "x", "request_key": "b"})
    assert answer.status_code == 422
    assert "at most 6.40 €" in answer.text
    client.post(url, {"amount": "6.40", "reason": "Goodwill", "request_key": "c"})
    work()
    settled.refresh_from_db()
    assert settled.refunded_minor == 1090
    assert [given.amount for given in provider.api.refunds.list({"payment_intent": settled.intent_id}).data] == [
        640,
        450,
    ]
    assert AuditEntry.objects.filter(action="payment.refund").count() == 2
    assert "Everything was given back" in client.get(f"/money/{settled.public_id}/").text


@pytest.mark.parametrize("amount", ["", "0", "-1", "NaN", "Infinity", "1.005", "9" * 20, "1e3000000", "four"])
def test_an_amount_that_is_none_is_refused_with_a_sentence(as_role, settled, amount):
    answer = as_role(Role.FINANCE).post(
        f"/money/{settled.public_id}/refund/", {"amount": amount, "reason": "x", "request_key": "k"}
    )
    assert answer.status_code == 422
    assert not Refund.objects.exists()


def test_a_filter_without_a_hit_says_so_and_days_in_the_wrong_order_are_a_sentence(as_role, settled):
    client = as_role(Role.FINANCE)
    text = client.get("/money/?since=2031-01-01").text
    assert "Nothing fits" in text
    assert "No payments yet" not in text
    text = client.get("/money/?since=2031-02-01&until=2031-01-01").text
    assert "The last day comes before the first." in text


def test_a_declined_card_is_counted_and_said_in_words(as_role, settled):
    Payment.objects.update(state=PaymentState.EXPIRED, error_code="insufficient_funds")
    text = as_role(Role.FINANCE).get("/money/?state=declined").text
    assert "card declined: not enough money on the card" in text
    assert "insufficient_funds" not in text
    tile = text.partition("Declined cards")[2][:120]
    assert re.search(r"ev-tile-value\">1<", tile)


def test_why_a_hold_was_released_is_said_in_words(as_role, settled):
    Payment.objects.update(state=PaymentState.RELEASED, error_code="start_refused")
    client = as_role(Role.FINANCE)
    for path in ("/money/", f"/money/{settled.public_id}/"):
        text = client.get(path).text
        assert "the station refused the start" in text
        assert "start_refused" not in text


def test_the_refund_dialog_names_the_amount_that_is_typed(as_role, settled):
    text = as_role(Role.FINANCE).get(f"/money/{settled.public_id}/").text
    assert 'data-confirm-title="Give {amount} EUR back?"' in text
    assert 'pattern="' in text


def test_a_failed_capture_is_tried_again_by_a_person(as_role, provider, tariff, connector, car):
    payment = paid(provider, connector)
    car.starts(payment.attempt)
    later(minutes=40)
    car.ends(20 * KWH)
    provider.fault(status=402, match="/capture", count=2)
    for _ in range(3):
        work()
        later(minutes=1)
    payment.refresh_from_db()
    assert payment.state == PaymentState.FAILED
    client = as_role(Role.FINANCE)
    assert "Try again" in client.get(f"/money/{payment.public_id}/").text
    client.post(f"/money/{payment.public_id}/retry/")
    work()
    payment.refresh_from_db()
    assert (payment.state, payment.captured_minor) == (PaymentState.CAPTURED, 1090)


def test_nothing_is_tried_again_that_did_not_fail(as_role, settled):
    answer = as_role(Role.FINANCE).post(f"/money/{settled.public_id}/retry/", follow=True)
    assert "There is nothing to try again." in answer.text


def test_the_list_costs_no_query_more_for_more_payments(as_role, settled, connector, django_assert_max_num_queries):
    for number in range(30):
        Payment.objects.create(
            organization=settled.organization, connector=connector, snapshot=settled.snapshot, currency="EUR",
            hold_minor=100 + number,
        )  # fmt: skip
    client = as_role(Role.FINANCE)
    client.get("/money/")
    with django_assert_max_num_queries(16):
        client.get("/money/")
