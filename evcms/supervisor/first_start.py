"""The first start of a real installation: who runs it. Asked on the terminal, or taken from variables."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from zoneinfo import available_timezones

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from evcms.core import services
from evcms.core.models import Organization
from evcms.supervisor import currencies


class NotAnswered(RuntimeError):
    """What is missing or wrong, in sentences that name the variables."""


@dataclass(frozen=True)
class Question:
    """`clean` returns the tidy answer or raises ValueError with a sentence."""

    variable: str
    prompt: str
    clean: Callable[[str], str]
    secret: bool = False


def _name(value: str) -> str:
    if not 2 <= len(value) <= 120:
        raise ValueError("The organization needs a name of 2 to 120 characters.")
    return value


def _currency(value: str) -> str:
    code = value.upper()
    if code not in currencies.CODES:
        raise ValueError(f"{value!r} is no currency that we know: give an ISO 4217 code such as EUR, GBP or JPY.")
    return code


def _time_zone(value: str) -> str:
    if value not in available_timezones():
        raise ValueError(f"{value!r} is no time zone: give one such as Europe/Amsterdam or America/New_York.")
    return value


def _email(value: str) -> str:
    try:
        validate_email(value)
    except ValidationError:
        raise ValueError(f"{value!r} is no e-mail address.") from None
    return value


def _password(value: str) -> str:
    try:
        validate_password(value)
    except ValidationError as error:
        raise ValueError(" ".join(error.messages)) from None
    return value


QUESTIONS = (
    Question("EVCMS_ORGANIZATION", "Name of the organization", _name),
    Question("EVCMS_CURRENCY", "Its currency (ISO 4217, such as EUR)", _currency),
    Question("EVCMS_TIME_ZONE", "Its time zone (such as Europe/Amsterdam)", _time_zone),
    Question("EVCMS_OWNER_EMAIL", "E-mail address of its owner", _email),
    Question("EVCMS_OWNER_PASSWORD", "Password of the owner (at least 10 characters)", _password, secret=True),
)


def needed() -> bool:
    return not Organization.objects.exists()


def found() -> Organization:
    """Make the first organization and its owner.

    Raises:
        NotAnswered: when the environment is incomplete or wrong and nobody sits at the terminal.
    """
    answers = _ask() if sys.stdin.isatty() else _from_environment()
    return services.found_organization(
        name=answers["EVCMS_ORGANIZATION"],
        owner_email=answers["EVCMS_OWNER_EMAIL"],
        owner_password=answers["EVCMS_OWNER_PASSWORD"],
        currency=answers["EVCMS_CURRENCY"],
        time_zone=answers["EVCMS_TIME_ZONE"],
        **_country(answers["EVCMS_TIME_ZONE"]),
    )


def _country(time_zone: str) -> dict[str, str]:
    """The country of the zone (tzdata's zone.tab); the organization's page can correct it."""
    table = resources.files("tzdata").joinpath("zoneinfo", "zone.tab").read_text("utf-8")
    rows = (line.split("\t") for line in table.splitlines() if not line.startswith("#"))
    codes = [row[0] for row in rows if len(row) > 2 and row[2] == time_zone]
    return {"country": codes[0]} if codes else {}


def _from_environment() -> dict[str, str]:
    answers, wrong, missing = {}, [], []
    for question in QUESTIONS:
        value = os.environ.get(question.variable, "").strip()
        if not value:
            missing.append(question.variable)
            continue
        try:
            answers[question.variable] = question.clean(value)
        except ValueError as error:
            wrong.append(f"{question.variable}: {error}")
    if missing:
        wrong.insert(0, "The first start needs " + ", ".join(missing) + ": set them, or start it on a terminal.")
    if wrong:
        raise NotAnswered("\n".join(wrong))
    return answers


def _ask() -> dict[str, str]:
    print("This is the first start. Five questions about the organization that runs the chargers:")
    return {question.variable: _answer(question) for question in QUESTIONS}


def _answer(question: Question) -> str:
    """Asks until the answer is good; a good value in the environment is taken without asking."""
    value, typed = os.environ.get(question.variable, "").strip(), False
    while True:
        try:
            if value:
                answer = question.clean(value)
                if not (question.secret and typed) or _again(answer):
                    return answer
        except ValueError as error:
            print(f"  {error}")
        read = getpass.getpass if question.secret else input
        value, typed = read(f"  {question.prompt}: ").strip(), True


def _again(secret: str) -> bool:
    """Nobody sees what he types here, and a mistyped password opens nothing later."""
    same = getpass.getpass("  The same once more: ").strip() == secret
    if not same:
        print("  The two are not the same: type it anew.")
    return same
