"""The large network of `make bench-large`, a thousandth of it: what pages read agrees."""

from datetime import timedelta
from itertools import pairwise
from random import Random

import pytest
from django.db import connection
from django.db.models import Count, F, Max, Min, Sum

from billing import standings
from billing.models import (
    Bill,
    JournalLine,
    LedgerDay,
    LedgerMark,
    Payment,
    PayoutShare,
    Receipt,
    RevenueDay,
    RevenueMark,
    SiteRevenueDay,
)
from billing.services import recount_ledger, recount_revenue, recount_shares
from evcms.core import clock
from sessions.models import (
    AttemptDay,
    ChargingSession,
    MeterSample,
    NetworkDay,
    QueueSign,
    SiteDay,
    SqueezeDay,
    UsageHour,
)
from sessions.services import attempt_days, rollups
from stations import services as stations
from stations.models import AvailabilityDay, AvailabilityInterval, Connector, Station

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

DAY = (
    "zone",
    "day",
    "grouping",
    "hour",
    "stage",
    "party",
    "rule",
    "site",
    "model",
    "firmware",
    "attempts",
    "counts",
    "well",
)


@pytest.fixture
def network(monkeypatch):
    if connection.vendor != "postgresql":
        pytest.skip("It is made by PostgreSQL's own generate_series.")
    from benchmarks.large.seed import seed
    from evcms.core import events
    from tests.dashboard.conftest import Silent

    monkeypatch.setattr(events, "_transport", Silent())
    return seed(scale=0.001, say=lambda line: None)


def test_the_network_agrees_and_every_page_answers(network):
    """One test: to fill it takes most of the time."""
    sessions_agree_with_their_readings_hours_bills_and_money(network)
    receipts_have_no_gaps_and_busy_plugs_charge(network)
    days_and_lives_agree(network)
    days_of_use_are_what_the_worker_counts(network)
    sums_of_money_are_what_the_worker_counts(network)
    every_page_of_operators_answers(network)


def sessions_agree_with_their_readings_hours_bills_and_money(network):
    sessions = ChargingSession.objects.exclude(pk=network.holdings.rows.session.pk)
    assert Station.objects.filter(identity__startswith="L-").count() == 20
    assert sessions.count() > 2_000

    read = sessions.annotate(first=Min("samples__energy_mwh"), last=Max("samples__energy_mwh"), all=Count("samples"))
    assert read.exclude(all=50).count() == read.exclude(last=F("first") + F("energy_mwh")).count() == 0
    hours = UsageHour.objects.aggregate(energy=Sum("energy_mwh"), charged=Sum("charging_seconds"))
    assert hours == sessions.aggregate(energy=Sum("energy_mwh"), charged=Sum("charging_seconds"))
    assert not MeterSample.objects.filter(session__ended_at__lt=F("at")).exists()

    bills = Bill.objects.filter(session__in=sessions)
    assert bills.filter(state="open").count() == sessions.filter(ended_at=None).count()
    assert bills.exclude(state="open").exclude(traced_minor=F("total_minor")).count() == 0
    assert bills.exclude(state="open").exclude(traced_mwh=F("session__energy_mwh")).count() == 0
    paid = Payment.objects.filter(session__in=sessions, state="captured")
    assert paid.exclude(captured_minor=F("session__bill__total_minor")).count() == 0
    assert JournalLine.objects.aggregate(all=Sum("amount_minor"))["all"] == 0
    open_debts = bills.filter(state="unpaid").aggregate(all=Sum("shortfall_minor"))["all"]
    assert JournalLine.objects.filter(account="receivable").aggregate(all=Sum("amount_minor"))["all"] == open_debts


def days_and_lives_agree(network):
    """The days of attempts are what the worker would count; the life of a port has no hole."""
    counted = sorted(AttemptDay.objects.values_list(*DAY), key=str)
    attempt_days.count_from_the_beginning(again=True, budget_s=600)
    assert counted == sorted(AttemptDay.objects.values_list(*DAY), key=str)
    assert len(counted) > 500
    assert stations.count_availability_days() == 0
    assert AvailabilityDay.objects.count() > 300
    lives = AvailabilityInterval.objects.filter(evse__station__identity__startswith="L-").values("evse")
    for life in lives.annotate(begun=Min("since"), heard=Min("evse__heard_since"), open=Count("pk") - Count("until")):
        rows = list(AvailabilityInterval.objects.filter(evse=life["evse"]).order_by("since"))
        assert (life["begun"], life["open"]) == (life["heard"], 1)
        assert all(one.until == other.since for one, other in pairwise(rows))


