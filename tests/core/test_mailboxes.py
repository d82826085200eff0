"""Known addresses: a request for a new password, by whomever, keeps nobody from a second factor."""

import re

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from django.test import Client

from evcms.core import mailboxes
from evcms.core.models import Event, Organization, User
from evcms.core.services import found_organization
from tests.stations.conftest import make_access

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"
OWNER = "owner@sunny.example"


@pytest.fixture
def founded(settings) -> Organization:
    settings.MAIL_ON = False
    return found_organization(
        name="Sunny", owner_email=OWNER, owner_password=PASSWORD, currency="EUR", time_zone="Europe/Berlin"
    )


def verified(email: str) -> bool:
    return EmailAddress.objects.get(email=email).verified


def logged_in(email: str, password: str = PASSWORD) -> Client:
    client = Client()
    answer = client.post("/accounts/login/", {"login": email, "password": password})
    assert answer.status_code == 302, answer.text
    return client


def enrols(client: Client) -> bool:
    """Walks through the page of the second factor with a good code."""
    page = client.get("/accounts/2fa/totp/activate/", follow=True)
    assert "until you have verified" not in page.text
    secret = client.session[totp.SECRET_SESSION_KEY]
    counter = next(iter(totp.yield_hotp_counters_from_time()))
    code = totp.format_hotp_value(totp.hotp_value(secret, counter))
    client.post("/accounts/2fa/totp/activate/", {"code": code})
    return Authenticator.objects.filter(type=Authenticator.Type.TOTP).exists()


def mailed_link() -> str:
    text = Event.objects.filter(name="MailRequested").latest("pk").payload["text"]
    return re.search(r"https?://[^/]+(/accounts/password/reset/key/\S+)", text)[1]


def chooses_a_password(password: str) -> None:
    client = Client()
    form = client.get(mailed_link()).url
    assert client.post(form, {"password1": password, "password2": password}).status_code == 302


def test_whoever_asks_for_a_new_password_before_the_owners_first_login_changes_nothing(founded):
    Client().post("/accounts/password/reset/", {"email": OWNER})
    assert verified(OWNER)
    assert enrols(logged_in(OWNER))


def test_an_account_of_an_earlier_version_gets_its_second_factor_too(founded):
    EmailAddress.objects.all().delete()
    Client().post("/accounts/password/reset/", {"email": OWNER})
    assert not verified(OWNER)
    assert enrols(logged_in(OWNER))


def test_a_new_member_is_known_and_proven_by_the_mailed_link(founded):
    owner = make_access(founded)
    page = Client()
    page.force_login(owner.user, backend="django.contrib.auth.backends.ModelBackend")
    Authenticator.objects.create(user=owner.user, type=Authenticator.Type.TOTP, data={})
    page.post("/settings/members/", {"email": "new@sunny.example", "role": "viewer"})
    assert not verified("new@sunny.example")
    chooses_a_password("a long phrase of mine")
    assert verified("new@sunny.example")
    logged_in("new@sunny.example", "a long phrase of mine")


def test_a_link_proves_nothing_when_it_may_have_gone_to_another_address(founded):
    user = User.objects.create_user("two@sunny.example", PASSWORD)
    EmailAddress.objects.create(user=user, email="second@sunny.example")
    Client().post("/accounts/password/reset/", {"email": "second@sunny.example"})
    chooses_a_password("a long phrase of mine")
    assert not verified("two@sunny.example")
    assert not verified("second@sunny.example")


def test_an_address_that_another_account_has_proven_is_not_proven_twice(founded):
    EmailAddress.objects.create(user=User.objects.get(email=OWNER), email="shared@sunny.example", verified=True)
    user = User.objects.create_user("shared@sunny.example", None)
    mailboxes.know(user, verified=True)
    mailboxes.know(user, verified=True)
    assert not EmailAddress.objects.get(user=user).verified


def test_who_gets_another_address_from_staff_leaves_the_former_one(founded):
    staff = User.objects.get(email=OWNER)
    user = User.objects.create_user("old@sunny.example", PASSWORD)
    mailboxes.know(user, verified=True)
    client = Client()
    client.force_login(staff, backend="django.contrib.auth.backends.ModelBackend")
    Authenticator.objects.create(user=staff, type=Authenticator.Type.TOTP, data={})
    form = {"email": "new@sunny.example", "is_active": "on", "memberships-TOTAL_FORMS": 0,
            "memberships-INITIAL_FORMS": 0}  # fmt: skip
    assert client.post(f"/admin/core/user/{user.pk}/change/", form).status_code == 302
    assert not EmailAddress.objects.filter(email="old@sunny.example").exists()
    assert not verified("new@sunny.example")
    refused = Client().post("/accounts/login/", {"login": "old@sunny.example", "password": PASSWORD})
    assert refused.status_code == 200
    logged_in("new@sunny.example")
