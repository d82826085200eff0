"""Exceptions from the catalogue: who may make them, what they say, which one wins, what they would have changed."""

import html
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.test import Client
from django.urls import reverse

from alerts import rule_words, services
from alerts.catalogue import CATALOGUE
from alerts.detectors import DETECTORS
from alerts.models import Rule
from alerts.rulebook import Rulebook, Spot, narrowest_first, scope_key
from alerts.services.rules import Draft
from alerts.vocabulary import IncidentKind, Severity
from evcms.core import clock, form_fields
from evcms.core.access import Role
from evcms.core.models import AuditEntry
from stations.models import Connection, SiteGrant, StatusChange
from tests.alerts.conftest import make_access, make_station

pytestmark = pytest.mark.django_db
OFFLINE = IncidentKind.STATION_OFFLINE


def test_every_kind_of_trouble_has_a_line_and_what_is_found_has_a_detector():
    assert set(CATALOGUE) == set(IncidentKind)
    groups = {"site_dark", "network_dark", "many_dark", "firmware_trouble"}
    assert {kind for kind, trouble in CATALOGUE.items() if trouble.found} == set(DETECTORS) | {
        IncidentKind(kind) for kind in groups
    }
    assert all(trouble.says and trouble.severity in Severity.values for trouble in CATALOGUE.values())
    assert all(bool(trouble.unit) == (trouble.threshold is not None) for trouble in CATALOGUE.values())


def test_the_narrowest_rule_wins(organization, site, station):
    spot = Spot(organization.pk, site.pk, station.pk, "V1")
    scopes = [
        {"station_id": station.pk, "site_id": None, "model": ""},
        {"station_id": None, "site_id": site.pk, "model": "V1"},
        {"station_id": None, "site_id": None, "model": "V1"},
        {"station_id": None, "site_id": site.pk, "model": ""},
        {"station_id": None, "site_id": None, "model": ""},
    ]
    rules = [
        Rule(organization=organization, kind=OFFLINE, scope=scope_key(**scope), duration_s=number, pk=number)
        for number, scope in enumerate(scopes, start=1)
    ]
    assert [rule.scope for rule in rules] == narrowest_first(spot)
    for first in range(5):
        assert Rulebook(rules[first:]).setting(OFFLINE, spot).duration == timedelta(seconds=first + 1)
    assert Rulebook(rules).setting(OFFLINE, Spot(organization.pk + 1)).rule_id is None


def test_what_a_rule_leaves_open_stays_as_the_catalogue_says(organization):
    rule = Rule(organization=organization, kind=IncidentKind.CONNECTOR_FAULTED, severity=1, pk=1)
    setting = Rulebook([rule]).setting(IncidentKind.CONNECTOR_FAULTED, Spot(organization.pk))
    usual = CATALOGUE[IncidentKind.CONNECTOR_FAULTED]
    assert (setting.severity, setting.steps) == (1, usual.steps)
    assert setting.duration == timedelta(seconds=usual.duration_s)
    rule.recovery, rule.schedule = [], "rubbish from a script"
    setting = Rulebook([rule]).setting(IncidentKind.CONNECTOR_FAULTED, Spot(organization.pk))
    assert setting.steps == ()
    assert setting.holds(clock.now(), "UTC")


def test_saving_keeps_the_scope_and_an_audit_entry_and_a_second_for_the_place_is_refused(owner, site, organization):
    rule = services.save_rule(access=owner, rule=None, draft=Draft(OFFLINE, site_id=site.pk, duration_s=600))
    assert rule.scope == f"site:{site.pk}"
    with pytest.raises(ValidationError, match="exception for this place already"):
        services.save_rule(access=owner, rule=None, draft=Draft(OFFLINE, site_id=site.pk))
    services.save_rule(access=owner, rule=rule, draft=Draft(OFFLINE, duration_s=300))
    assert Rule.objects.get().scope == "organization"
    services.remove_rule(access=owner, rule=rule)
    assert not Rule.objects.exists()
    actions = AuditEntry.objects.filter(action__startswith="alert_rule").order_by("pk").values_list("action", flat=True)
    assert list(actions) == ["alert_rule.saved", "alert_rule.saved", "alert_rule.removed"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"threshold": 5},  # this kind counts nothing
        {"duration_s": -1},
        {"duration_s": 10**9},
        {"severity": 9},
        {"schedule": [{"weekdays": [9], "from": "08:00", "until": "09:00"}]},
        {"recovery": ["explode"]},
        {"recovery_tries": 99},
        {"site_id": 999_999},
        {"station_id": 999_999},
        {"kind": IncidentKind.SITE_POWER, "model": "V1"},
    ],
)
def test_what_makes_no_sense_is_refused(owner, wrong):
    with pytest.raises(ValidationError):
        services.save_rule(access=owner, rule=None, draft=Draft(**({"kind": OFFLINE} | wrong)))


