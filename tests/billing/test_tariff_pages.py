"""The tariff editor and its tools, as people use them: without JavaScript, and the fragments that htmx asks for."""

import json
import re
from decimal import Decimal as D

import pytest

from billing.models import SimulationRun, SitePricing, Tariff, TariffAssignment
from billing.terms import Component, Element, Idle, Kind, Restrictions
from evcms.core.access import Role
from evcms.core.models import AuditEntry
from sessions.models import DriverGroup
from tests.billing.past import past_sessions
from tests.stations.conftest import make_access
from tests.tariffs import flat

pytestmark = pytest.mark.django_db(transaction=True)
WHOLE = {
    "name": "Night", "currency": "EUR", "tax_percent": "21", "tax_included": "on", "idle_grace": "15", "hold": "40",
    "min_price": "", "max_price": "", "idle_cap": "", "pause_from": "", "pause_until": "", "holidays_of": "",
}  # fmt: skip
EXAMPLE = {"ex_kwh": "20", "ex_minutes": "40", "ex_idle": "0", "ex_start": "2026-01-07T12:00"}


def form(*rules, **changes):
    """What a browser sends."""
    sent = WHOLE | EXAMPLE | {"rules": str(len(rules))} | changes
    for index, rule in enumerate(rules):
        sent |= {f"rule-{index}-{name}": value for name, value in rule.items()}
    return sent


FLAT = {"per_kwh": "0,39", "per_session": "0.5", "per_idle": "0.10"}
DAY = {"start_time": "07:00", "end_time": "19:00", "days": ["MONDAY", "FRIDAY"], "per_kwh": "0.59"}


@pytest.fixture
def as_role(client, organization):
    def login(role, **more):
        client.force_login(make_access(organization, role, **more).user)
        return client

    return login


def test_the_tax_of_a_new_tariff_is_said_by_nobody_but_the_operator(finance):
    assert finance.get("/tariffs/new/").context["whole"]["tax_percent"].value() == ""
    page = finance.post("/tariffs/new/", form(FLAT, tax_percent=""))
    assert "Tax (%): Give the rate that holds for you" in page.content.decode()
    assert not Tariff.objects.exists()
    assert finance.post("/tariffs/new/", form(FLAT, tax_percent="0")).status_code == 302


@pytest.fixture
def finance(as_role):
    return as_role(Role.FINANCE)


def test_finance_makes_a_tariff_and_puts_it_in_force_at_a_site(finance, organization, site, facts):
    answer = finance.post("/tariffs/new/", form(FLAT), follow=True)
    tariff = Tariff.objects.get()
    assert answer.redirect_chain[-1][0] == f"/tariffs/{tariff.pk}/"
    assert tariff.elements == flat(per_kwh="0.39", per_start="0.5", idle_per_minute="0.10")["elements"]
    assert (tariff.idle["grace_minutes"], tariff.max_price) == (15, "")
    answer = finance.post(f"/tariffs/{tariff.pk}/assign/", {"where": "site", "site": site.pk}, follow=True)
    assert "The tariff holds there now." in answer.text
    assert TariffAssignment.objects.get().site == site
    assert [entry.action for entry in AuditEntry.objects.order_by("id")] == ["tariff.created", "tariff.assigned"]
    assert len(facts("TariffChanged")) == 2
    assert "Kade" in finance.get("/tariffs/").text


EVERYTHING = {
    "start_time": "22:00", "end_time": "06:30", "days": ["SATURDAY", "SUNDAY"], "per_kwh": "0.2505", "per_time": "1",
    "time_unit": "hour", "per_session": "0", "per_idle": "0.05", "idle_unit": "minute", "holidays": "never",
    "start_date": "2026-01-01", "last_date": "2026-12-31", "min_kwh": "5", "max_kwh": "60,5", "min_power": "11",
    "max_power": "50", "min_time": "10", "max_time": "90:30", "tax": "9", "step_kwh": "100", "step_time": "60",
    "step_idle": "300",
}  # fmt: skip


