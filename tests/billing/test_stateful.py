"""Money's life in any order: drivers, stations, webhooks, faults and deaths drawn by hypothesis, then peace, then the
books (tests/billing/invariants.py).

`make test` tries the same few lives each time, `make test-long` many new ones. Half of them end with one of each of
what is rare (`World.one_of_each`): that costs as much as all before it.
"""

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from evcms.simulator.provider import running
from tests.billing.world import PAGE_CARDS, PLUGS, TASKS, World, task

pytestmark = pytest.mark.django_db(transaction=True)
QUICK = {"derandomize": True, "phases": [Phase.explicit, Phase.generate]}  # a find is made small by the long test

places = st.integers(0, PLUGS - 1)
dies = st.one_of(st.none(), st.none(), st.integers(1, 9))
ways = st.sampled_from([
    "page", "page", "page", "good", "good", "declined", "asks", "poor", "prepaid", "voucher", "fleet", "free", "nobody",
])  # fmt: skip
FAULTS = ("drop_before_effect", "drop_response_after_effect", "status")
CALLS = ("/capture", "/cancel", "POST /v1/refunds", "POST /v1/checkout", "POST /v1/payment_intents", "GET /v1", "")


class Life(RuleBasedStateMachine):
    provider = None

    @initialize(all_in_the_end=st.booleans())
    def begins(self, all_in_the_end):
        self.world, self.all_in_the_end = World(self.provider), all_in_the_end

    def plug(self, place, fits):
        """The first plug from `place` on that fits."""
        found = (self.world.plugs[(place + step) % PLUGS] for step in range(PLUGS))
        return next(plug for plug in found if fits(plug))

    def some(self, fits):
        return any(fits(plug) for plug in self.world.plugs)

    @precondition(lambda self: self.some(lambda plug: not plug.running))
    @rule(place=places, dies=dies)
    def opens_page(self, place, dies):
        self.world.opens_page(self.plug(place, lambda plug: not plug.running), dies)

    @precondition(lambda self: self.some(lambda plug: plug.pages))
    @rule(place=places, how=st.sampled_from(sorted(PAGE_CARDS)), passes=st.booleans(), back=st.booleans(), dies=dies)
    def pays(self, place, how, passes, back, dies):
        self.world.pays(self.plug(place, lambda plug: plug.pages), how, passes, back, dies)

    @precondition(lambda self: self.some(lambda plug: plug.pages))
    @rule(place=places)
    def pays_and_comes_back(self, place):
        self.world.pays(self.plug(place, lambda plug: plug.pages), "pays", True, True, None)

    @precondition(lambda self: self.some(lambda plug: not plug.running))
    @rule(place=places, number=st.integers(0, 1), dies=dies)
    def uses_voucher(self, place, number, dies):
        self.world.uses_voucher(self.plug(place, lambda plug: not plug.running), number, dies)

    @precondition(lambda self: self.some(lambda plug: not plug.running and plug.attempts))
    @rule(place=places, accepted=st.booleans(), dies=dies)
    def station_answers(self, place, accepted, dies):
        self.world.station_answers(self.plug(place, lambda plug: plug.attempts), accepted, dies)

    @precondition(lambda self: self.some(lambda plug: not plug.running and plug.attempts))
    @rule(place=places, dies=dies)
    def plugs_in(self, place, dies):
        self.world.plugs_in(self.plug(place, lambda plug: not plug.running and plug.attempts), dies)

    @precondition(lambda self: self.some(lambda plug: not plug.running))
    @rule(place=places, who=st.sampled_from(["good", "declined", "asks", "prepaid", "fleet"]), dies=dies)
    def taps(self, place, who, dies):
        self.world.taps(self.plug(place, lambda plug: not plug.running), who, dies)

    @precondition(lambda self: self.some(lambda plug: plug.running))
    @rule(place=places, kwh=st.integers(0, 20), dies=dies)
    def draws(self, place, kwh, dies):
        self.world.draws(self.plug(place, lambda plug: plug.running), kwh, dies)

    @precondition(lambda self: self.some(lambda plug: plug.running))
    @rule(place=places, dies=dies)
    def ends(self, place, dies):
        self.world.ends(self.plug(place, lambda plug: plug.running), dies)

    @precondition(lambda self: self.world.ended)
    @rule(dies=dies)
    def late_reading(self, dies):
        self.world.late_reading(dies)

    @precondition(lambda self: self.some(lambda plug: not plug.running))
    @rule(place=places, who=ways, kwh=st.integers(1, 24), deaths=st.lists(dies, min_size=4, max_size=4))
    def charges(self, place, who, kwh, deaths):
        """A whole session, whoever dies on the way."""
        plug, world, (one, two, three, four) = self.plug(place, lambda plug: not plug.running), self.world, deaths
        if who == "page":
            world.opens_page(plug, None)
            if plug.pages:
                world.pays(plug, "pays", True, True, one)
        elif who == "voucher":
            world.uses_voucher(plug, kwh, one)
        else:
            world.taps(plug, who, one)
        if plug.attempts and not plug.running:
            world.plugs_in(plug, two)
        task(TASKS["deliver"], two)
        if plug.running:
            world.draws(plug, kwh, None)
            task(TASKS["place"], three)
            world.ends(plug, None)
        task(TASKS["deliver"], four)
        task(TASKS["capture"], three)

    @rule(name=st.sampled_from(sorted(TASKS)), dies=dies)
    def works(self, name, dies):
        task(TASKS[name], dies)

    @rule()
    def everybody_works(self):
        for function in TASKS.values():
            function()

    @rule(how=st.sampled_from(["once", "doubled", "lost"]), dies=dies)
    def webhooks(self, how, dies):
        self.world.told_by_webhook(how, dies)

    @rule(amount=st.sampled_from([500, 1200]), back=st.booleans(), dies=dies)
    def tops_up(self, amount, back, dies):
        self.world.tops_up(amount, back, dies)

    @precondition(lambda self: self.world.debts())
    @rule(which=st.integers(0, 3), back=st.booleans(), dies=dies)
    def pays_debt(self, which, back, dies):
        found = self.world.debts()
        self.world.pays_debt(found[which % len(found)], back, dies)

    @precondition(lambda self: self.world.captured())
    @rule(which=st.integers(0, 3), amount=st.sampled_from([None, 10, 299, 301]), dies=dies)
    def refunds(self, which, amount, dies):
        found = self.world.captured()
        self.world.refunds(found[which % len(found)], amount, dies)

    @rule(approve=st.booleans(), dies=dies)
    def decides(self, approve, dies):
        self.world.decides(approve, dies)

    @precondition(lambda self: self.world.captured())
    @rule(which=st.integers(0, 3))
    def disputes(self, which):
        found = self.world.captured()
        self.world.disputes(found[which % len(found)])

    @precondition(lambda self: self.world.captured())
    @rule(verdict=st.sampled_from(["won", "lost"]))
    def judges(self, verdict):
        self.world.judges(verdict)

    @rule(dies=dies)
    def answers_bank(self, dies):
        self.world.answers_bank(dies)

    @precondition(lambda self: self.world.captured())
    @rule()
    def pays_out(self):
        self.world.pays_out()

    @rule(fault=st.sampled_from(FAULTS), match=st.sampled_from(CALLS), count=st.integers(1, 3))
    def fails(self, fault, match, count):
        rule = {"status": 500, "count": count} if fault == "status" else {fault: count}
        self.world.provider.fault(match=match, **rule)

    @rule(minutes=st.sampled_from([1, 3, 12, 50, 600, 4_000, 9_900]))
    def time_goes_by(self, minutes):
        self.world.time(minutes=minutes)

    def teardown(self):
        if hasattr(self, "world"):
            if self.all_in_the_end:
                self.world.one_of_each()
            self.world.settles()
            self.world.holds_true()


