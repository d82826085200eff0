"""Money's word on many cards, and the tariffs of many places, are those of one after the other, in as few questions."""

from datetime import timedelta

import pytest

from billing import lookup, services
from billing.models import (
    Account,
    Bill,
    BillingSettings,
    Debt,
    FundingRule,
    PaymentMethod,
    Tariff,
    TariffAssignment,
)
from billing.services import funding
from billing.vocabulary import AccountKind, DebtState, FundingSource, MethodState
from evcms.core import clock
from sessions.models import Attempt, Driver, DriverGroup, IdToken
from sessions.services import Tap, start
from sessions.vocabulary import SessionStart, TokenStatus, Verdict
from tests.stations.conftest import make_station
from tests.tariffs import flat

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


class Cards:
    """Cards by what stands behind them."""

    def __init__(self, organization, station):
        self.organization, self.station = organization, station
        BillingSettings.objects.create(organization=organization, refuse_unfunded=True, most_debt_minor=500)

    def card(self, name, driver=None, **fields):
        return IdToken.objects.create(
            organization=self.organization, value=name, folded=name.upper(), driver=driver, **fields
        )

    def driver(self, name, group=None):
        return Driver.objects.create(organization=self.organization, name=name, group=group)

    def rule(self, source, account=None, **who):
        FundingRule.objects.create(organization=self.organization, source=source, account=account, **who)

    def account(self, kind, **fields):
        return Account.objects.create(organization=self.organization, kind=kind, name=kind, currency="EUR", **fields)

    def method(self, driver, state=MethodState.ACTIVE):
        PaymentMethod.objects.create(
            organization=self.organization, driver=driver, method_id=f"pm_{driver.pk}", state=state, is_default=True
        )

    def owes(self, driver, minor, collected=0, state=DebtState.OPEN):
        began = clock.now() - timedelta(days=driver.pk)
        begun = start(
            start=SessionStart(
                station_id=self.station.pk, protocol="ocpp2.0.1", at=began, received_at=began,
                transaction_id=f"tx-{driver.pk}-{minor}",
            )
        )  # fmt: skip
        bill = Bill.objects.create(session_id=begun.session_id, organization=self.organization, currency="EUR")
        Debt.objects.create(
            organization=self.organization, bill=bill, driver=driver, currency="EUR", amount_minor=minor,
            collected_minor=collected, reason="x", state=state,
        )  # fmt: skip


@pytest.fixture
def cards(organization, station):
    """Value → what a charger is told of it."""
    made = Cards(organization, station)
    prepaid = made.account(AccountKind.PREPAID, balance_minor=900, held_minor=100)
    empty = made.account(AccountKind.PREPAID, balance_minor=100, held_minor=100)
    fleet = made.account(AccountKind.FLEET, limit_minor=1000, balance_minor=999)
    full = made.account(AccountKind.FLEET, limit_minor=1000, balance_minor=1000)
    closed = made.account(AccountKind.FREE, closed_at=clock.now())
    rich, poor = (DriverGroup.objects.create(organization=organization, name=name) for name in ("rich", "poor"))
    made.rule(FundingSource.FLEET, fleet, group=rich)
    made.rule(FundingSource.FLEET, full, group=poor)
    ada, bob, cleo, dora, eve, finn = (made.driver(name) for name in ("Ada", "Bob", "Cleo", "Dora", "Eve", "Finn"))
    made.method(ada)
    made.method(bob, MethodState.REFUSED)
    for driver in (cleo, dora, eve, finn):
        made.method(driver)
    made.owes(cleo, 501)
    made.owes(dora, 900, collected=400)
    made.owes(eve, 9000, state=DebtState.WAIVED)
    made.rule(FundingSource.CARD, driver=finn)
    member, other = made.driver("Gil", rich), made.driver("Hal", poor)
    told = {
        made.card("ada", ada): Verdict.ACCEPTED,
        made.card("bad card", bob): Verdict.NO_CREDIT,
        made.card("owes", cleo): Verdict.NO_CREDIT,
        made.card("owes little", dora): Verdict.ACCEPTED,
        made.card("waived", eve): Verdict.ACCEPTED,
        made.card("finn", finn): Verdict.ACCEPTED,
        made.card("of a group", member): Verdict.ACCEPTED,
        made.card("of a group at its limit", other): Verdict.NO_CREDIT,
        made.card("nobody's"): Verdict.NO_CREDIT,
        made.card("a guest's", guest=True): Verdict.ACCEPTED,
        made.card("blocked", ada, status=TokenStatus.BLOCKED): Verdict.BLOCKED,
        made.card("late", ada, expires_at=clock.now() - timedelta(days=1)): Verdict.EXPIRED,
    }
    for name, account, source, verdict in (
        ("prepaid", prepaid, FundingSource.PREPAID, Verdict.ACCEPTED),
        ("empty", empty, FundingSource.PREPAID, Verdict.NO_CREDIT),
        ("closed", closed, FundingSource.FREE, Verdict.NO_CREDIT),
    ):
        token = made.card(name, other)  # the card's own rule wins over the group's
        made.rule(source, account, token=token)
        told[token] = verdict
    return {token.value: verdict for token, verdict in told.items()} | {"unknown": Verdict.INVALID}


