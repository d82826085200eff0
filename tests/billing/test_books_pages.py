"""Proof, ledger and bills as a person sees them."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse

from billing import queries, services
from billing.models import Account, Bill, Receipt
from billing.services import statements
from billing.vocabulary import BillState
from evcms.core import clock
from evcms.core.access import Role
from evcms.core.models import Membership, User
from evcms.templatetags.evcms import at_zone
from tests.billing.test_corrections import settled
from tests.billing.test_proof import finance, month
from tests.core.test_sheets import cells

pytestmark = [pytest.mark.django_db(transaction=True)]


@pytest.fixture
def money(client, organization):
    user = User.objects.create_user(email="pages@example.org", password=None)
    Membership.objects.create(organization=organization, user=user, role=Role.FINANCE, all_sites=True)
    client.force_login(user)
    return client


def proven(client, query=""):
    """The page after a worker has checked."""
    page = reverse("proof") + query
    client.post(page)
    services.run_proofs()
    return client.get(page)


def words(page):
    return " ".join(re.sub(r"<[^>]+>", " ", page.content.decode()).split())


def test_the_proof_page_says_where_every_kwh_is_and_leads_to_its_sessions(month, money):
    page = proven(money)
    text = words(page)
    assert "91.00 kWh, every one accounted for" in text
    assert "Left over 0 mWh" in text
    assert 'role="img" aria-label="open 1.00 kWh, failed 10.00 kWh' in page.content.decode()
    links = re.findall(r'href="(/money/proof/sessions/\?[^"]*segment=failed[^"]*)"', page.content.decode())
    listed = money.get(links[0].replace("&amp;", "&"))
    assert "1 session" in words(listed)
    assert month["unpaid"].public_id in listed.content.decode()


def test_what_is_owed_is_what_is_there_whenever_it_came(month, money):
    """Else a statement that is paid later would show as owed what is not owed any more, with the sign left out."""

    def owed(text):
        return re.search(r"Owed by drivers ([-0-9.,]+) ", text).group(1)

    now, later = words(proven(money)), f"{clock.now() + timedelta(days=40):%Y-%m-%d}"
    page = proven(money, f"?since={later}&until={later}")
    assert owed(words(page)) == owed(now)
    assert re.search(r"Owed by drivers [-0-9.,]+ €? ?at the end of the period", words(page))
    assert "in these days" not in words(page)
    link = re.search(r'href="(/money/ledger/[^"]*account=receivable)"', page.content.decode()).group(1)
    assert owed(now) in words(money.get(link.replace("&amp;", "&")))


def test_the_parts_add_up_and_what_stands_beside_them_says_by_how_much_it_differs(month, money):
    bill = Bill.objects.filter(state=BillState.PAID).exclude(total_minor=0).first()
    parts = sum(row.total_minor for row in Bill.objects.exclude(final_at=None)) / 100
    assert f"{parts:.2f} €" in words(proven(money)).split("All energy", 1)[1].split("Left over")[0]
    assert "Against the sessions above" not in words(proven(money))
    Bill.objects.filter(pk=bill.pk).update(final_at=clock.now() - timedelta(days=60))
    differs = f"{-bill.total_minor / 100:.2f} €"
    assert f"Against the sessions above that is {differs}" in words(proven(money))


def test_leaks_stand_on_top(month, money):
    Receipt.objects.filter(sequence=1).update(total_minor=900)
    assert "1 leak" in words(proven(money))
    assert "receipt and bill: 900 against 1090" in words(proven(money))


def test_the_ledger_page_shows_balances_entries_and_files(month, money):
    text = words(money.get(reverse("ledger")))
    assert "The books balance" in text
    assert "provider" in text
    one = words(money.get(reverse("ledger"), {"account": "prepaid"}))
    assert "Ann" in one
    assert "revenue" not in one.split("About", 1)[1]
    table = money.get(reverse("ledger"), {"export": "csv"}).content.decode().splitlines()
    assert table[0].startswith("at,entry,kind,account")
    assert len(table) > 20
    sheet = cells(money.get(reverse("ledger"), {"export": "xlsx"}).content)
    assert len(sheet) == len(table)
    assert any(("n", "10.90") in row for row in sheet)


def test_the_register_has_every_numbered_document_of_the_days_with_its_sums(month, money, owner):
    fleet = Account.objects.get(kind="fleet")
    statement = statements.issue(account=fleet, starts_at=clock.now() - timedelta(days=30), ends_at=clock.now())
    page = money.get(reverse("documents"))
    text = words(page)
    receipts = Receipt.objects.filter(refund=None)
    assert f"{Receipt.objects.count() + 1} documents issued, no number is missing" in text
    assert sum(row["total"] for row in page.context["sums"]) == (
        sum(row.total_minor for row in Receipt.objects.all()) + statement.total_minor
    )
    assert statement.number in text
    assert receipts.first().number in text
    table = money.get(reverse("documents"), {"export": "csv"}).content.decode().splitlines()
    assert len(table) == Receipt.objects.count() + 2
    assert table[-1].startswith(f"{statement.number},statement_month,")
    assert ",Vans B.V.," in table[-1]
    assert len(cells(money.get(reverse("documents"), {"export": "xlsx"}).content)) == len(table)
    assert "Nothing was issued" in words(
        money.get(reverse("documents"), {"since": "2001-01-01", "until": "2001-01-02"})
    )
    lines = money.get(reverse("statement-lines", args=[statement.public_id]), {"export": "csv"}).content.decode()
    assert lines.splitlines()[1].startswith(f"{statement.number},session,")
    assert lines.splitlines()[1].endswith(",6.00,")


def test_a_number_without_a_document_is_told_and_two_that_changed_places_at_midnight_are_not(month, money):
    first, second = (Receipt.objects.get(sequence=number) for number in (1, 2))
    last = Receipt.objects.count()
    Receipt.objects.filter(pk=second.pk).update(issued_at=first.issued_at - timedelta(days=40))
    assert f"{last - 1} documents issued, no number is missing" in words(money.get(reverse("documents")))
    Receipt.objects.filter(sequence=last).update(sequence=last + 2)
    assert "2 numbers are missing" in words(money.get(reverse("documents")))


def test_what_a_payer_drew_is_named_in_the_time_of_the_place(month, money):
    session = month["prepaid"]
    text = words(money.get(reverse("account-page", args=[Account.objects.get(kind="prepaid").public_id])))
    assert f"{session.started_at:%F %T}" not in text
    assert f"{session.station}, {at_zone(session.started_at, 'Europe/Amsterdam')}" in text


def test_a_session_says_how_it_is_paid_and_leads_to_the_bill_and_the_payer(month, money):
    page = money.get(reverse("session", args=[month["fleet"].public_id]))
    text = words(page)
    assert "6.00 € on the monthly statement" in text
    assert "by now" not in text
    assert "How it is paid Monthly statement: Vans" in text
    assert reverse("bill", args=[month["fleet"].public_id]) in page.text
    assert reverse("account-page", args=[Account.objects.get(kind="fleet").public_id]) in page.text
    assert "6.00 € paid from a balance" in words(money.get(reverse("session", args=[month["prepaid"].public_id])))


def test_a_person_decides_about_a_bill_on_its_page(settled, money):
    bill = Bill.objects.get()
    Bill.objects.update(state=BillState.REVIEW, reason="late readings")
    assert "1 bill waits for a person" in words(money.get(reverse("bills")))
    url = reverse("bill", args=[bill.session.public_id])
    assert "20.00 kWh for 10.90 €" in words(money.get(url))
    wrong = money.post(url, {"resolution": "energy", "reason": "meter"})
    assert wrong.status_code == 422
    assert "Say how much energy it was." in words(wrong)
    done = money.post(url, {"resolution": "energy", "energy": "10", "reason": "meter"}, follow=True)
    text = words(done)
    assert "10.00 kWh for 6.00 €, paid" in text
    assert re.search(r"Credit note \d{4}-000002 · -10.90 €", text)


def test_who_sees_one_site_sees_no_books(month, client, organization):
    user = User.objects.create_user(email="one@example.org", password=None)
    Membership.objects.create(organization=organization, user=user, role=Role.FINANCE, all_sites=False)
    client.force_login(user)
    assert client.get(reverse("proof")).status_code == 403
    assert client.get(reverse("ledger")).status_code == 403
    assert client.get(reverse("documents")).status_code == 403


__all__ = ["finance", "month", "settled"]


def test_the_bill_of_a_charge_that_runs_says_what_it_costs_so_far(month, money):
    """It has no trace before its end, which is not the same as no price."""
    bill = Bill.objects.filter(state=BillState.OPEN).exclude(snapshot=None).select_related("session").get()
    text = words(money.get(reverse("bill", args=[bill.session.public_id])))
    told = queries.cost_so_far(session=bill.session).total
    assert told != "0.00 €"
    assert f"1.00 kWh for {told}, running" in text
    assert "No tariff was in force" not in text
    Bill.objects.filter(pk=bill.pk).update(snapshot=None)
    assert "No tariff was in force" in words(money.get(reverse("bill", args=[bill.session.public_id])))
