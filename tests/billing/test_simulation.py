"""Drafts over past sessions: sums that are right, and a tariff in force that reproduces every bill exactly."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from hypothesis import given
from hypothesis import strategies as st

from billing import lookup
from billing import services as billing
from billing.models import Bill, SimulationRun, SitePricing, Tariff
from billing.periods import stored_periods
from billing.pricing import Activity, Period, price
from billing.queries import simulations
from billing.services import simulation as service
from billing.simulation import EDGES, Past, Tally
from billing.terms import Element, Idle, Restrictions, Terms, simple_element
from billing.vocabulary import RunState
from evcms.core import clock
from evcms.core.access import Role
from tests.billing.conftest import KWH, later, paid, work
from tests.billing.past import past_sessions
from tests.stations.conftest import make_access, make_station
from tests.tariffs import flat

D = Decimal
WEEKDAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY")


def asked(access, tariff, sites, *, draft=None, days=400, **more):
    today = clock.now().date()
    return billing.simulate(
        access=access, name="Try", draft=draft, currency="EUR", tariff=tariff, sites=sites,
        since=today - timedelta(days=days), until=today, **more,
    )  # fmt: skip


def done(run):
    assert billing.run_simulations() == 1
    run.refresh_from_db()
    assert run.state == RunState.DONE, run.error
    return run


def intricate(terms):
    """The same with hours, tiers, blocks, a night pause and two taxes."""
    night, tier = simple_element(per_kwh="0.31", tax_percent="9"), simple_element(per_kwh="0.44", tax_percent="21")
    return replace(
        terms,
        elements=(
            replace(night, restrictions=Restrictions(start_time="22:00", end_time="06:00")),
            replace(tier, restrictions=Restrictions(min_kwh=D(20), days=WEEKDAYS)),
            Element((*simple_element(per_kwh="0.57", idle_per_minute="0.07", tax_percent="21").components,)),
        ),
        idle=Idle(10, D(12), "23:00", "06:00"),
        max_price=D(40),
        min_price=D(1),
    )


@pytest.mark.django_db
def test_the_tariff_in_force_reproduces_every_billed_amount_exactly(owner, organization, site, connector, linked):
    for number, elements in enumerate([flat(per_kwh="0.49", per_start="1.10"), as_fields(intricate(Terms("EUR")))]):
        tariff = Tariff.objects.create(organization=organization, name=str(number), currency="EUR", **elements)
        past_sessions(tariff, connector, 150, seed=number)
    run = done(asked(owner, None, [site]))
    result = run.result
    assert (run.total, run.done, run.skipped) == (300, 300, 0)
    assert result["all"]["billed"] == result["all"]["draft"] == sum(Bill.objects.values_list("total_minor", flat=True))
    assert result["all"]["billed_net"] == result["all"]["draft_net"]
    assert (result["cheaper"], result["dearer"], result["up"], result["down"]) == (0, 0, [], [])
    assert result["bins"][len(EDGES) + 1] == 300
    assert "Nothing changes" in simulations.sentence(run)


def as_fields(terms):
    values = terms.to_json()
    return {name: values[name] for name in ("elements", "idle", "min_price", "max_price")}


@pytest.mark.django_db(transaction=True)
def test_a_real_session_is_priced_again_to_the_cent(provider, tariff, connector, car, owner, site):
    """Through the charger's messages, settlement and capture: what is stored with the bill is enough."""
    Tariff.objects.filter(pk=tariff.pk).update(**as_fields(intricate(Terms("EUR"))))
    payment = paid(provider, connector)
    car.starts(payment.attempt)
    for _ in range(4):
        later(minutes=15)
        car.draws(6 * KWH)
    later(minutes=90)
    car.ends()
    work()
    bill = Bill.objects.get()
    assert bill.periods
    run = done(asked(owner, None, [site]))
    assert (run.done, run.result["all"]["billed"], run.result["all"]["draft"]) == (
        1,
        bill.total_minor,
        bill.total_minor,
    )


