"""Tariffs with hours, groups and priorities from row to bill: what a session froze, what its bill keeps."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from billing import lookup, queries
from billing import services as billing
from billing.models import Bill, SitePricing, Tariff, TariffAssignment
from billing.periods import stored_periods
from billing.pricing import Terms, price
from billing.services import settlement
from evcms.core import clock
from sessions.models import Driver, DriverGroup, IdToken
from tests.billing.conftest import KWH, later
from tests.billing.test_golden_prices import element
from tests.tariffs import flat

pytestmark = pytest.mark.django_db


def put(organization, name, *, elements=None, priority=0, group=None, days_ago=1, **place):
    prices = {"elements": [element(text, 21).to_json() for text in elements]} if elements else flat(per_kwh="0.5")
    made = Tariff.objects.create(organization=organization, name=name, currency="EUR", **prices)
    begin = clock.now() - timedelta(days=days_ago)
    TariffAssignment.objects.create(
        tariff=made, organization=organization, valid_from=begin, priority=priority, group=group, **place
    )
    return made


def holds(connector, group=None):
    station = connector.station
    found = lookup.tariff_in_force(
        organization_id=station.organization_id, site_id=station.site_id, station_id=station.pk,
        connector_id=connector.pk, at=clock.now(), group_id=group.pk if group else None,
    )  # fmt: skip
    return found.name


def test_priority_then_group_then_place_then_youth(organization, site, connector):
    staff = DriverGroup.objects.create(organization=organization, name="Staff")
    put(organization, "everywhere")
    put(organization, "connector", connector=connector, days_ago=9)
    assert holds(connector) == "connector"
    put(organization, "newer at the connector", connector=connector, days_ago=2)
    assert holds(connector) == "newer at the connector"
    put(organization, "staff everywhere", group=staff)
    assert holds(connector, staff) == "staff everywhere"
    put(organization, "staff here", group=staff, site=site)
    assert holds(connector, staff) == "staff here"
    put(organization, "campaign", priority=1)
    assert holds(connector) == holds(connector, staff) == "campaign"


def test_a_groups_price_is_for_its_drivers_alone(organization, connector):
    staff = DriverGroup.objects.create(organization=organization, name="Staff")
    others = DriverGroup.objects.create(organization=organization, name="Others")
    put(organization, "everybody", days_ago=5)
    put(organization, "staff", group=staff)
    assert [holds(connector), holds(connector, others), holds(connector, staff)] == ["everybody", "everybody", "staff"]
    assert lookup.tariffs_in_force([connector], clock.now())[connector.pk].name == "everybody"


def test_many_connectors_find_what_one_finds(organization, connector):
    put(organization, "campaign", priority=1)
    put(organization, "connector", connector=connector)
    assert lookup.tariffs_in_force([connector], clock.now())[connector.pk].name == holds(connector) == "campaign"


def test_a_session_of_a_groups_driver_freezes_the_groups_price(organization, connector, car):
    staff = DriverGroup.objects.create(organization=organization, name="Staff")
    driver = Driver.objects.create(organization=organization, name="Ada", group=staff)
    IdToken.objects.create(organization=organization, value="ada", folded="ADA", driver=driver)
    put(organization, "everybody")
    theirs = put(organization, "staff", group=staff)
    car.starts(token="ada")
    assert Bill.objects.get().snapshot.tariff == theirs


@pytest.mark.parametrize("frozen", [True, False])
def test_a_session_freezes_the_zone_and_the_rule_of_its_site(organization, site, connector, car, frozen):
    SitePricing.objects.create(site=site, frozen=frozen)
    put(organization, "by the hour", elements=["07:00-19:00 E0.59", "E0.39"])
    car.starts(token="X")
    terms = lookup.frozen_terms(Bill.objects.get().snapshot)
    assert (terms.time_zone, terms.frozen) == (site.time_zone, frozen)
    assert lookup.setting_here(connector) == lookup.Setting(clock.now().year, site.time_zone, frozen)


def test_holidays_of_a_tariff_come_into_its_terms_only_when_asked_for(organization):
    made = put(organization, "weekdays", elements=["workdays E0.5", "E0.4"])
    made.holidays_of = "DE-BY"
    year = clock.now().year
    assert f"{year}-01-06" in lookup.terms_of(made).holidays  # Epiphany, in Bavaria
    made.elements = flat(per_kwh="0.5")["elements"]
    assert lookup.terms_of(made).holidays == ()


@pytest.mark.parametrize("frozen", [True, False])
def test_a_bill_over_the_boundary_is_split_or_frozen_and_reproduced_from_its_periods(
    organization, site, connector, car, frozen
):
    zone = ZoneInfo(site.time_zone)
    border = f"{(clock.now() + timedelta(minutes=30)).astimezone(zone):%H:%M}"
    SitePricing.objects.create(site=site, frozen=frozen)
    put(organization, "by the hour", elements=[f"-{border} E0.59 F0.35", "E0.39 P6"])
    car.starts(token="X")
    for _ in range(6):
        later(minutes=10)
        car.draws(2 * KWH)
    running = queries.cost_so_far(session=car.session)
    car.ends()
    settlement.settle_session(session_id=car.session.pk)
    bill = Bill.objects.get()
    parts = [line["quantity"] for line in bill.trace["lines"] if line["part"] == "energy"]
    assert sum(parts) == 12 * KWH
    assert len(parts) == (1 if frozen else 2)
    assert running.total_minor == bill.total_minor
    again = price(lookup.frozen_terms(bill.snapshot), stored_periods(bill.periods))
    assert (again.total, again.to_json()["lines"]) == (bill.total_minor, bill.trace["lines"])
    draft = price(Terms.simple(per_kwh="1"), stored_periods(bill.periods))
    assert draft.total == 1200


def test_an_energy_tariff_keeps_all_periods_too(tariff, connector, car):
    car.starts(token="X")
    for _ in range(3):
        later(minutes=10)
        car.draws(KWH)
    car.ends()
    settlement.settle_session(session_id=car.session.pk)
    kept = stored_periods(Bill.objects.get().periods)
    assert [period.energy_mwh for period in kept if period.energy_mwh] == [KWH, KWH, KWH]


REFUSED = [
    ({"elements": []}, "elements", "Say a price"),
    ({"elements": [{"components": [{"kind": "SUN", "price": "1"}]}]}, "elements", "make no sense"),
    ({"elements": [{"components": [{"kind": "ENERGY", "price": "-1"}]}]}, "elements", "make no sense"),
    ({"elements": "E0.5"}, "elements", "make no sense"),
    ({"idle": {"pause_from": "22:00"}}, "idle", "makes no sense"),
    ({"min_price": "5", "max_price": "4"}, "min_price", "above the highest"),
    ({"holidays_of": "XX"}, "holidays_of", "No holidays are known"),
    ({"min_price": "0.005"}, "min_price", "2 decimals"),
]


@pytest.mark.parametrize(("fields", "name", "words"), REFUSED)
def test_a_tariff_that_makes_no_sense_is_refused_with_a_sentence(tariff, owner, fields, name, words):
    with pytest.raises(ValidationError) as refused:
        billing.edit_tariff(access=owner, tariff=tariff, **fields)
    assert words in str(refused.value.message_dict[name])


def test_a_group_of_another_organization_gets_no_price_here(tariff, owner, rival):
    theirs = DriverGroup.objects.create(organization=rival, name="Theirs")
    with pytest.raises(PermissionDenied):
        billing.assign_tariff(access=owner, tariff=tariff, group=theirs)
