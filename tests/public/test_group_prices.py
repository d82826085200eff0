"""A signed-in driver of a group sees and pays his group's price on the web; a guest those of everybody."""

from datetime import timedelta

import pytest

from billing.models import Bill, Payment, Receipt, Tariff, TariffAssignment
from billing.services import vouchers
from evcms.core import clock
from evcms.core.access import Role
from evcms.core.models import Organization
from sessions.models import DriverGroup
from tests.billing.conftest import KWH, Car, later, work
from tests.billing.saved import a_driver, saves_card
from tests.stations.conftest import make_access
from tests.tariffs import flat

pytestmark = pytest.mark.django_db(transaction=True)
YESTERDAY = timedelta(days=1)


@pytest.fixture
def cheap(organization, tariff):
    """The residents' own price; everybody else pays 0.49 and 1.10 to start."""
    group = DriverGroup.objects.create(organization=organization, name="Residents")
    made = Tariff.objects.create(
        organization=organization, name="Residents", currency="EUR", hold="12", **flat(per_kwh="0.25")
    )
    TariffAssignment.objects.create(
        tariff=made, organization=organization, group=group, valid_from=clock.now() - YESTERDAY
    )
    return made


@pytest.fixture
def resident(organization, cheap):
    driver = a_driver(organization)
    driver.group = DriverGroup.objects.get()
    driver.save()
    return driver


@pytest.fixture
def page(connector):
    return f"/c/{connector.code}"


def test_the_page_shows_each_his_own_price(client, page, provider, resident):
    guest = client.get(page).text
    assert "0.49" in guest
    assert "0.25" not in guest
    assert "price of your group" not in guest
    client.force_login(resident.user)
    own = client.get(page).text
    assert "0.25" in own
    assert "0.49" not in own
    assert "12.00 €" in own
    assert "price of your group" in own


def test_a_driver_of_no_group_sees_what_guests_see(client, page, provider, resident):
    resident.group = None
    resident.save()
    client.force_login(resident.user)
    assert "0.49" in client.get(page).text


def test_a_group_of_another_operator_changes_nothing_here(client, page, provider, resident, cheap):
    other = Organization.objects.create(name="Elsewhere", slug="elsewhere")
    DriverGroup.objects.update(organization=other)
    TariffAssignment.objects.filter(tariff=cheap).update(organization=other)
    Tariff.objects.filter(pk=cheap.pk).update(organization=other)
    client.force_login(resident.user)
    assert "0.49" in client.get(page).text


def test_a_start_on_the_card_on_file_is_billed_at_the_groups_price(client, page, connector, linked, provider, resident):
    saves_card(provider, resident)
    client.force_login(resident.user)
    client.post(f"{page}/start")
    payment = Payment.objects.get()
    assert payment.hold_minor == 1200
    car = Car(linked)
    car.starts(payment.attempt)
    later(minutes=30)
    car.ends(20 * KWH)
    work()
    assert Bill.objects.get().total_minor == 500
    assert Receipt.objects.get().total_minor == 500


def test_another_card_of_a_resident_pays_the_same_price_and_a_guest_everybodys(client, page, provider, resident):
    client.post(f"{page}/pay")
    client.force_login(resident.user)
    client.post(f"{page}/pay")
    holds = Payment.objects.order_by("pk").values_list("hold_minor", "snapshot__tariff__name")
    assert list(holds) == [(3000, "Street"), (1200, "Residents")]


def test_a_voucher_of_a_resident_pays_the_groups_price(client, page, provider, organization, resident):
    owner = make_access(organization, Role.OWNER)
    code = vouchers.make_vouchers(access=owner, count=1, value_minor=1000)[0].code
    client.force_login(resident.user)
    client.post(f"{page}/voucher", {"voucher": code})
    assert Payment.objects.get().snapshot.tariff.name == "Residents"
