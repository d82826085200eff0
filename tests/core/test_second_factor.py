"""The second factor at the first login and after a lost telephone: asked for once, explained, and never for good."""

import time

import pytest
from allauth.account.internal.flows.login import AUTHENTICATION_METHODS_SESSION_KEY
from allauth.mfa.models import Authenticator
from django.core.management import CommandError, call_command
from django.test import Client

from evcms.core.access import Role
from evcms.core.models import AuditEntry, User
from tests.core.test_mailboxes import OWNER, PASSWORD, enrols, founded, logged_in
from tests.stations.conftest import make_access

pytestmark = pytest.mark.django_db
ACTIVATE = "/accounts/2fa/totp/activate/"


def aged(client: Client, seconds: float) -> Client:
    """The password of this session was given so long ago."""
    session = client.session
    for record in session[AUTHENTICATION_METHODS_SESSION_KEY]:
        record["at"] = time.time() - seconds
    session.save()
    return client


def test_the_password_is_asked_once_at_the_first_login(founded):
    client = logged_in(OWNER)
    assert client.get("/settings/").headers["Location"] == ACTIVATE
    page = client.get(ACTIVATE)
    assert page.status_code == 200
    assert page.text.count("needs a second factor") == 1
    assert client.session["mfa.totp.secret"] in page.text
    assert enrols(client)
    assert client.get("/accounts/2fa/recovery-codes/").status_code == 200
    assert client.get("/settings/").status_code == 200


def test_a_password_of_long_ago_is_asked_again(founded):
    client = aged(logged_in(OWNER), 301)
    assert client.get(ACTIVATE).headers["Location"].startswith("/accounts/reauthenticate/")
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    assert client.get(ACTIVATE).status_code == 200


def test_a_session_that_nobody_opened_with_a_password_is_asked_for_one(founded):
    client = Client()
    client.force_login(User.objects.get(email=OWNER), backend="django.contrib.auth.backends.ModelBackend")
    assert client.get(ACTIVATE).headers["Location"].startswith("/accounts/reauthenticate/")


def test_another_persons_password_in_the_same_browser_counts_for_nothing(founded):
    client = logged_in(OWNER)
    other = make_access(founded, Role.OWNER, email="other@sunny.example").user
    client.force_login(other, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get(ACTIVATE).headers["Location"].startswith("/accounts/reauthenticate/")


def test_a_lost_telephone_is_no_lost_account(founded, capsys):
    assert enrols(logged_in(OWNER))
    client = Client()
    answer = client.post("/accounts/login/", {"login": OWNER, "password": PASSWORD})
    assert "2fa" in answer.headers["Location"]
    call_command("remove_second_factor", OWNER.upper())
    assert "led to a new second factor where one is due" in capsys.readouterr().out
    assert not Authenticator.objects.exists()
    entry = AuditEntry.objects.get(action="user.second_factor_removed")
    assert (entry.organization, entry.actor, entry.object_label) == (founded, "system", str(User.objects.get()))
    again = logged_in(OWNER)
    assert again.get("/settings/").headers["Location"] == ACTIVATE
    assert enrols(again)


def test_an_unknown_address_and_one_without_a_factor_are_said_so(founded):
    with pytest.raises(CommandError, match="Nobody logs in as nobody@sunny"):
        call_command("remove_second_factor", "nobody@sunny.example")
    with pytest.raises(CommandError, match=f"{OWNER} has no second factor"):
        call_command("remove_second_factor", OWNER)
    assert not AuditEntry.objects.filter(action="user.second_factor_removed").exists()


__all__ = ["founded"]
