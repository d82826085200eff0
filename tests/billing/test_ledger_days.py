"""Days of the journal are what its lines say: counted once, booked late, counted by two, or not counted at all."""

from contextlib import suppress
from datetime import datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest
from django.core.management import call_command
from django.db import transaction
from django.urls import reverse

from billing import leaks, standings
from billing.leaks.journal import days_off
from billing.models import JournalEntry, LedgerDay, LedgerMark
from billing.queries.ledger import trial_balance
from billing.services import count_ledger, ledger, ledger_days, recount_ledger
from billing.services.ledger import Line
from billing.vocabulary import LedgerAccount
from evcms.core import clock
from evcms.core.snapshot import snapshot
from tests.billing.test_crashes import Killed

pytestmark = pytest.mark.django_db(transaction=True)
NAMES = list(LedgerAccount)[:4]
KINDS = ("price", "capture", "refund")


@pytest.fixture
def book(organization):
    """Books an entry of chance so long ago; None: now."""
    random = Random(3)
    number = iter(range(10_000))

    def post(ago=None):
        amount = random.randint(1, 900)
        one, other = random.sample(NAMES, 2)
        about = {} if ago is None else {"at": clock.now() - ago}
        return ledger.post(
            organization_id=organization.pk, key=f"e{next(number)}", kind=random.choice(KINDS),
            currency=random.choice(("EUR", "SEK")), lines=[Line(one, amount), Line(other, -amount)], **about,
        )  # fmt: skip

    return post


@pytest.fixture
def weeks(book):
    for hours in range(0, 24 * 20, 7):
        book(timedelta(hours=hours))


def exact(organization, first=None, last=None):
    """Sums by days are the sums of the lines; of local days `first` and `last` ago."""
    zone = ZoneInfo(organization.time_zone)
    since, until = (
        None if ago is None else datetime.combine(clock.now().astimezone(zone).date() - timedelta(ago), time(), zone)
        for ago in (first, last)
    )
    whole = standings.from_lines(organization, since or standings.EVER, until or standings.NEVER)
    return standings.moved(organization, since, until) == whole


def test_the_balances_of_counted_days_are_those_of_their_lines(owner, organization, weeks):
    before = trial_balance(owner)
    assert count_ledger() > 15
    assert LedgerDay.objects.count() > 20
    assert trial_balance(owner) == before
    assert exact(organization)
    assert exact(organization, 12, 3)
    assert exact(organization, 3, None)
    assert not list(days_off(leaks.look_at(organization, clock.now() - timedelta(days=30), clock.now())))


def test_the_ledger_adds_up_no_line_of_a_counted_day(owner, organization, weeks, django_assert_num_queries):
    count_ledger()
    with django_assert_num_queries(6):  # BEGIN, mark, days, what came late, the lines since, ROLLBACK
        assert trial_balance(owner)


def test_the_day_that_runs_is_counted_up_to_an_hour_ago(organization, book):
    today = datetime.combine(clock.now().astimezone(ZoneInfo(organization.time_zone)).date(), time(),
                             ZoneInfo(organization.time_zone))  # fmt: skip
    for minutes in range(0, int((clock.now() - today) / timedelta(minutes=1)), 30):
        ledger.post(
            organization_id=organization.pk, key=f"t{minutes}", kind="test", currency="EUR",
            lines=[Line(NAMES[0], 100), Line(NAMES[1], -100)], at=today + timedelta(minutes=minutes),
        )  # fmt: skip
    count_ledger()
    mark = LedgerMark.objects.get()
    assert mark.until is None or clock.now() - timedelta(hours=2) <= mark.until <= clock.now() - timedelta(hours=1)
    book(timedelta(minutes=90)), book(), book(timedelta(hours=30))
    assert exact(organization)
    assert exact(organization, 0, None)
    assert exact(organization, 0, -1)
    assert exact(organization, 5, 0)
    count_ledger()
    assert exact(organization)
    assert exact(organization, 0, -1)


