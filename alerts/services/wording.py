"""The words of a message: the built-in ones, or those that staff or the organization's owner wrote instead.

Their words are templates of a small language of their own (`alerts.wording_tags`): values and `if`, no files, no loops,
and values are plain before they come in, so that no method of ours can be called.
"""

import dataclasses
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time
from typing import Any

import structlog
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import Q
from django.template import Context, Engine, TemplateDoesNotExist, TemplateSyntaxError, VariableDoesNotExist
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from alerts import samples
from alerts.models import MessageTemplate
from evcms.core import audit, clock
from evcms.core.access import Access, Permission
from evcms.core.models import Organization, User

log = structlog.get_logger(__name__)

LONGEST_SUBJECT, LONGEST_SHORT, LONGEST_TEXT = 200, 320, 5000
PARTS = ("subject", "text", "short")
DEEPEST = 3
UNKNOWN = "\x00%s\x00"  # marks a variable that there is not


class _Engine(Engine):
    default_builtins = ["alerts.wording_tags"]


@dataclass(frozen=True)
class Words:
    subject: str
    text: str
    html: str
    short: str
    push: str = ""  # below the subject, where a push message says other words than a text


def render(template: str, context: Mapping[str, Any], language: str, organization_id: int | None = None) -> Words:
    """A message in the recipient's language. Any: template context.

    `template` is a folder of templates/alerts/mail with subject.txt, body.txt, body.html and, where they differ,
    short.txt (texts) and push.txt.
    """
    language = language or "en"
    own = _own(template, language, organization_id)
    with translation.override(language):
        words = _built_in(template, context)
        if not own:
            return words
        try:
            return _with(words, {part: fill(text, context) for part, text in own.items()})
        except ValidationError as error:  # their words were good when they were saved: the message must leave anyway
            log.error("changed words cannot be used", template=template, error=error.messages)
            return words


def preview(template: str, context: Mapping[str, Any], language: str, parts: Mapping[str, str]) -> Words:
    """As `render`, with words that are not saved yet. Raises ValidationError with sentences."""
    with translation.override(language):
        words = _built_in(template, context)
        return _with(words, {part: fill(parts[part], context) for part in PARTS if parts.get(part)})


def save(
    *, access: Access | None, user: User, organization: Organization | None, template: str, language: str, **parts: str
) -> MessageTemplate:
    """Keeps the changed parts (an empty one: the built-in words stay) of an organization, or of all (staff, no access).

    Raises PermissionDenied; ValidationError with sentences about the words.
    """
    if access:
        access.demand(Permission.PEOPLE)
    if template not in built_in() or language not in dict(settings.LANGUAGES):
        raise ValidationError(_("There is no such message."))
    for part in PARTS:
        check(template, parts.get(part, ""))
    _check_code(template, parts)
    with transaction.atomic():
        row, _made = MessageTemplate.objects.update_or_create(
            organization=organization,
            template=template,
            language=language,
            defaults={
                **{part: parts.get(part, "") for part in PARTS},
                "updated_at": clock.now(),
                "updated_by": user,
            },
        )
        if access:
            audit.record(access, "wording.saved", row)
        else:
            audit.record_staff(user, "wording.saved", row)
    return row


def values(template: str) -> list[tuple[str, str]]:
    """(as it is written, what it says in the preview) for the editor: all that the built-in words say."""
    context = samples.context_of(template)
    return [
        (written, "" if written.startswith("{%") else fill(written, context)) for written in samples.writable(template)
    ]


def check(template: str, text: str) -> None:
    """Raises ValidationError with a sentence for words that cannot be used."""
    if len(text) > LONGEST_TEXT:
        raise ValidationError(_("At most %(most)s characters.") % {"most": LONGEST_TEXT})
    if text:
        fill(text, samples.context_of(template))


def _check_code(template: str, parts: Mapping[str, str]) -> None:
    """Without the code in its words nobody proves a telephone any more. Raises ValidationError."""
    context = samples.context_of(template)
    for text in (parts.get("text", ""), parts.get("short", "")):
        if template == "code" and text and str(context["code"]) not in fill(text, context):
            raise ValidationError(_("The words must say the code: {{ code }}"))