@pytest.mark.django_db
def test_a_draft_is_added_up_as_the_price_function_says(owner, tariff, site, connector):
    past_sessions(tariff, connector, 80)
    SitePricing.objects.create(site=site, energy_cost="0.12")
    draft = intricate(lookup.terms_of(tariff))
    run = done(asked(owner, tariff, [site], draft=draft))
    here = replace(draft, time_zone=site.time_zone)
    priced = {bill: price(here, stored_periods(bill.periods)) for bill in Bill.objects.select_related("session")}
    sums = run.result["all"]
    assert sums["draft"] == sum(each.total for each in priced.values())
    assert sums["draft_net"] == sum(each.net for each in priced.values())
    changes = {bill: each.total - bill.total_minor for bill, each in priced.items()}
    assert run.result["dearer"] == sum(change > 0 for change in changes.values())
    assert run.result["cheaper"] == sum(change < 0 for change in changes.values())
    assert sum(run.result["bins"]) == 80
    largest = max(changes.values())
    [first, *_rest] = run.result["up"]
    assert first["draft"] - first["billed"] == largest
    energy = sum(bill.session.energy_mwh for bill in priced)
    assert run.result["cost"] == round(D(energy) * D("0.12") / 10_000)
    shown = {row.label: row for row in simulations.changes(run)}
    assert shown["Margin after energy"].better is (sums["draft_net"] > sums["billed_net"])


@pytest.mark.django_db
def test_a_frozen_site_prices_the_draft_by_the_start(owner, tariff, site, connector):
    past_sessions(tariff, connector, 40)
    SitePricing.objects.create(site=site, frozen=True)
    draft = intricate(lookup.terms_of(tariff))
    run = done(asked(owner, tariff, [site], draft=draft))
    here = replace(draft, time_zone=site.time_zone, frozen=True)
    expected = sum(price(here, stored_periods(bill.periods)).total for bill in Bill.objects.all())
    assert run.result["all"]["draft"] == expected


@pytest.mark.django_db
def test_the_feasts_of_that_time_count_not_todays(owner, tariff, site, connector):
    draft = replace(
        lookup.terms_of(tariff),
        elements=(
            replace(simple_element(per_kwh="0.1"), restrictions=Restrictions(holidays="only")),
            simple_element(per_kwh="0.5"),
        ),
    )
    run = billing.simulate(
        access=owner, name="x", draft=draft, holidays_of="NL", currency="EUR", tariff=None, sites=[site],
        since=date(2020, 1, 1), until=date(2020, 12, 31),
    )  # fmt: skip
    assert "2020-12-25" in run.draft["holidays"]
    assert "2021-01-01" in run.draft["holidays"]


@pytest.mark.django_db
def test_what_followed_from_no_tariff_or_is_not_over_is_left_out(owner, organization, tariff, site, connector):
    made = past_sessions(tariff, connector, 6)
    bills = list(Bill.objects.order_by("pk"))
    for bill, change in zip(
        bills,
        ({"source": "free"}, {"state": "open"}, {"state": "review"}, {"periods": None}, {"currency": "USD"}, {}),
        strict=True,
    ):
        Bill.objects.filter(pk=bill.pk).update(**change)
    run = done(asked(owner, None, [site]))
    assert (run.total, run.skipped, run.result["all"]["sessions"]) == (1, 2, 1)
    long_ago = date(2020, 1, 1)
    empty = done(
        billing.simulate(
            access=owner,
            name="x",
            draft=None,
            currency="EUR",
            tariff=None,
            sites=[site],
            since=long_ago,
            until=long_ago,
        )
    )
    assert "No session of this period" in simulations.sentence(empty)
    assert len(made) == 6


@pytest.mark.django_db
def test_only_chosen_sites_and_days_count(owner, organization, tariff, site, other_site, connector, gateway):
    past_sessions(tariff, connector, 10)
    elsewhere = make_station("HAVEN-1", other_site).connectors.select_related("station__site", "evse").first()
    past_sessions(tariff, elsewhere, 7)
    assert done(asked(owner, None, [other_site])).total == 7
    run = done(asked(owner, None, [site, other_site]))
    assert {key: value["sessions"] for key, value in run.result["sites"].items()} == {
        str(site.pk): 10,
        str(other_site.pk): 7,
    }
    assert [row["sessions"] for row in simulations.by_site(run)] == [7, 10]  # by name: nothing changes


