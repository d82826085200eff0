"""Which price holds where, and that a frozen one stays frozen."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing import queries
from billing import services as billing
from billing.errors import PaymentRefused
from billing.lookup import setting_here, snapshot_of, terms_of
from billing.models import Bill, PriceSnapshot, Tariff, TariffAssignment
from billing.vocabulary import Refusal
from evcms.core import clock
from evcms.core.access import Role
from stations import services as stations
from stations.models import Connector, Station
from stations.vocabulary import ConnectorStatus, StatusReport
from tests.billing.conftest import KWH, later
from tests.stations.conftest import make_access
from tests.tariffs import flat

pytestmark = pytest.mark.django_db


def tariff_named(organization, name, price="0.50", **place):
    made = Tariff.objects.create(organization=organization, name=name, currency="EUR", **flat(per_kwh=price))
    begin = place.pop("valid_from", clock.now() - timedelta(hours=1))
    TariffAssignment.objects.create(tariff=made, organization=organization, valid_from=begin, **place)
    return made


def test_the_most_particular_place_wins(organization, site, station, connector):
    def holds():
        return queries.tariff_for(connector=connector).name

    tariff_named(organization, "everywhere")
    assert holds() == "everywhere"
    tariff_named(organization, "site", site=site)
    assert holds() == "site"
    tariff_named(organization, "station", station=station)
    assert holds() == "station"
    tariff_named(organization, "connector", connector=connector)
    assert holds() == "connector"


def test_of_two_at_one_place_the_newer_holds_and_time_decides(organization, site, connector):
    now = clock.now()
    tariff_named(organization, "old", site=site, valid_from=now - timedelta(days=9))
    tariff_named(organization, "new", site=site, valid_from=now - timedelta(days=1))
    tariff_named(organization, "ended", site=site, valid_until=now)
    tariff_named(organization, "tomorrow", site=site, valid_from=now + timedelta(days=1))
    assert queries.tariff_for(connector=connector).name == "new"
    assert queries.tariff_for(connector=connector, at=now - timedelta(days=5)).name == "old"
    assert queries.tariff_for(connector=connector, at=now + timedelta(days=2)).name == "tomorrow"
    assert queries.tariff_for(connector=connector, at=now - timedelta(days=10)) is None


def test_an_archived_tariff_holds_nowhere(organization, connector, owner):
    made = tariff_named(organization, "a")
    billing.archive_tariff(access=owner, tariff=made)
    assert queries.tariff_for(connector=connector) is None


def test_other_organizations_prices_never_hold_here(rival, connector):
    tariff_named(rival, "theirs")
    assert queries.tariff_for(connector=connector) is None


def test_equal_terms_share_one_snapshot_and_an_edit_makes_another(organization, owner):
    made = tariff_named(organization, "a")
    first = snapshot_of(made)
    assert snapshot_of(made) == first
    billing.edit_tariff(access=owner, tariff=made, name="renamed")
    made.refresh_from_db()
    assert snapshot_of(made) == first
    made = billing.edit_tariff(access=owner, tariff=made, **flat(per_kwh="0.60"))
    assert snapshot_of(made) != first
    assert first.terms["elements"] == flat(per_kwh="0.50")["elements"]
    assert PriceSnapshot.objects.count() == 2


def test_places_of_others_cannot_be_assigned(organization, rival, owner, station, site):
    made = tariff_named(organization, "a")
    stranger = make_access(rival)
    with pytest.raises(PermissionDenied):
        billing.assign_tariff(access=stranger, tariff=made)
    theirs = Tariff.objects.create(organization=rival, name="theirs", currency="EUR")
    with pytest.raises(PermissionDenied):
        billing.assign_tariff(access=stranger, tariff=theirs, site=site)
    with pytest.raises(PermissionDenied):
        billing.assign_tariff(
            access=make_access(organization, Role.FINANCE, all_sites=False), tariff=made, station=station
        )
    with pytest.raises(ValidationError):
        billing.assign_tariff(access=owner, tariff=made, site=site, station=station)


def test_the_offer_says_the_price_in_the_legal_order_and_an_example(settings, organization, connector):
    settings.PAYMENTS_ON, settings.STRIPE_SECRET_KEY, settings.STRIPE_WEBHOOK_SECRET = True, "sk_test_x", "whsec_x"
    made = tariff_named(organization, "a", price="0.49")
    made.elements, made.hold = flat(per_kwh="0.49", per_start="1.10", idle_per_minute="0.1")["elements"], "30"
    made.save()
    connector.plug = "IEC_62196_T2"
    said = queries.offer(connector=connector)
    assert [line.sentence for line in said.lines] == [
        "Energy: 0.49 € per kWh",
        "Session fee: 1.10 € per session",
        "Blocking fee: 0.10 € per minute after charging (the first 15 minutes are free)",
    ]
    assert said.remarks == ["Prices include 21 % VAT."]
    assert said.example == "20 kWh in 109 min ≈ 10.90 €"  # what an 11 kW car takes
    assert (said.hold, said.payable, said.why_not) == ("30.00 €", True, "")
    assert queries.example_of(terms_of(made)) == "20 kWh in 40 min ≈ 10.90 €"


def report(connector, status):
    stations.status_reported(
        station_id=connector.station_id, report=StatusReport(1, 1, status, clock.now(), clock.now())
    )


def take_offline(connector):
    stations.disconnected(connection_id=connector.station.connection_id, reason="cable cut")


REFUSALS = {
    Refusal.OFFLINE: take_offline,
    Refusal.FAULTED: lambda connector: report(connector, ConnectorStatus.FAULTED),
    Refusal.UNAVAILABLE: lambda connector: report(connector, ConnectorStatus.UNAVAILABLE),
    Refusal.RESERVED: lambda connector: report(connector, ConnectorStatus.RESERVED),
    Refusal.OCCUPIED: lambda connector: report(connector, ConnectorStatus.CHARGING),
    Refusal.NO_TARIFF: lambda connector: TariffAssignment.objects.all().delete(),
    Refusal.FREE: lambda connector: Tariff.objects.update(**flat()),
}


@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_paid_start_is_refused_with_a_sentence(provider, tariff, connector, refusal):
    REFUSALS[refusal](connector)
    connector = Connector.objects.select_related("station", "evse").get(pk=connector.pk)
    with pytest.raises(PaymentRefused) as refused:
        billing.open_payment(connector=connector)
    assert refused.value.refusal == refusal
    assert refused.value.text == str(refusal.label)


def test_without_a_provider_a_paid_start_is_off_and_the_offer_says_so(tariff, connector):
    with pytest.raises(PaymentRefused) as refused:
        billing.open_payment(connector=connector)
    assert refused.value.refusal == Refusal.PAYMENTS_OFF
    assert queries.offer(connector=connector).why_not == "Card payment is not switched on here."


def test_a_station_in_maintenance_is_not_started(provider, tariff, connector, organization):
    from stations.models import MaintenanceWindow, WindowState

    now = clock.now()
    MaintenanceWindow.objects.create(
        organization=organization, station=connector.station, title="Cable", starts_at=now - timedelta(hours=1),
        ends_at=now + timedelta(hours=1), state=WindowState.RUNNING,
    )  # fmt: skip
    with pytest.raises(PaymentRefused) as refused:
        billing.open_payment(connector=connector)
    assert refused.value.refusal == Refusal.MAINTENANCE


def test_a_plugged_in_car_may_still_pay(provider, tariff, connector):
    report(connector, ConnectorStatus.PREPARING)
    connector = Connector.objects.select_related("station", "evse").get(pk=connector.pk)
    assert billing.open_payment(connector=connector).hold_minor == 3000


@pytest.mark.parametrize("email", ["nobody", "a@b", "x" * 300 + "@example.org"])
def test_an_address_that_is_none_is_refused(provider, tariff, connector, email):
    with pytest.raises(ValidationError):
        billing.open_payment(connector=connector, email=email)


def test_the_running_cost_and_the_final_cost_are_one_figure(tariff, connector, car):
    tariff.elements = flat(per_kwh="0.49", per_start="1.10", per_minute="0.05")["elements"]
    tariff.save()
    car.starts(token="X")
    for _ in range(4):
        later(minutes=10)
        car.draws(5 * KWH)
    running = queries.cost_so_far(session=car.session)
    car.ends(0)
    billing.settle_session(session_id=car.session.pk)
    final = queries.cost_so_far(session=car.session)
    assert (running.final, final.final) == (False, True)
    assert running.total == final.total == "12.90 €"
    assert [line.amount for line in running.lines] == [line.amount for line in final.lines]


def test_money_adds_few_queries_to_a_start_and_none_to_a_stop(tariff, connector, car):
    """The hot path: a station waits for its answer."""
    snapshot_of(tariff, setting_here(connector))  # somebody charged at this price before
    with CaptureQueriesContext(connection) as start:
        car.starts(token="X")
    asked = [query["sql"] for query in start.captured_queries if "billing_" in query["sql"]]
    assert len(asked) == 5  # whose payment, how it is paid, which tariff, its snapshot, the bill
    with CaptureQueriesContext(connection) as stop:
        car.ends(KWH)
    assert not [query["sql"] for query in stop.captured_queries if "billing_" in query["sql"]]
    assert Bill.objects.get().snapshot == snapshot_of(tariff, setting_here(connector))


def test_a_repeated_start_opens_no_second_bill(tariff, connector, car):
    car.starts(token="X")
    before = car.transaction
    type(car).number -= 1
    car.starts(token="X")
    assert car.transaction == before
    assert Bill.objects.count() == 1


def test_admission_is_the_tokens_own(tariff, connector):
    decision = billing.admit(station_id=connector.station_id, token_value="UNKNOWN", at=clock.now())
    assert not decision.accepted
    assert Station.objects.count() == 1