def test_a_rule_with_everything_is_kept_and_comes_back_as_it_was_typed(finance, organization):
    whole = {"idle_cap": "20", "pause_from": "22:00", "pause_until": "07:00", "min_price": "1", "max_price": "60"}
    finance.post("/tariffs/new/", form(EVERYTHING, {"per_kwh": "0.4"}, holidays_of="NL", **whole))
    tariff = Tariff.objects.get()
    first, second = (Element.from_json(each) for each in tariff.elements)
    assert first == Element(
        (
            Component(Kind.ENERGY, D("0.2505"), D(9), 100),
            Component(Kind.TIME, D(1), D(9), 60),
            Component(Kind.FLAT, D(0), D(9)),
            Component(Kind.PARKING_TIME, D(3), D(9), 300),
        ),
        Restrictions(
            "22:00", "06:30", "2026-01-01", "2027-01-01", D(5), D("60.5"), D(11), D(50), 600, 5430,
            ("SATURDAY", "SUNDAY"), "never",
        ),
    )  # fmt: skip
    assert second == Element((Component(Kind.ENERGY, D("0.4"), D(21)),))
    assert Idle.from_json(tariff.idle) == Idle(15, D(20), "22:00", "07:00")
    assert (tariff.min_price, tariff.max_price, tariff.holidays_of) == ("1", "60", "NL")
    page = finance.get(f"/tariffs/{tariff.pk}/")
    shown = sent_by(page.text)
    for name, value in EVERYTHING.items():
        expected = "60.5" if name == "max_kwh" else value
        assert shown.get(f"rule-0-{name}") == expected, name
    before = tariff.elements
    finance.post(f"/tariffs/{tariff.pk}/", shown)
    tariff.refresh_from_db()
    assert tariff.elements == before


def sent_by(html):
    """What a browser would send of the editor's form, unchanged."""
    found = {}
    for tag in re.findall(r"<input[^>]*>", html.split('id="rules"')[0][-3000:] + html[html.index("<main") :]):
        name, kind = attribute(tag, "name"), attribute(tag, "type")
        if not name or (kind == "checkbox" and "checked" not in tag):
            continue
        value = attribute(tag, "value")
        if kind == "checkbox" and name.endswith("-days"):
            found.setdefault(name, []).append(value)
        else:
            found[name] = "on" if kind == "checkbox" else value
    for name, body in re.findall(r'<select name="([^"]+)"[^>]*>(.*?)</select>', html, re.S):
        chosen = re.search(r'<option value="([^"]*)" selected', body)
        found[name] = chosen.group(1) if chosen else ""
    return {name: value for name, value in found.items() if name not in ("csrfmiddlewaretoken", "q")} | {"do": "save"}


def attribute(tag, name):
    found = re.search(rf'\b{name}="([^"]*)"', tag)
    return found.group(1) if found else ""


@pytest.mark.parametrize(
    ("rules", "change", "sentence"),
    [
        ([{"per_kwh": "x"}], {}, "Rule 1: per kWh: A number such as 0.49."),
        ([{"per_kwh": "0.5"}, {}], {}, "Rule 2: Give this rule a price, or remove it."),
        ([{"per_kwh": "0.5", "start_time": "25:00"}], {}, "A time such as 07:30."),
        ([{"per_kwh": "0.5", "min_kwh": "9", "max_kwh": "9"}], {}, "this rule can never hold"),
        ([{"per_kwh": "0.5"}], {"name": ""}, "Name: This field is required."),
        ([{"per_kwh": "0.5"}], {"hold": "0"}, "A paid start needs an amount to hold."),
        ([{"per_kwh": "0.5"}], {"hold": "1.001"}, "Amounts in EUR have 2 decimals."),
        ([{"per_kwh": "60"}], {"currency": "JPY", "hold": "1000.5"}, "Amounts in JPY have 0 decimals."),
        ([{"per_kwh": "0.5"}], {"currency": "EURO"}, "Ensure this value has at most 3 characters"),
        ([{"per_kwh": "0.5"}], {"min_price": "5", "max_price": "4"}, "The smallest price is above the highest."),
        ([{"per_kwh": "0.5"}], {"max_price": "0"}, "Leave it empty for no limit."),
        ([{"per_kwh": "0.5"}], {"pause_from": "22:00"}, "A pause has a beginning and an end."),
        ([{"per_kwh": "0.5"}], {"tax_percent": "100"}, "A tax of 100 % or more makes no sense."),
        ([{"per_kwh": "0.5"}], {"holidays_of": "XX"}, "The holidays of this region are not known here."),
        ([], {}, "Say a price, if only that charging is free."),
    ],
)
def test_a_tariff_that_makes_no_sense_is_refused_with_a_sentence(finance, organization, rules, change, sentence):
    answer = finance.post("/tariffs/new/", form(*rules, **change))
    assert answer.status_code == 422
    assert sentence in answer.text.replace("&#x27;", "'")
    assert "Not saved yet:" in answer.text
    assert not Tariff.objects.exists()


