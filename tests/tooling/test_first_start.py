"""The questions of the first start, at a terminal."""

from io import StringIO

import pytest
from django.core.management import call_command

from evcms.core.models import Membership, Organization, User
from evcms.supervisor import currencies, first_start

pytestmark = pytest.mark.django_db

TWICE = ("correct horse battery", "correct horse battery")


@pytest.fixture
def terminal(monkeypatch):
    """Somebody types these lines, the password last."""
    for question in first_start.QUESTIONS:
        monkeypatch.delenv(question.variable, raising=False)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)

    def types(*lines):
        waiting = iter(lines)
        monkeypatch.setattr("builtins.input", lambda prompt: next(waiting))
        monkeypatch.setattr("getpass.getpass", lambda prompt: next(waiting))

    return types


def test_the_answers_found_an_organization_and_its_owner(terminal):
    assert first_start.needed()
    terminal("Harbour Charging", "jpy", "Asia/Tokyo", "owner@charging.example", *TWICE)
    first_start.found()
    assert not first_start.needed()
    founded = Organization.objects.get()
    assert (founded.name, founded.currency, founded.time_zone, founded.country) == (
        "Harbour Charging",
        "JPY",
        "Asia/Tokyo",
        "JP",
    )
    owner = User.objects.get(email="owner@charging.example")
    assert owner.check_password("correct horse battery")
    assert Membership.objects.get(user=owner).role == "owner"


def test_a_wrong_answer_is_explained_and_asked_again(terminal, capsys):
    terminal(
        *["", "Harbour Charging"],
        *["doubloons", "EUR"],
        *["Amsterdam", "Europe/Amsterdam"],
        *["owner", "owner@charging.example"],
        *["short", *TWICE],
    )
    first_start.found()
    said = capsys.readouterr().out
    assert "'doubloons' is no currency that we know" in said
    assert "'Amsterdam' is no time zone" in said
    assert "'owner' is no e-mail address" in said
    assert "at least 10 characters" in said
    assert "short" not in said.replace("too short", "")


def test_a_password_that_was_mistyped_once_is_asked_anew(terminal, capsys):
    mistyped = ("correct horse batery", "correct horse battery")
    terminal("Harbour Charging", "EUR", "Europe/Paris", "owner@charging.example", *mistyped, *TWICE)
    first_start.found()
    assert "not the same" in capsys.readouterr().out
    assert User.objects.get().check_password(TWICE[0])


def test_a_password_from_the_environment_is_not_repeated(terminal, monkeypatch):
    monkeypatch.setenv("EVCMS_OWNER_PASSWORD", TWICE[0])
    terminal("Harbour Charging", "EUR", "Europe/Paris", "owner@charging.example")
    first_start.found()
    assert User.objects.get().check_password(TWICE[0])


def test_a_forgotten_password_is_changed_on_the_machine(terminal):
    terminal("Harbour Charging", "EUR", "Europe/Paris", "owner@charging.example", *TWICE)
    first_start.found()
    terminal("a wholly new phrase", "a wholly new phrase")
    call_command("changepassword", "owner@charging.example", stdout=StringIO())
    assert User.objects.get().check_password("a wholly new phrase")


def test_what_the_environment_answers_is_not_asked(terminal, monkeypatch):
    monkeypatch.setenv("EVCMS_ORGANIZATION", "From outside")
    monkeypatch.setenv("EVCMS_CURRENCY", "EUR")
    terminal("Europe/Paris", "owner@charging.example", *TWICE)
    assert first_start.found().name == "From outside"


@pytest.mark.parametrize("code", ["EUR", "JPY", "KWD", "ISK", "XCG"])
def test_currencies_of_all_kinds_are_known(code):
    assert code in currencies.CODES


@pytest.mark.parametrize("code", ["XXX", "XTS", "XAU", "DEM", "EURO"])
def test_what_is_no_money_to_pay_with_is_not(code):
    assert code not in currencies.CODES
