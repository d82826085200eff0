"""Two thousand sites, a million payments: what lists them is paged, what chooses among them is typed."""

from datetime import timedelta

import pytest
from django.urls import reverse

from billing import lookup, queries
from billing.forms import PaymentFilter
from billing.models import Payment, SimulationRun, SitePricing
from billing.simulation_forms import SimulationForm
from billing.views import tariff_tools
from evcms.core import clock, form_fields, paging
from stations.models import Site

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def sites(owner, monkeypatch):
    monkeypatch.setattr(form_fields, "MANY", 2)
    monkeypatch.setattr(tariff_tools, "SITES_SHOWN", 2)
    return Site.objects.bulk_create(
        Site(organization=owner.organization, name=f"Kade {n}", latitude=52, longitude=5) for n in range(5)
    )


@pytest.fixture
def boss(client, owner):
    client.force_login(owner.user)
    return client


def test_prices_of_sites_are_paged_found_by_name_and_saved_where_they_are(boss, sites):
    page = reverse("site-prices")
    assert len(boss.get(page).context["rows"]) == 2
    found = boss.get(f"{page}?q=kade+3")
    assert [row["site"] for row in found.context["rows"]] == [sites[3]]
    answer = boss.post(f"{page}?q=kade+3", {"site": sites[3].pk, "energy_cost": "0.21"})
    assert answer.headers["Location"] == f"{page}?q=kade+3"
    assert SitePricing.objects.get(site=sites[3]).energy_cost == "0.21"
    wrong = boss.post(f"{page}?q=kade+3", {"site": sites[3].pk, "energy_cost": "much"})
    assert wrong.status_code == 422
    assert wrong.context["rows"][0]["problem"]
    assert "No site of that name" in boss.get(f"{page}?q=nowhere").text


def test_sites_of_a_simulation_are_typed_a_line_each(boss, owner, sites, tariff):
    today = clock.now().date()
    days = {"since": today - timedelta(days=9), "until": today, "tariff": tariff.pk}
    form = SimulationForm(days | {"sites": "Kade 1\r\n Kade 4 \n"}, access=owner, today=today)
    assert form.is_valid()
    assert set(form.cleaned_data["sites"]) == {sites[1], sites[4]}
    nobody = SimulationForm(days | {"sites": "Kade 1\nKade 99"}, access=owner, today=today)
    assert "There is no “Kade 99”." in nobody.errors["sites"]
    everywhere = SimulationForm(days | {"sites": ""}, access=owner, today=today)
    assert everywhere.is_valid()
    assert everywhere.cleaned_data["sites"].count() == Site.objects.filter(organization=owner.organization).count()
    boss.post(reverse("simulations"), days | {"sites": "Kade 1"})
    assert list(SimulationRun.objects.get().sites.all()) == [sites[1]]
    assert "Kade 1\nKade 99" in boss.post(reverse("simulations"), days | {"sites": "Kade 1\nKade 99"}).text


def test_payments_are_filtered_by_a_site_that_is_typed(owner, sites):
    form = PaymentFilter({"site": "kade 2"}, access=owner)
    assert form.is_valid()
    assert form.cleaned_data["site"] == sites[2]


def test_sums_of_very_many_payments_are_of_a_month_until_a_period_is_chosen(
    boss, owner, tariff, connector, monkeypatch
):
    for _number in range(3):
        Payment.objects.create(
            organization=owner.organization, connector=connector, snapshot=lookup.snapshot_of(tariff), currency="EUR",
            hold_minor=5000,
        )  # fmt: skip
    monkeypatch.setattr(paging, "MOST", 1)
    rows = Payment.objects.filter(organization=owner.organization)
    Payment.objects.filter(pk=rows.first().pk).update(created_at=clock.now() - timedelta(days=90))
    page = boss.get(reverse("money"))
    assert "in 30 days" in page.text
    assert [row.count for row in page.context["totals"]] == [2]
    day = (clock.now() - timedelta(days=100)).date().isoformat()
    whole = boss.get(reverse("money"), {"since": day})
    assert whole.context["totals"] == queries.totals(rows)
    assert "in 30 days" not in whole.text
