"""The words of a message: the built-in ones, or those that staff or the organization's owner wrote instead."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.template import TemplateDoesNotExist
from django.template.loader import render_to_string
from django.utils import translation

LONGEST_SUBJECT, LONGEST_SHORT = 200, 320


@dataclass(frozen=True)
class Words:
    subject: str
    text: str
    html: str
    short: str


def render(template: str, context: Mapping[str, Any], language: str, organization_id: int | None = None) -> Words:
    """A message in the recipient's language. Any: template context.

    `template` is a folder of templates/alerts/mail with subject.txt, body.txt, body.html and short.txt.
    """
    with translation.override(language or "en"):
        subject = _part(template, "subject.txt", context)
        return Words(
            subject=_line(subject)[:LONGEST_SUBJECT],
            text=_part(template, "body.txt", context) + "\n",
            html=_part(template, "body.html", context),
            short=_line(_part(template, "short.txt", context) or subject)[:LONGEST_SHORT],
        )


def _part(template: str, name: str, context: Mapping[str, Any]) -> str:
    try:
        return render_to_string(f"alerts/mail/{template}/{name}", dict(context)).strip()
    except TemplateDoesNotExist as error:
        if name == "short.txt" and str(error).endswith(name):
            return ""
        raise


def _line(text: str) -> str:
    return " ".join(text.split())