def taps_of(cards, site, prefix):
    return [
        Tap(make_station(f"{prefix}-{number}", site).pk, value, "ISO14443", clock.now())
        for number, value in enumerate(cards)
    ]


def attempts(taps):
    rows = Attempt.objects.filter(station__in=[tap.station_id for tap in taps]).order_by("station")
    return [(row.token_value, row.state, row.cause, row.detail, row.driver_id) for row in rows]


def test_cards_together_hear_what_they_hear_alone(cards, site):
    together, alone = taps_of(cards, site, "T"), taps_of(cards, site, "A")
    decisions = services.admit_many(taps=together)
    assert {tap.value: one.verdict for tap, one in zip(together, decisions, strict=True)} == cards
    singly = [
        services.admit(station_id=tap.station_id, token_value=tap.value, token_type=tap.token_type, at=tap.at)
        for tap in alone
    ]
    assert singly == decisions
    assert attempts(together) == attempts(alone)
    assert len(attempts(together)) == len([verdict for verdict in cards.values() if verdict != Verdict.ACCEPTED])


def test_the_ways_to_pay_are_those_found_alone(cards):
    tokens = IdToken.objects.select_related("driver")
    payers = [
        funding.Payer(token.pk, token.driver_id, token.driver.group_id if token.driver else None) for token in tokens
    ]
    together = funding.choose_many(payers)
    assert {payer: funding.choose(**payer._asdict()) for payer in payers} == together
    assert {choice.source for choice in together.values()} >= {"card", "fleet", "prepaid", "free", "none"}


def test_a_batch_of_cards_costs_no_more_questions_than_one(cards, site, django_assert_max_num_queries):
    taps = [tap for tap in taps_of(cards, site, "T") if cards[tap.value] == Verdict.ACCEPTED]
    services.admit_many(taps=taps)
    with django_assert_max_num_queries(9):  # one of them keeps the taps
        services.admit_many(taps=taps)


def test_tariffs_of_many_places_are_those_of_each(organization, site, other_site, rival):
    now, day = clock.now(), timedelta(days=1)
    here, there = make_station("HERE", site), make_station("THERE", other_site)
    plug, far = here.connectors.order_by("pk").first(), there.connectors.order_by("pk").first()
    group = DriverGroup.objects.create(organization=organization, name="staff")

    def assign(name, owner=organization, *, archived=None, since=now - 9 * day, **where):
        tariff = Tariff.objects.create(
            organization=owner, name=name, currency="EUR", archived_at=archived, **flat(per_kwh="0.40")
        )
        TariffAssignment.objects.create(tariff=tariff, organization=owner, valid_from=since, **where)

    assign("everywhere")
    assign("before", valid_until=now - day, priority=9)
    assign("to come", since=now + day, priority=9)
    assign("gone", archived=now, priority=9)
    assign("rival's", rival, priority=9)
    assign("site", site=site)
    assign("plug", connector=plug)
    assign("staff", group=group)
    places = {
        "everywhere": lookup.Place(organization.pk, other_site.pk, there.pk, far.pk, None, now),
        "site": lookup.Place(organization.pk, site.pk, here.pk, None, None, now),
        "plug": lookup.Place(organization.pk, site.pk, here.pk, plug.pk, None, now),
        "staff": lookup.Place(organization.pk, site.pk, here.pk, plug.pk, group.pk, now),
        "rival's": lookup.Place(rival.pk, None, None, None, None, now),
        "before": lookup.Place(organization.pk, site.pk, here.pk, plug.pk, None, now - 2 * day),
    }
    assert [tariff.name for tariff in lookup.tariffs_at(list(places.values()))] == list(places)
    assert [lookup.tariff_in_force(**place._asdict()).name for place in places.values()] == list(places)
    assert lookup.tariffs_at([lookup.Place(rival.pk, None, None, None, None, now - 30 * day)]) == [None]