def test_a_member_without_all_sites_decides_for_his_own_only(organization, site, other_site, owner):
    limited = make_access(organization, Role.OPERATOR, all_sites=False)
    SiteGrant.objects.create(membership=limited.membership, site=site)
    services.save_rule(access=limited, rule=None, draft=Draft(OFFLINE, site_id=site.pk))
    for draft in (Draft(OFFLINE), Draft(OFFLINE, site_id=other_site.pk)):
        with pytest.raises(ValidationError):
            services.save_rule(access=limited, rule=None, draft=draft)
    everywhere = services.save_rule(access=owner, rule=None, draft=Draft(OFFLINE, duration_s=60))
    with pytest.raises(PermissionDenied):
        services.remove_rule(access=limited, rule=everywhere)
    with pytest.raises(PermissionDenied):
        services.save_rule(access=make_access(organization, Role.VIEWER), rule=None, draft=Draft(OFFLINE))


@pytest.fixture
def past(station, gateway):
    """Of the last days: links of an hour with gaps of one, five and fifty minutes; a fault of ten minutes."""
    at = clock.now() - timedelta(days=3)
    for gap in (1, 5, 50, 0):
        Connection.objects.create(
            station=station, gateway=gateway, opened_at=at, closed_at=at + timedelta(hours=1) if gap else None,
            protocol="ocpp1.6",
        )  # fmt: skip
        at += timedelta(hours=1, minutes=gap)
    connector = station.connectors.first()
    for status, minutes in (("faulted", 0), ("available", 10)):
        moment = clock.now() - timedelta(days=1) + timedelta(minutes=minutes)
        StatusChange.objects.create(
            station=station, connector=connector, status=status, at=moment, happened_at=moment, received_at=moment
        )
    return station


def test_the_preview_counts_what_the_past_would_have_had(owner, past, site):
    seen = services.preview(access=owner, rule=None, draft=Draft(OFFLINE, site_id=site.pk, duration_s=600))
    assert (seen.with_rule, seen.without) == (1, 2)
    seen = services.preview(access=owner, rule=None, draft=Draft(OFFLINE, enabled=False))
    assert (seen.with_rule, seen.without) == (0, 2)
    faulted = IncidentKind.CONNECTOR_FAULTED
    seen = services.preview(access=owner, rule=None, draft=Draft(faulted, station_id=past.pk, duration_s=3600))
    assert (seen.with_rule, seen.without) == (0, 1)
    assert not Rule.objects.exists()


def test_the_preview_of_a_changed_rule_compares_with_the_rule_as_it_stands(owner, past, site):
    rule = services.save_rule(access=owner, rule=None, draft=Draft(OFFLINE, site_id=site.pk, duration_s=3500))
    seen = services.preview(access=owner, rule=rule, draft=Draft(OFFLINE, site_id=site.pk, duration_s=30))
    assert (seen.with_rule, seen.without) == (3, 0)


def test_a_narrower_exception_is_left_out_of_a_wider_ones_preview(owner, past, site):
    services.save_rule(access=owner, rule=None, draft=Draft(OFFLINE, station_id=past.pk, duration_s=30))
    seen = services.preview(access=owner, rule=None, draft=Draft(OFFLINE, site_id=site.pk, enabled=False))
    assert (seen.with_rule, seen.without) == (0, 0)


def test_an_exception_is_said_in_words(owner, site):
    rule = services.save_rule(
        access=owner, rule=None,
        draft=Draft(
            IncidentKind.LINK_FLAPPING, site_id=site.pk, model="V1", threshold=9, severity=1, recovery=[],
            schedule=[{"weekdays": [0, 1, 2, 3, 4], "from": "08:00", "until": "18:00"}],
        ),
    )  # fmt: skip
    assert rule_words.where(rule) == "V1 at Kade"
    said = rule_words.what(rule)
    assert said == ("from 9 new links within 30 minutes; Info; only Mo-Fr 08:00-18:00; nothing is tried automatically")