def test_without_javascript_buttons_move_the_rules_and_lose_nothing(finance, organization):
    sent = form(DAY, FLAT)
    for action, prices in (
        ("add", ["0.59", "0,39", ""]),
        ("copy-0", ["0.59", "0.59", "0,39"]),
        ("down-0", ["0,39", "0.59"]),
        ("up-1", ["0,39", "0.59"]),
        ("up-0", ["0.59", "0,39"]),
        ("remove-0", ["0,39"]),
        ("remove-9", ["0.59", "0,39"]),
        ("remove-", ["0.59", "0,39"]),
    ):
        text = finance.post("/tariffs/new/", sent | {"do": action}).text
        shown = [attribute(tag, "value") for tag in re.findall(r'<input[^>]*-per_kwh"[^>]*>', text)]
        assert shown == prices, action
        assert "Not saved yet" not in text
    assert not Tariff.objects.exists()


def test_the_rules_fragment_asks_the_page_for_a_new_example(finance, organization):
    answer = finance.post("/tariffs/rules/", form(DAY) | {"do": "add"})
    assert answer["HX-Trigger-After-Swap"] == "rules-moved"
    assert answer.text.count("<fieldset") == 2
    assert 'value="MONDAY" checked' in answer.text or re.search(r'value="MONDAY"[^>]*checked', answer.text)


def live(client, *rules, **changes):
    return client.post("/tariffs/example/", form(*rules, **changes)).text


def test_the_editor_says_the_rules_as_sentences_and_shows_a_bill(as_role, organization):
    text = live(as_role(Role.OPERATOR), FLAT)
    assert "0.39 € per kWh, 0.50 € per session, 0.10 € per minute after charging" in text
    assert "the first 15 minutes are free" in text
    assert 'id="example-total">8.30 €' in text
    assert "We hold 40.00 € on your card" in text


def test_the_example_follows_energy_minutes_blocking_and_the_hour(finance, organization):
    rules = ({"start_time": "07:00", "end_time": "19:00", "per_kwh": "0.60"}, {"per_kwh": "0.40", "per_idle": "0.10"})
    assert 'id="example-total">12.00 €' in live(finance, *rules)
    assert 'id="example-total">8.00 €' in live(finance, *rules, ex_start="2026-01-07T22:00")
    assert 'id="example-total">10.00 €' in live(finance, *rules, ex_start="2026-01-07T18:40")  # half before seven
    assert 'id="example-total">13.50 €' in live(finance, *rules, ex_idle="30")


def test_the_week_is_drawn_and_said(finance, organization):
    text = live(finance, DAY, {"per_kwh": "0.39"})
    assert (
        '<rect class="ev-shade-4" x="139" y="0" width="180" height="15"><title>Mon 07:00–19:00: 0.59 € per kWh' in text
    )
    assert "Monday, Friday 07:00–19:00" in text
    assert "style=" not in text


def test_the_list_warns_of_odd_tariffs(finance, organization):
    finance.post("/tariffs/new/", form(DAY, name="Odd"))
    finance.post("/tariffs/new/", form({"per_kwh": "0.5"}, name="Sound", hold="60"))
    text = finance.get("/tariffs/").text
    assert text.count('data-code="free_moments"') == 1


def test_a_reader_of_screens_hears_the_total_and_how_much_is_odd(finance, organization):
    text = live(finance, DAY)
    assert re.search(r'id="live-said" hx-swap-oob="innerHTML">The example costs [0-9.]+ €. [1-9] thing', text)