def test_what_is_booked_into_a_counted_day_is_seen_at_once_and_counted_then(organization, weeks, book):
    count_ledger()
    kept = LedgerDay.objects.count()
    book(timedelta(days=6)), book(timedelta(days=300))  # the second before all others
    assert exact(organization)
    assert exact(organization, 8, 5)
    assert count_ledger() in (2, 3)  # perhaps an hour has ended
    assert LedgerDay.objects.count() > kept
    assert exact(organization)
    assert count_ledger() in (0, 1)
    assert exact(organization)


@pytest.mark.parametrize("seed", range(3))
def test_whatever_is_booked_and_counted_in_whatever_order_no_line_is_lost(organization, weeks, book, seed, monkeypatch):
    random, whole = Random(seed), ledger_days._count_day

    def killed(organization, day, mark):
        if random.random() < 0.5:
            raise Killed
        whole(organization, day, mark)

    for _round in range(20):
        deed = random.random()
        if deed < 0.3:
            count_ledger(budget_s=random.choice((0.0, 60.0)))
        elif deed < 0.4:
            recount_ledger(days=5)
        elif deed < 0.5:
            book(timedelta(days=4)), book(timedelta(days=5)), book(timedelta(days=6))
            with monkeypatch.context() as patch:
                patch.setattr(ledger_days, "_count_day", killed)
                for counting in (count_ledger, recount_ledger):
                    with suppress(Killed):
                        counting()
        else:
            book(random.choice((None, timedelta(hours=random.randint(0, 24 * 25)))))
        assert exact(organization)
        assert exact(organization, random.randint(5, 30), random.randint(0, 4))
    count_ledger()
    columns = ("day", "account", "kind", "currency", "debit_minor", "credit_minor", "lines")
    kept = sorted(LedgerDay.objects.values_list(*columns))
    call_command("recount_ledger")
    assert sorted(LedgerDay.objects.values_list(*columns)) == kept


def test_days_of_another_zone_are_forgotten_and_counted_again(organization, weeks):
    count_ledger()
    organization.time_zone = "Pacific/Auckland"
    organization.save()
    assert exact(organization, 9, 2)  # from the lines: no counted day is a day there
    count_ledger()
    assert LedgerMark.objects.get().zone == "Pacific/Auckland"
    assert exact(organization, 9, 2)


def test_a_day_that_says_something_else_than_its_lines_is_a_leak(organization, weeks):
    count_ledger()
    LedgerDay.objects.filter(pk=LedgerDay.objects.earliest("pk").pk).update(debit_minor=1)
    look = leaks.look_at(organization, datetime.combine(
        (clock.now() - timedelta(days=40)).date(), time(), ZoneInfo(organization.time_zone)), clock.now())  # fmt: skip
    assert not list(days_off(look))  # its end cuts a day: read from the lines
    end = datetime.combine(clock.now().date() + timedelta(days=1), time(), ZoneInfo(organization.time_zone))
    found = list(days_off(leaks.look_at(organization, look.since, end)))
    assert [leak.kind for leak in found] == ["ledger_days"]


def test_a_snapshot_within_a_snapshot_is_the_same_one(organization, weeks):
    with snapshot():
        with snapshot():
            assert JournalEntry.objects.exists()
        before = JournalEntry.objects.count()
        assert standings.moved(organization, None, None)
        assert JournalEntry.objects.count() == before
    with transaction.atomic(), snapshot():
        assert JournalEntry.objects.exists()


def test_the_page_shows_the_same_before_and_after(client, owner, organization, weeks):
    client.force_login(owner.user)
    page = client.get(reverse("ledger"))
    count_ledger()
    again = client.get(reverse("ledger"))
    for shown in ("standing", "balanced"):
        assert again.context[shown] == page.context[shown]
    assert [kind for kind, _label in again.context["form"].fields["kind"].choices[1:]] == sorted(KINDS)
    key = JournalEntry.objects.latest("pk").key
    assert {told.line.entry.key for told in client.get(reverse("ledger"), {"q": key}).context["lines"]} == {key}
    assert not client.get(reverse("ledger"), {"q": "no such thing"}).context["lines"]
