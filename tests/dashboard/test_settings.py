"""Settings: people come and go, an owner stays, tokens are shown once, everything is audited."""

import re

import pytest
from django.test import Client

from evcms.core import audit
from evcms.core.access import Role
from evcms.core.models import ApiToken, AuditEntry, Event, Membership, MfaPolicy, Organization, User
from tests.stations.conftest import make_access

pytestmark = pytest.mark.django_db


@pytest.fixture
def organization():
    return Organization.objects.create(name="City Charging", slug="city")


@pytest.fixture
def owner(organization):
    return make_access(organization)


def browser(access) -> Client:
    client = Client()
    client.force_login(access.user, backend="django.contrib.auth.backends.ModelBackend")
    return client


PAGES = [
    "/settings/",
    "/settings/organization/",
    "/settings/members/",
    "/settings/api-tokens/",
    "/settings/audit/",
    "/settings/profile/",
    "/settings/alerts/",
]


@pytest.mark.parametrize("page", PAGES)
def test_the_owner_opens_every_settings_page(owner, page):
    assert browser(owner).get(page).status_code == 200


@pytest.mark.parametrize(
    ("country", "vat_id", "phone", "refused"),
    [
        ("DE", "de 123 456 789", "+49 (30) 123-4567", []),
        ("DE", "", "", []),
        ("CH", "CHE-123.456.789 MWST", "0800 123", []),
        ("GR", "GR123456789", "112", []),
        ("US", "12-3456789", "+1 (212) 555-0100", []),
        ("XX", "DE123456789", "", ["Choose the country."]),
        ("", "DE123456789", "", ["Choose the country."]),
        ("DE", "nonsense", "", ["A VAT number of NO looks otherwise."]),
        ("DE", "12-3456789", "", ["A VAT number begins with its country, such as NL or DE."]),
        ("DE", "DE12", "", ["A VAT number of DE looks otherwise."]),
        ("US", "twelve", "", ["A VAT number begins with its country, such as NL or DE."]),
        ("DE", "", "call me", ["Give digits, with +, spaces, brackets or dashes"]),
        ("DE", "", "12", ["Give digits, with +, spaces, brackets or dashes"]),
        ("DE", "", "1" * 16, ["Give digits, with +, spaces, brackets or dashes"]),
        ("XX", "nonsense", "call me", ["Choose the country.", "A VAT number of NO", "Give digits"]),
    ],
)
def test_what_stands_on_receipts_is_no_nonsense(owner, organization, country, vat_id, phone, refused):
    words = {"name": "N", "time_zone": "Europe/Berlin", "language": "de", "mfa_policy": "nobody"}
    sent = words | {"country": country, "vat_id": vat_id, "support_phone": phone}
    answer = browser(owner).post("/settings/organization/", sent)
    organization.refresh_from_db()
    assert (organization.name == "N") == (not refused)
    assert (answer.status_code == 302) == (not refused)
    for sentence in refused:
        assert sentence in answer.content.decode()


def test_a_stored_country_that_is_none_is_chosen_anew_and_no_other_one_by_chance(owner):
    Organization.objects.update(country="XX")
    form = browser(owner).get("/settings/organization/").context["form"]
    assert "selected" not in str(form["country"])
    assert form.fields["country"].choices[0][0] == ""


def test_who_may_not_open_a_setting_reads_that_it_is_there_and_who_may(owner, organization):
    mine = browser(owner).get("/settings/").content.decode()
    assert "Only for the role" not in mine
    assert 'href="/settings/alerts/switches/#id_status_page"' in mine
    operator = browser(make_access(organization, Role.OPERATOR))
    page = operator.get("/settings/").content.decode()
    for name in ("Status page", "Wording of messages", "Alert contacts and webhooks", "Members", "API tokens"):
        assert re.search(rf"</svg> {name}</h2>(?:(?!<h2).)*Only for the role: Owner\.", page, re.DOTALL), name
    for address in re.findall(r'<a class="ev-card" href="([^"#]+)"', page):
        assert operator.get(address).status_code == 200, address
    viewer = browser(make_access(organization, Role.VIEWER)).get("/settings/").content.decode()
    assert "Only for the role: Owner, Operator, Finance." in viewer


@pytest.mark.parametrize("page", PAGES)
def test_a_stranger_is_sent_to_the_log_in(page):
    answer = Client().get(page)
    assert answer.status_code == 302
    assert answer.url.startswith("/accounts/login/")


@pytest.mark.parametrize("page", PAGES[1:5] + PAGES[6:])
def test_a_viewer_may_not_change_people(organization, page):
    assert browser(make_access(organization, Role.VIEWER)).get(page).status_code == 403


def test_an_invited_person_gets_an_account_a_role_and_a_mail_to_choose_a_password(owner, organization):
    browser(owner).post("/settings/members/", {"email": "New@example.org", "role": "finance"})
    member = Membership.objects.get(user__email="new@example.org")
    assert (member.role, member.organization) == (Role.FINANCE, organization)
    assert not member.user.has_usable_password()
    assert Event.objects.get(name="MailRequested").payload["to"] == "new@example.org"
    assert AuditEntry.objects.filter(action="member.added", organization=organization).exists()