def test_findings_stand_beside_their_rule(finance, organization):
    text = live(finance, {"per_kwh": "0.39"}, DAY)
    place = text[text.index('id="findings-1"') :]
    assert "rule 1 above it always holds instead" in place
    assert 'data-code="shadowed"' not in text[: text.index('id="findings-1"')]
    assert "Charging is free" in live(finance, DAY)  # at the hours without a rule


def test_a_law_that_the_tariff_breaks_is_named_where_it_holds(finance, organization, site, connector, tariff):
    connector.max_power_w = 150_000
    connector.save()
    path = f"/tariffs/example/?tariff={tariff.pk}"
    assert "Holds at 1 connector of 50 kW or more" in finance.post(path, form(FLAT)).text
    site.public = False
    site.save()
    assert "50 kW or more" not in finance.post(path, form(FLAT)).text
    site.public = True
    site.save()
    TariffAssignment.objects.update(group=DriverGroup.objects.create(organization=site.organization, name="Fleet"))
    assert "50 kW or more" not in finance.post(path, form(FLAT)).text


def test_the_week_says_in_which_circumstances_it_holds(finance, organization):
    text = live(finance, {"per_kwh": "0.3", "max_kwh": "10"}, {"per_kwh": "0.5", "min_power": "50"}, {"per_kwh": "0.4"})
    assert "When charging begins, at the example&#x27;s average power" in text
    text = live(finance, {"per_kwh": "0.3", "last_date": "2026-01-07"}, {"per_kwh": "1"})
    assert "In the week of 7 Jan 2026" in text
    assert "Wed 00:00–24:00: 0.30 € per kWh" in text
    assert "Thu 00:00–24:00: 1.00 € per kWh" in text


def test_a_hold_is_compared_with_the_tariffs_own_past(finance, tariff, connector):
    past_sessions(tariff, connector, 40)
    path = f"/tariffs/example/?tariff={tariff.pk}"
    assert "one session in twenty" not in finance.post(path, form({"per_kwh": "0.49"})).text
    assert "one session in twenty would cost" in finance.post(path, form({"per_kwh": "2.50"})).text


def test_typing_half_a_number_shows_no_error_page(as_role, organization):
    text = live(as_role(Role.OPERATOR), {"per_kwh": "0."})
    assert "The example appears when the numbers are complete." in text
    assert "A number such as 0.49." in text[text.index('id="findings-0"') :]


@pytest.mark.parametrize(
    "junk", [{"rules": "x"}, {"rules": "99999"}, {"rules": "-1"}, {"ex_kwh": "y"}, {"ex_start": "z"}]
)
def test_nonsense_from_a_browser_shows_no_error_page(finance, organization, junk):
    for path in ("/tariffs/example/", "/tariffs/rules/"):
        assert finance.post(path, form(FLAT) | junk).status_code == 200
    assert finance.post("/tariffs/example/", {}).status_code == 200


def test_a_viewer_reads_tariffs_but_cannot_change_them(as_role, tariff):
    client = as_role(Role.VIEWER)
    text = client.get(f"/tariffs/{tariff.pk}/").text
    assert "0.49" in text
    assert "Add a rule" not in text
    assert client.post(f"/tariffs/{tariff.pk}/", form(FLAT)).status_code == 403
    assert client.post("/tariffs/rules/", form(FLAT)).status_code == 403
    assert client.post(f"/tariffs/{tariff.pk}/archive/").status_code == 403
    assert client.get("/tariffs/new/").status_code == 403
    tariff.refresh_from_db()
    assert (tariff.name, tariff.archived_at) == ("Street", None)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({}, "This field is required."),
        ({"where": "everywhere"}, "Tick this to set the price of the whole network."),
        ({"where": "site"}, "Choose one."),
        ({"where": "station", "site": "SITE"}, "Choose one."),
    ],
)
def test_a_tariff_is_put_in_force_only_at_a_place_that_was_chosen(finance, tariff, site, data, sentence):
    TariffAssignment.objects.all().delete()
    data = {name: site.pk if value == "SITE" else value for name, value in data.items()}
    answer = finance.post(f"/tariffs/{tariff.pk}/assign/", data)
    assert (answer.status_code, sentence in answer.text) == (422, True)
    assert not TariffAssignment.objects.exists()


