"""Founding an organization, API tokens, roles."""

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from evcms.core.access import PERMISSIONS, Access, Permission, Role
from evcms.core.middleware import membership_access
from evcms.core.models import ApiToken, AuditEntry, Membership, Organization, User
from evcms.core.services import found_organization, issue_token, revoke_token, token_digest

pytestmark = pytest.mark.django_db


def found(**more) -> Organization:
    values = {
        "name": "Nordlicht",
        "owner_email": "Anna@Example.org",
        "owner_password": "correct horse battery",
        "currency": "eur",
        "time_zone": "Europe/Berlin",
    }
    return found_organization(**values | more)


def owner_access(organization: Organization) -> Access:
    membership = Membership.objects.get(organization=organization, role=Role.OWNER)
    return membership_access(membership.user, membership)


def test_the_first_owner_can_log_in_and_enter_the_admin():
    organization = found()
    user = User.objects.get(email="anna@example.org")
    assert user.check_password("correct horse battery")
    assert user.is_staff
    assert organization.currency == "EUR"
    assert owner_access(organization).can(Permission.PEOPLE)
    assert AuditEntry.objects.get().action == "organization.founded"


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("time_zone", "Mars/Olympus", "no time zone"),
        ("currency", "EURO", "no ISO 4217"),
        ("currency", "E1R", "no ISO 4217"),
    ],
)
def test_a_wrong_zone_or_currency_is_said_in_a_sentence(field, value, sentence):
    with pytest.raises(ValidationError, match=sentence):
        found(**{field: value})
    assert not Organization.objects.exists()


def test_two_organizations_of_one_name_get_two_addresses():
    assert found().slug == "nordlicht"
    assert found(owner_email="b@example.org").slug == "nordlicht-2"


def test_an_api_token_is_shown_once_and_kept_only_as_a_digest():
    access = owner_access(found())
    token, secret = issue_token(access=access, name="roaming", scopes=[Permission.VIEW])
    assert secret.startswith("evc_")
    assert token.digest == token_digest(secret)
    assert secret not in str(ApiToken.objects.values().get())
    revoke_token(access=access, token=token)
    token.refresh_from_db()
    assert token.revoked_at


def test_nobody_gives_a_token_more_than_he_may_himself():
    organization = found()
    user = User.objects.create_user("v@example.org", "x" * 12)
    viewer = membership_access(user, Membership.objects.create(user=user, organization=organization, role=Role.VIEWER))
    with pytest.raises(PermissionDenied):
        issue_token(access=viewer, name="x", scopes=[Permission.VIEW])
    with pytest.raises(ValidationError, match="at least one scope"):
        issue_token(access=owner_access(organization), name="x", scopes=[])


def test_a_scope_cuts_what_the_role_allows():
    access = owner_access(found())
    cut = Access(
        organization=access.organization,
        membership=access.membership,
        user=access.user,
        actor="token",
        scopes=frozenset({Permission.VIEW}),
    )
    assert cut.can(Permission.VIEW)
    assert not cut.can(Permission.COMMAND)


def test_only_finance_and_owners_see_money_and_every_role_may_look():
    assert {role for role in Role if Permission.MONEY in PERMISSIONS[role]} == {Role.OWNER, Role.FINANCE}
    assert all(Permission.VIEW in PERMISSIONS[role] for role in Role)
