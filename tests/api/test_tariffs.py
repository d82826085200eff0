"""Tariffs over the API, in our words and in OCPI's."""

import json
from decimal import Decimal

import pytest

from billing.models import Tariff
from billing.ocpi import from_ocpi, loads
from billing.terms import Terms
from tests.tariffs import flat

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def tariff(organization):
    return Tariff.objects.create(
        organization=organization, name="Street", currency="EUR", hold="30", max_price="60",
        **flat(per_kwh="0.49", per_start="1.10"),
    )  # fmt: skip


@pytest.mark.parametrize("version", ["2.2.1", "2.3.0"])
def test_a_tariff_is_read_as_an_object_of_ocpi(api, tariff, version):
    answer = api.get(f"/api/v1/tariffs/{tariff.pk}/ocpi/?version={version}")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
    wire = json.loads(answer.content)
    assert {wire["id"], wire["country_code"], wire["party_id"]} == {str(tariff.pk), "NL", "CIT"}
    back = from_ocpi(loads(answer.content.decode()), tax_included=True)
    assert [element.to_json() for element in back.terms.elements] == tariff.elements
    assert (back.terms.max_price, back.name) == (Decimal(60), "Street")
    assert isinstance(back.terms, Terms)


def test_the_newest_version_is_the_usual_one_and_others_are_refused(api, tariff):
    assert api.get(f"/api/v1/tariffs/{tariff.pk}/ocpi/").json()["tax_included"] == "YES"
    answer = api.get(f"/api/v1/tariffs/{tariff.pk}/ocpi/?version=1.0")
    assert (answer.status_code, "2.2.1, 2.3.0" in answer.content.decode()) == (400, True)


def test_strangers_do_not_read_it(stranger, tariff):
    assert stranger.get(f"/api/v1/tariffs/{tariff.pk}/ocpi/").status_code == 404