USE = ("day", *rollups.Tally().columns())
SQUEEZE = ("site", "day", "power_class", "ports", "full_seconds", "down_seconds", "short_seconds", "hours")


def days_of_use_are_what_the_worker_counts(network):
    """On days that the clocks changed, on others of chance, and on those that were short of ports or power."""
    organization, today = network.owner.organization, clock.now().date()
    # The example beside the network is heard of for two days: its life is derived after the days were made.
    counted = SqueezeDay.objects.filter(day__lt=today - timedelta(days=3))
    days = sorted(set(counted.values_list("day", flat=True)))
    assert len(days) > 350
    short = counted.filter(full_seconds__gt=0).order_by("-short_seconds", "-full_seconds")
    chosen = {day for day in days if day.month in (3, 10) and day.weekday() == 6 and day.day > 24}
    chosen |= set(short.values_list("day", flat=True)[:10]) | {*days[:2], *Random(2).sample(days, 8)}
    assert short.exists()
    assert counted.filter(short_seconds__gt=0).exists()
    assert QueueSign.objects.exists()

    def said():
        sites = SiteDay.objects.filter(day__in=chosen).order_by("site", "day").values_list("site", *USE)
        whole = NetworkDay.objects.filter(day__in=chosen).order_by("day").values_list("zone", *USE)
        squeezes = SqueezeDay.objects.filter(day__in=chosen).order_by("site", "day", "power_class")
        return list(sites), list(whole), list(squeezes.values_list(*SQUEEZE))

    before = said()
    for day in chosen:
        rollups.count_day(organization=organization, day=day)
    for one, other in zip(before, said(), strict=True):
        assert len(one) == len(other)
        assert [pair for pair in zip(one, other, strict=True) if pair[0] != pair[1]][:1] == []


def sums_of_money_are_what_the_worker_counts(network):
    organization = network.owner.organization
    rows = {
        RevenueDay: ("day", "tariff", "source", "currency", "step", "sessions", "energy_mwh", "net_minor",
                     "billed_minor", "unpaid_minor"),
        LedgerDay: ("day", "account", "kind", "currency", "debit_minor", "credit_minor", "lines"),
        PayoutShare: ("payout", "organization", "net_minor", "fee_minor"),
    }  # fmt: skip
    rows[SiteRevenueDay] = ("site", *rows[RevenueDay])

    def said():
        return {model: sorted(model.objects.values_list(*columns), key=str) for model, columns in rows.items()}

    before, marks = said(), [list(model.objects.values()) for model in (RevenueMark, LedgerMark)]
    standing = standings.moved(organization, None, None)
    assert standing == standings.from_lines(organization, standings.EVER, standings.NEVER)
    recount_revenue(days=40), recount_ledger(days=40), recount_shares()
    assert [model for model, told in said().items() if told != before[model] or not told] == []
    assert [list(model.objects.values()) for model in (RevenueMark, LedgerMark)] == marks


def receipts_have_no_gaps_and_busy_plugs_charge(network):
    rows = Receipt.objects.exclude(pk=network.holdings.rows.receipt.pk)
    for row in rows.values("year").annotate(all=Count("pk"), first=Min("sequence"), last=Max("sequence")):
        assert row["last"] == row["first"] + row["all"] - 1
    running = ChargingSession.objects.filter(ended_at=None).values("connector")
    assert set(Connector.objects.filter(pk__in=running).values_list("status", flat=True)) <= {"charging"}


def every_page_of_operators_answers(network):
    """With the example addresses of the bench, one request each."""
    from benchmarks.large.__main__ import examples
    from benchmarks.large.pages import addresses, walk

    found = addresses(network.holdings, examples(network.owner.organization))
    assert len(found) > 60
    timings = walk(network.owner.user, found, requests=0, say=lambda line: None)
    assert {timing.name: timing.status for timing in timings if timing.status != 200} == {}