def test_who_is_added_is_a_viewer_unless_somebody_says_more(owner):
    text = browser(owner).get("/settings/members/").text.partition("Add somebody")[2]
    assert '<option value="viewer" selected>Viewer</option>' in text
    assert '<option value="owner">Owner</option>' in text


def test_a_role_is_changed_by_a_button_that_asks_first(owner, organization):
    other = make_access(organization, Role.VIEWER)
    page = browser(owner)
    text = page.get("/settings/members/").text
    assert f'data-confirm-title="Change the role of {other.user}?"' in text
    assert "data-autosubmit" not in text
    answer = page.post(f"/settings/members/{other.membership.pk}/", {"role": "technician"}, follow=True)
    assert f"{other.user} is Technician now." in answer.text
    assert Membership.objects.get(pk=other.membership.pk).role == Role.TECHNICIAN


@pytest.mark.parametrize("role", list(Role))
def test_settings_lead_everyone_who_may_to_the_audit_log(organization, role):
    page = browser(make_access(organization, role))
    opens = page.get("/settings/audit/").status_code == 200
    assert ('href="/settings/audit/"' in page.get("/settings/").text) == opens


def test_a_long_audit_log_costs_no_more_than_a_short_one(owner, django_assert_max_num_queries):
    for _time in range(40):
        audit.record(owner, "statement.paid", owner.organization, amount_minor=1250)
    page = browser(owner)
    with django_assert_max_num_queries(12):
        assert page.get("/settings/audit/").text.count("12.50 €") == 40


@pytest.mark.parametrize("role", list(Role))
def test_the_menu_leads_to_every_page_that_the_role_may_open(organization, role):
    page = browser(make_access(organization, role))
    text = page.get("/settings/profile/").text
    for path in ("/tariffs/", "/money/", "/quarantine/", "/tokens/", "/maintenance/"):
        assert (f'<a href="{path}"' in text) == (page.get(path).status_code == 200), path


def test_the_list_of_stations_leads_to_the_quarantine_those_who_decide_there(owner, organization):
    link = '<a class="btn btn-plain" href="/quarantine/">'
    assert link in browser(owner).get("/stations/").text
    assert link not in browser(make_access(organization, Role.VIEWER)).get("/stations/").text


def test_the_last_owner_can_neither_leave_nor_step_down(owner):
    page = browser(owner)
    page.post(f"/settings/members/{owner.membership.pk}/", {"role": "viewer"})
    page.post(f"/settings/members/{owner.membership.pk}/", {"remove": "1"})
    assert Membership.objects.get(pk=owner.membership.pk).role == Role.OWNER


def test_somebody_elses_member_is_not_found(owner):
    rival = make_access(Organization.objects.create(name="Rival", slug="rival"))
    assert browser(owner).post(f"/settings/members/{rival.membership.pk}/", {"remove": "1"}).status_code == 404
    assert Membership.objects.filter(pk=rival.membership.pk).exists()


def test_a_token_is_shown_once_and_revoked_for_good(owner):
    page = browser(owner)
    shown = page.post("/settings/api-tokens/", {"name": "partner", "scopes": ["view"], "days": "30"}).content.decode()
    token = ApiToken.objects.get()
    assert token.prefix in shown
    assert "evc_" in shown
    assert shown.count("evc_") > page.get("/settings/api-tokens/").content.decode().count("evc_")
    page.post(f"/settings/api-tokens/{token.pk}/revoke/")
    token.refresh_from_db()
    assert token.revoked_at


def test_one_switches_only_to_an_organization_of_ones_own(owner):
    rival = Organization.objects.create(name="Rival", slug="rival")
    page = browser(owner)
    page.post("/organization/switch/", {"organization": rival.pk})
    assert "City Charging" in page.get("/settings/").content.decode()
    Membership.objects.create(user=owner.user, organization=rival, role=Role.VIEWER)
    page.post("/organization/switch/", {"organization": rival.pk})
    assert "Rival" in page.get("/settings/").content.decode()


def test_who_must_have_a_second_factor_is_led_to_it(owner, organization):
    Organization.objects.filter(pk=organization.pk).update(mfa_policy=MfaPolicy.MONEY)
    answer = browser(owner).get("/settings/")
    assert answer.status_code == 302
    assert "2fa" in answer.url
    told = "Your role at City Charging needs a second factor"
    page = browser(owner)
    assert told in page.get("/settings/", follow=True).text
    Organization.objects.filter(pk=organization.pk).update(mfa_policy=MfaPolicy.NOBODY)
    assert told not in page.get(answer.url, follow=True).text
    Organization.objects.filter(pk=organization.pk).update(mfa_policy=MfaPolicy.MONEY)
    viewer = make_access(organization, Role.VIEWER)
    assert browser(viewer).get("/settings/").status_code == 200


def test_nobody_signs_up_by_himself():
    Client().post(
        "/accounts/signup/", {"email": "x@example.org", "password1": "a long phrase", "password2": "a long phrase"}
    )
    assert not User.objects.exists()


@pytest.mark.parametrize(("path", "eval_allowed"), [("/admin/login/", True), ("/accounts/login/", False)])
def test_only_the_admin_has_the_wider_policy(path, eval_allowed):
    policy = Client().get(path)["Content-Security-Policy"]
    assert ("'unsafe-eval'" in policy) == eval_allowed
    assert ("'unsafe-inline'" in policy) == eval_allowed
    assert "default-src 'self'" in policy