def new_url(kind):
    return f"{reverse('alert-rule-new')}?kind={kind}"


@pytest.fixture
def browser(owner):
    client = Client()
    client.force_login(owner.user)
    return client


def test_the_page_says_what_counts_and_an_exception_is_made_looked_at_changed_and_removed(browser, past, site):
    page = browser.get(reverse("alert-rules")).content.decode()
    assert "after 90 seconds" in page
    assert "no exceptions" in page
    new = new_url("station_offline")
    assert "Usually: after 90 seconds" in browser.get(new).content.decode()
    form = {"site": site.pk, "enabled": "on", "duration_s": "600", "tries": "2", "times": "Mo-Su 00:00-00:00"}
    seen = browser.post(new, form | {"preview": "1"}).content.decode()
    assert "would have had 1 incidents at these places instead of 2" in seen
    assert browser.post(new, form).status_code == 302
    rule = Rule.objects.get()
    assert "Kade</a>: after 10 minutes; only Mo-Su 00:00-00:00" in browser.get(reverse("alert-rules")).content.decode()
    wrong = browser.post(reverse("alert-rule", args=[rule.pk]), form | {"times": "whenever"}).content.decode()
    assert "This line is no time: whenever" in wrong
    browser.post(reverse("alert-rule", args=[rule.pk]), form | {"duration_s": "1200"})
    assert Rule.objects.get().duration_s == 1200
    browser.post(reverse("alert-rule-remove", args=[rule.pk]))
    assert not Rule.objects.exists()
    assert browser.get(new_url("nonsense")).status_code == 404


def test_of_very_many_sites_and_stations_one_is_typed(browser, past, site, monkeypatch):
    monkeypatch.setattr(form_fields, "MANY", 0)
    new = new_url("station_offline")
    assert "<option" not in browser.get(new).content.decode().split('name="site"')[1].split("</div>")[0]
    form = {"enabled": "on", "duration_s": "600", "tries": "2"}
    assert "There is no “Nowhere”" in browser.post(new, form | {"site": "Nowhere"}).content.decode()
    assert browser.post(new, form | {"station": past.identity.lower()}).status_code == 302
    rule = Rule.objects.get()
    assert rule.station == past
    assert past.identity in browser.get(reverse("alert-rule", args=[rule.pk])).content.decode()


def test_every_kind_has_a_form_and_a_preview(browser, site):
    make_station("MODEL-1", site, model="V1")
    for kind in CATALOGUE:
        assert browser.get(new_url(kind.value)).status_code == 200
        seen = browser.post(new_url(kind.value), {"enabled": "on", "tries": "2", "preview": "1"}).content.decode()
        assert "would have had 0 incidents at these places instead of 0" in seen, kind


def switch(browser, kind="station_offline", on=""):
    return browser.post(reverse("alert-rule-switch"), {"kind": kind, "on": on}, follow=True)


def test_a_kind_is_switched_off_and_on_on_the_page_and_what_was_wanted_of_it_stays(browser, owner, organization):
    assert 'aria-checked="false"' not in browser.get(reverse("alert-rules")).content.decode()
    for _twice in range(2):
        page = switch(browser).content.decode()
    assert 'aria-checked="false"' in page
    assert not Rulebook.load().setting(OFFLINE, Spot(organization.pk)).enabled
    assert "“Station offline” counts again." in html.unescape(switch(browser, on="1").content.decode())
    assert not Rule.objects.exists()  # it said nothing any more
    services.save_rule(access=owner, rule=None, draft=Draft(OFFLINE, duration_s=600))
    switch(browser)
    switch(browser, on="1")
    rule = Rule.objects.get()
    assert (rule.enabled, rule.duration_s) == (True, 600)
    said = AuditEntry.objects.filter(action="alert_rule.switched").order_by("pk")
    assert [entry.detail["enabled"] for entry in said] == [False, True, False, True]
    assert switch(browser, kind="nonsense").status_code == 404


def test_only_who_sees_all_sites_and_may_change_stations_switches_a_kind(organization, owner, client):
    client.force_login(make_access(organization, Role.OPERATOR, all_sites=False).user)
    switch(client)
    assert 'role="switch"' not in client.get(reverse("alert-rules")).content.decode()
    client.force_login(make_access(organization, Role.VIEWER).user)
    assert switch(client).status_code == 403
    assert not Rule.objects.exists()