@pytest.mark.django_db
def test_who_may_not_see_money_or_a_site_cannot_simulate_it(organization, rival, tariff, site, other_site):
    with pytest.raises(PermissionDenied):
        asked(make_access(organization, Role.OPERATOR), tariff, [site])
    for stranger in (make_access(rival), make_access(organization, Role.FINANCE, all_sites=False)):
        with pytest.raises(ValidationError):
            asked(stranger, None, [site])
    with pytest.raises(ValidationError):
        billing.simulate(
            access=make_access(organization), name="", draft=None, currency="EUR", tariff=None, sites=[site],
            since=date(2026, 2, 1), until=date(2026, 1, 1),
        )  # fmt: skip


@pytest.mark.django_db
def test_a_run_that_fails_says_so_and_the_next_is_done(owner, tariff, site, connector):
    past_sessions(tariff, connector, 3)
    broken = asked(owner, None, [site], draft=lookup.terms_of(tariff))
    SimulationRun.objects.filter(pk=broken.pk).update(draft={"version": 1})
    sound = asked(owner, None, [site])
    assert billing.run_simulations() == 2
    broken.refresh_from_db()
    sound.refresh_from_db()
    assert (broken.state, sound.state) == (RunState.FAILED, RunState.DONE)
    assert "ValueError" in broken.error


@pytest.mark.django_db
def test_a_dead_workers_run_is_taken_again_when_its_lease_is_over(owner, tariff, site, connector, monkeypatch):
    past_sessions(tariff, connector, 3)
    run = asked(owner, None, [site])

    def dies(run):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(service, "_play", dies)
        with pytest.raises(KeyboardInterrupt):
            billing.run_simulations()
    assert billing.run_simulations() == 0
    later(minutes=7)
    assert done(run).done == 3


@pytest.mark.django_db
def test_progress_is_written_while_it_runs(owner, tariff, site, connector, monkeypatch):
    monkeypatch.setattr(service, "CHUNK", 2)
    past_sessions(tariff, connector, 5)
    run, seen = asked(owner, None, [site]), []
    play = service.replay
    monkeypatch.setattr(service, "replay", lambda *args: (seen.append(SimulationRun.objects.get().done), play(*args)))
    done(run)
    assert seen == [0, 0, 2, 2, 4]


@pytest.mark.django_db
def test_old_runs_are_forgotten(owner, tariff, site):
    asked(owner, None, [site])
    assert billing.prune_simulations() == 0
    later(days=91)
    assert billing.prune_simulations() > 0
    assert not SimulationRun.objects.exists()


@given(
    st.lists(st.tuples(st.integers(0, 9000), st.integers(0, 9000)), max_size=40), st.sampled_from(["EUR", "JPY", "KWD"])
)
def test_each_session_is_in_one_bin_and_the_ends_are_the_largest_changes(pairs, currency):
    tally = Tally(currency)
    terms = Terms(currency, (simple_element(per_kwh="1"),))
    start = clock.now()
    for number, (billed, draft) in enumerate(pairs):
        past = Past(str(number), 1, 0, 0, billed, billed)
        energy = D(draft).scaleb(6) / D(10) ** {"EUR": 2, "JPY": 0, "KWD": 3}[currency]
        priced = price(terms, [Period(start, start + timedelta(hours=1), Activity.CHARGING, int(energy))])
        tally.add(past, priced)
    result = tally.to_json()
    changes = sorted(draft - billed for billed, draft in pairs)
    assert sum(result["bins"]) == len(pairs)
    assert result["bins"][len(EDGES) + 1] == changes.count(0)
    assert sum(result["bins"][: len(EDGES) + 1]) == result["cheaper"] == sum(change < 0 for change in changes)
    assert [each["draft"] - each["billed"] for each in result["up"]] == [c for c in reversed(changes) if c > 0][:10]
    assert [each["draft"] - each["billed"] for each in result["down"]] == [c for c in changes if c < 0][:10]