def test_everywhere_holds_everywhere_even_when_a_site_is_left_chosen(finance, tariff, site):
    TariffAssignment.objects.all().delete()
    finance.post(f"/tariffs/{tariff.pk}/assign/", {"where": "everywhere", "sure": "on", "site": site.pk})
    assert TariffAssignment.objects.get().site is None


def test_a_tariff_may_hold_for_a_group_with_a_priority(finance, tariff, organization, rival):
    group = DriverGroup.objects.create(organization=organization, name="Residents")
    theirs = DriverGroup.objects.create(organization=rival, name="Theirs")
    data = {"where": "everywhere", "sure": "on", "group": group.pk, "priority": "5"}
    answer = finance.post(f"/tariffs/{tariff.pk}/assign/", data, follow=True)
    assert "Residents" in answer.text
    row = TariffAssignment.objects.get(group=group)
    assert row.priority == 5
    assert finance.post(f"/tariffs/{tariff.pk}/assign/", data | {"group": theirs.pk}).status_code == 422


def test_a_member_of_some_sites_is_not_offered_everywhere(as_role, tariff):
    client = as_role(Role.FINANCE, all_sites=False)
    assert "Everywhere: the whole network" not in client.get(f"/tariffs/{tariff.pk}/").text
    answer = client.post(f"/tariffs/{tariff.pk}/assign/", {"where": "everywhere", "sure": "on"})
    assert answer.status_code == 422


def test_the_list_says_which_of_two_tariffs_for_everywhere_wins(finance, organization):
    for name in ("Old", "New"):
        finance.post("/tariffs/new/", form(FLAT, name=name))
        tariff = Tariff.objects.get(name=name)
        finance.post(f"/tariffs/{tariff.pk}/assign/", {"where": "everywhere", "sure": "on"})
    assert finance.get("/tariffs/").text.count("not now: New is newer there") == 1
    assert (
        "Without effect now: New is newer there" in finance.get(f"/tariffs/{Tariff.objects.get(name='Old').pk}/").text
    )
    assert "Without effect now" not in finance.get(f"/tariffs/{tariff.pk}/").text


@pytest.mark.parametrize("version", ["2.2.1", "2.3.0"])
def test_a_tariff_goes_out_to_partners_and_comes_back_into_the_editor(finance, tariff, version):
    file = finance.get(f"/tariffs/{tariff.pk}/ocpi/?version={version}")
    assert f'filename="tariff-{tariff.pk}-ocpi-{version}.json"' in file["Content-Disposition"]
    wire = json.loads(file.content)
    assert (wire["currency"], len(wire["elements"])) == ("EUR", 1)
    answer = finance.post("/tariffs/import/", {"json": file.text, "gross": "on"})
    assert "Nothing is saved yet" in answer.text
    shown = sent_by(answer.text)
    assert (shown["rule-0-per_kwh"], shown["rule-0-per_session"], shown["name"]) == ("0.49", "1.1", "Street")
    finance.post("/tariffs/new/", shown | {"name": "Again"})
    assert Tariff.objects.get(name="Again").elements == tariff.elements


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "Paste a tariff, or choose a file."),
        ("{", "Not read: file: no JSON"),
        ("[]", "Not read: tariff: one Tariff object with elements is expected."),
        ('{"elements": [{"price_components": [{"type": "ENERGY", "price": "dear"}]}]}', "price_components[0].price"),
    ],
)
def test_what_is_no_tariff_is_refused_with_a_sentence(finance, organization, text, sentence):
    answer = finance.post("/tariffs/import/", {"json": text})
    assert (answer.status_code, sentence in answer.text) == (422, True)


def test_a_partners_file_is_uploaded_too(finance, tariff, tmp_path):
    path = tmp_path / "tariff.json"
    path.write_bytes(finance.get(f"/tariffs/{tariff.pk}/ocpi/").content)
    with path.open("rb") as file:
        assert "Nothing is saved yet" in finance.post("/tariffs/import/", {"file": file}).text
    path.write_bytes(b"\xff\xfe\xfa")
    with path.open("rb") as file:
        assert "This is no text file." in finance.post("/tariffs/import/", {"file": file}).text