class LongLife(Life):
    """With what people of the house do now and then. Apart, so that the quick lives stay the same. Always allowed: what
    hypothesis may draw does not hang on a line that broke a moment sooner or later.
    """

    @rule(which=st.integers(0, 3), dies=dies)
    def tries_again(self, which, dies):
        for payment in self.world.failed()[which : which + 1]:
            self.world.tries_again(payment, dies)

    @rule(which=st.integers(0, 3), dies=dies)
    def lets_go(self, which, dies):
        for debt in self.world.debts()[which : which + 1]:
            self.world.lets_go(debt, dies)


@pytest.fixture(scope="module")
def double(tmp_path_factory):
    """A provider of its own: these lives move its clock, pause its webhooks and order declines ."""
    database = str(tmp_path_factory.mktemp("lives") / "provider.sqlite3")
    with running(database=database, merchant="City Charging") as made:
        yield made


def lives(provider, lives, steps, life=Life, **more):
    class Here(life):
        pass

    Here.provider = provider
    how = settings(max_examples=lives, stateful_step_count=steps, suppress_health_check=list(HealthCheck), **more)
    run_state_machine_as_test(Here, settings=settings(how, deadline=None, print_blob=True))


def test_nothing_is_charged_twice_too_high_or_lost_whatever_happens_in_whatever_order(provider):
    lives(provider, 8, 20, **QUICK)


@pytest.mark.long
def test_many_long_lives_lose_nothing_either(provider):
    lives(provider, 200, 60, life=LongLife)