def fill(text: str, context: Mapping[str, Any]) -> str:
    """Their words with the values in them. Raises ValidationError with a sentence."""
    engine = _Engine(autoescape=False, string_if_invalid=UNKNOWN)
    try:
        filled = str(engine.from_string(text).render(Context(plain(context), autoescape=False)))
    except (TemplateSyntaxError, VariableDoesNotExist, ValueError, TypeError, ArithmeticError) as error:
        raise ValidationError(_("These words cannot be read: %(why)s") % {"why": error}) from error
    if "\x00" in filled:
        name = filled.split("\x00")[1]
        raise ValidationError(_("There is no value named %(name)s in this message.") % {"name": name})
    return filled.strip()


def plain(value: Any, depth: int = DEEPEST) -> Any:
    """Words, numbers, times, and tables of them. Any: template context."""
    if value is None or isinstance(value, str | int | bool | date | time):
        return value
    if isinstance(value, Promise) or depth == 0:
        return str(value)
    if isinstance(value, Mapping):
        return {str(name): plain(one, depth - 1) for name, one in value.items() if not str(name).startswith("_")}
    if isinstance(value, list | tuple):
        return [plain(one, depth - 1) for one in value[:50]]
    if dataclasses.is_dataclass(value):
        names = [field.name for field in dataclasses.fields(value)]
        return {name: plain(getattr(value, name), depth - 1) for name in names}
    if isinstance(value, models.Model):
        return {**_row(value), "name": str(value)}
    return str(value)


def _row(row: models.Model) -> dict[str, Any]:
    """Its own columns, and the words of its choices; rows that it points to are their words. Any: columns' values."""
    found: dict[str, Any] = {}
    for field in row._meta.concrete_fields:
        if field.choices:
            found[f"get_{field.name}_display"] = str(getattr(row, f"get_{field.name}_display")())
        found[field.name] = (
            plain(getattr(row, field.name), 0) if field.is_relation else plain(field.value_from_object(row))
        )
    return found


def _own(template: str, language: str, organization_id: int | None) -> dict[str, str]:
    """Changed parts; the organization's go before those of all."""
    whose = Q(organization=organization_id) | Q(organization=None) if organization_id else Q(organization=None)
    rows = MessageTemplate.objects.filter(whose, template=template, language=language)
    found: dict[str, str] = {}
    for row in sorted(rows, key=lambda one: one.organization_id is not None):
        found |= {part: getattr(row, part) for part in PARTS if getattr(row, part)}
    return found


def _with(words: Words, own: Mapping[str, str]) -> Words:
    text = own.get("text")
    return Words(
        subject=_line(own.get("subject", words.subject))[:LONGEST_SUBJECT],
        text=f"{text}\n" if text else words.text,
        html=render_to_string("alerts/mail/own.html", {"text": text}).strip() if text else words.html,
        short=_line(own.get("short", words.short))[:LONGEST_SHORT],
        push="" if "short" in own else words.push,
    )


def _built_in(template: str, context: Mapping[str, Any]) -> Words:
    subject = _part(template, "subject.txt", context)
    return Words(
        subject=_line(subject)[:LONGEST_SUBJECT],
        text=_part(template, "body.txt", context) + "\n",
        html=_part(template, "body.html", context),
        short=_line(_part(template, "short.txt", context) or subject)[:LONGEST_SHORT],
        push=_line(_part(template, "push.txt", context))[:LONGEST_SHORT],
    )


def _part(template: str, name: str, context: Mapping[str, Any]) -> str:
    try:
        return render_to_string(f"alerts/mail/{template}/{name}", dict(context)).strip()
    except TemplateDoesNotExist as error:
        if name in ("short.txt", "push.txt") and str(error).endswith(name):
            return ""
        raise


def _line(text: str) -> str:
    return " ".join(text.split())


@functools.cache
def built_in() -> list[str]:
    """Names of all messages: the folders of templates/alerts/mail."""
    folder = settings.BASE_DIR / "templates" / "alerts" / "mail"
    return sorted(path.name for path in folder.iterdir() if path.is_dir())


def title(template: str) -> str:
    """As people read its name."""
    return template.replace("_", " ").capitalize()