def test_a_site_keeps_the_price_of_the_start_and_says_what_its_energy_costs(finance, site):
    answer = finance.post("/tariffs/sites/", {"site": site.pk, "frozen": "on", "energy_cost": "0,125"}, follow=True)
    assert "Saved." in answer.text
    row = SitePricing.objects.get(site=site)
    assert (row.frozen, row.energy_cost) == (True, "0.125")
    assert 'value="0.125"' in answer.text
    assert AuditEntry.objects.get().action == "site.priced"
    answer = finance.post("/tariffs/sites/", {"site": site.pk, "energy_cost": "cheap"})
    assert (answer.status_code, "A number such as 0.49" in answer.text) == (422, True)
    finance.post("/tariffs/sites/", {"site": site.pk, "energy_cost": ""})
    row.refresh_from_db()
    assert (row.frozen, row.energy_cost) == (False, "0")


def test_sites_that_one_does_not_see_cannot_be_priced(as_role, site, rival):
    client = as_role(Role.FINANCE, all_sites=False)
    assert client.post("/tariffs/sites/", {"site": site.pk, "energy_cost": "0.1"}).status_code == 404
    assert client.post("/tariffs/sites/", {"site": "x"}).status_code == 404
    assert not SitePricing.objects.exists()


@pytest.mark.parametrize(
    "draft",
    ["x", "[]", "{}", '{"version": 2, "currency": "EUR", "elements": [], "tax_included": true, "idle": "x"}',
     '{"version": 2, "currency": "EUR", "elements": [], "tax_included": true, "max_price": "1E+999999999"}'],
)  # fmt: skip
def test_a_draft_that_somebody_tampered_with_is_refused(finance, site, draft):
    data = {"draft": draft, "draft_name": "x", "since": "2026-01-01", "until": "2026-01-02"}
    answer = finance.post("/tariffs/simulations/", data)
    assert (answer.status_code, "This draft cannot be read." in answer.text) == (422, True)
    assert not SimulationRun.objects.exists()


def test_an_incomplete_draft_cannot_be_tried(finance, site):
    answer = finance.post("/tariffs/simulations/", form({"per_kwh": "x"}) | {"do": "simulate"})
    assert "The draft is not complete." in answer.text


def test_a_saved_tariff_is_tried_at_all_sites_when_none_is_ticked(finance, tariff, site, other_site):
    assert f'value="{tariff.pk}" selected' in finance.get(f"/tariffs/simulations/?tariff={tariff.pk}").text
    data = {"tariff": tariff.pk, "since": "2026-01-01", "until": "2026-01-02"}
    answer = finance.post("/tariffs/simulations/", data, follow=True)
    run = SimulationRun.objects.get()
    assert answer.redirect_chain[-1][0] == f"/tariffs/simulations/{run.pk}/"
    assert set(run.sites.all()) == {site, other_site}
    assert "Waiting for a worker" in answer.text
    assert finance.get(f"/tariffs/simulations/{run.pk}/?part=progress").text.count("<section") == 1
    data["until"] = "2025-01-01"
    assert "The last day comes before the first." in finance.post("/tariffs/simulations/", data).text


def test_who_saves_what_a_colleague_changed_meanwhile_is_told_and_undoes_nothing(finance, tariff):
    """Two windows on one tariff: the older one holds the old price."""

    def opened():
        page = finance.get(f"/tariffs/{tariff.pk}/").text
        return re.search(r'name="seen" value="([0-9a-f]+)"', page).group(1)

    mine, theirs = opened(), opened()
    assert mine == theirs
    finance.post(f"/tariffs/{tariff.pk}/", form(FLAT, name="Dearer", seen=theirs, do="save"))
    answer = finance.post(f"/tariffs/{tariff.pk}/", form(DAY, FLAT, name="Older", seen=mine, do="save"))
    assert answer.status_code == 422
    assert "Somebody else changed this tariff meanwhile." in answer.text
    assert "Older" in answer.text
    tariff.refresh_from_db()
    assert tariff.name == "Dearer"
    finance.post(f"/tariffs/{tariff.pk}/", form(FLAT, name="Newer", seen=opened(), do="save"))
    assert Tariff.objects.filter(name="Newer").exists()
