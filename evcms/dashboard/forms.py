"""Filters above the lists, and a form for each operation of a station, made from its one description."""

from collections.abc import Iterable, Mapping
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.db.models import Model, QuerySet
from django.forms.renderers import BaseRenderer
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from evcms.core import clock
from evcms.core.form_fields import DateText, offer
from sessions.queries import FLAGS
from sessions.vocabulary import AttemptKind, AttemptStage, AttemptState, FailureCause, Party, SessionState
from stations.models import Site
from stations.operations import Field, FieldType, Operation
from stations.vocabulary import Approval, Direction, MessageOutcome, Shown

NEVER = "never_connected"
OCPP_16 = "ocpp1.6"
ARCHIVED = "archived"
LOCKED = "locked"  # another: its profile demands a password, and none is set
UNDESCRIBED = "undescribed"  # a status of the station filter: what plug a connector has is not known yet
LEFT_OUT = {"invalid_choice": _("There is no “%(value)s” here; it is left out.")}
ANY = ("", _("Any"))
NOTHING_FITS = _("There is no “%(value)s” here: no station fits.")
Choices = Iterable[tuple[str, Any]]  # Any: a text or a lazy translation


def search_box(label: Any) -> forms.CharField:  # Any: a lazy translation
    return forms.CharField(
        label=label, required=False, max_length=100, widget=forms.TextInput(attrs={"type": "search"})
    )


def choice(label: Any, choices: Choices) -> forms.ChoiceField:  # Any: a lazy translation
    told = [(value, capfirst(text)) for value, text in choices]
    return forms.ChoiceField(label=label, required=False, choices=[ANY, *told], error_messages=LEFT_OUT)


def site_choice() -> forms.ModelChoiceField:
    """The form says of which sites; of very many one is typed."""
    return forms.ModelChoiceField(None, label=_("Site"), required=False, empty_label=_("Any"), error_messages=LEFT_OUT)


def wishes(form: forms.Form) -> dict[str, Any]:
    """What a filter asks for: what it could read, "" for the rest; of a row its key. Any: cleaned values."""
    form.is_valid()
    told = {name: form.cleaned_data.get(name) or "" for name in form.fields}
    return {name: str(value.pk) if isinstance(value, Model) else value for name, value in told.items()}


class StationFilter(forms.Form):
    q = search_box(_("Name, identity, serial number"))
    status = choice(
        _("Status"),
        [
            ("online", _("Online")),
            (NEVER, _("Not yet connected")),
            (UNDESCRIBED, _("Plug not entered yet")),
            (LOCKED, _("Password not set yet")),
            *((word.value, word.label) for word in Shown),
            (ARCHIVED, _("Archived")),
        ],
    )
    health = choice(
        _("Health"),
        [
            ("incident", _("Open incident")),
            ("early", _("Early sign of wear")),
            ("short", _("Serves fewer than agreed")),
            ("well", _("Nothing known")),
        ],
    )
    site = site_choice()
    model = choice(_("Model"), [])
    firmware = choice(_("Firmware"), [])
    tag = choice(_("Tag"), [])
    approval = choice(_("Approval"), Approval.choices)
    imported = choice(_("Brought by the file"), [])

    def __init__(
        self,
        *args: Any,
        sites: QuerySet[Site],
        kinds: Iterable[tuple[str, str]] = (),
        tags: Iterable[str] = (),
        files: list[tuple[str, str]] | None = None,
        **kwargs: Any,
    ) -> None:
        """Any: as Django's forms take them. `kinds`: (model, firmware) of the visible stations; `files`: imports to
        choose from, None where nobody asks for one.
        """
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.error_messages["invalid_choice"] = NOTHING_FITS
        pairs = list(kinds)
        offer(self, "site", sites, by=("name",))
        self._offer("model", [(name, name) for name in sorted({model for model, _firmware in pairs if model})])
        self._offer("tag", [(name, name) for name in tags])
        if files is None:
            del self.fields["imported"]
        else:
            self._offer("imported", files)
        self._offer("firmware", [(name, name) for name in sorted({word for _model, word in pairs if word})])

    def _offer(self, name: str, choices: list[tuple[str, str]]) -> None:
        found = self.fields[name]
        assert isinstance(found, forms.ChoiceField)
        found.choices = [ANY, *choices]


PERIODS = [
    ("today", _("Today")),
    ("yesterday", _("Yesterday")),
    ("week", _("Last 7 days")),
    ("month", _("Last 30 days")),
]


def period(name: str, zone: str) -> tuple[datetime | None, datetime | None]:
    """[since, until) of a named period in the organization's zone; open ends are None."""
    tz = ZoneInfo(zone)
    midnight = datetime.combine(clock.now().astimezone(tz).date(), time(), tz)
    match name:
        case "today":
            return midnight, None
        case "yesterday":
            return _days_before(midnight, 1), midnight
        case "week":
            return _days_before(midnight, 6), None
        case "month":
            return _days_before(midnight, 29), None
    return None, None


def _days_before(midnight: datetime, days: int) -> datetime:
    return datetime.combine(midnight.date() - timedelta(days=days), time(), midnight.tzinfo)


class SiteChoice(forms.Form):
    """The sites of one person as a choice."""

    def __init__(self, *args: Any, sites: QuerySet[Site], **kwargs: Any) -> None:
        """Any: as Django's forms take them."""
        super().__init__(*args, **kwargs)
        offer(self, "site", sites, by=("name",))


class SessionFilter(SiteChoice):
    q = search_box(_("Token, station, driver, id"))
    state = choice(_("State"), [("running", _("Running")), *SessionState.choices])
    site = site_choice()
    period = choice(_("Period"), PERIODS)
    since = DateText(label=_("From"), required=False)
    until = DateText(label=_("To"), required=False)
    flag = choice(
        _("Problems"),
        [
            (name, label)
            for name, label in (
                ("unauthorized", _("Not authorized")),
                ("estimated", _("Estimated end")),
                ("incomplete", _("Events missing")),
                ("disputed", _("Does not add up")),
            )
            if name in FLAGS
        ],
    )

    def clean(self) -> None:
        super().clean()
        since, until = self.cleaned_data.get("since"), self.cleaned_data.get("until")
        if since and until and since > until:
            self.add_error("until", _("It is before the first day; it is left out."))


HIDDEN = forms.HiddenInput
YES_NO = [("yes", _("Yes")), ("no", _("No"))]


def hidden(label: Any, **limits: Any) -> forms.CharField:
    """What links from the analyses narrow by, beside the fields that are shown. Any: as Django's fields take them."""
    return forms.CharField(label=label, required=False, max_length=64, widget=HIDDEN, **limits)


class AttemptFilter(SiteChoice):
    q = search_box(_("Station, token, driver"))
    state = choice(_("Outcome"), AttemptState.choices)
    party = choice(_("Cause"), Party.choices)
    stage = choice(_("Came as far as"), [(str(value), label) for value, label in AttemptStage.choices])
    kind = choice(_("How"), AttemptKind.choices)
    site = site_choice()
    model = choice(_("Model"), [])
    period = choice(_("Period"), PERIODS)
    since = DateText(label=_("From"), required=False)
    until = DateText(label=_("To"), required=False)
    cause = choice(_("What was seen"), FailureCause.choices)
    over = forms.ChoiceField(label=_("Over"), required=False, choices=YES_NO, widget=HIDDEN)
    counted = forms.ChoiceField(label=_("In the success rate"), required=False, choices=YES_NO, widget=HIDDEN)
    reached = forms.IntegerField(label=_("At least"), required=False, min_value=0, max_value=5, widget=HIDDEN)
    hour = forms.ChoiceField(
        label=_("Hour"), required=False, choices=[(str(n), f"{n:02}:00") for n in range(24)], widget=HIDDEN
    )
    rule = hidden(_("Rule"))
    firmware = hidden(_("Firmware"))
    station = hidden(_("Station"))

    def __init__(self, *args: Any, models: Iterable[str] = (), **kwargs: Any) -> None:
        """Any: as Django's forms take them. `models`: of the visible stations."""
        super().__init__(*args, **kwargs)
        found = self.fields["model"]
        assert isinstance(found, forms.ChoiceField)
        found.choices = [ANY, *((name, name) for name in models)]


class SiteFilter(forms.Form):
    q = search_box(_("Name, address, city"))


class MessageFilter(forms.Form):
    q = search_box(_("Anything in a message"))
    direction = choice(_("Direction"), Direction.choices)
    outcome = choice(_("Outcome"), MessageOutcome.choices)


class VariableFilter(forms.Form):
    q = search_box(_("Name or value"))


# Operations ------------------------------------------------------------------------------------------------


def operation_form(
    operation: Operation,
    data: Mapping[str, Any] | None = None,
    initial: Mapping[str, Any] | None = None,
    *,
    protocol: str = "",
) -> forms.Form:
    """The form of one operation, with what the station's `protocol` has a place for; only the operation itself judges
    values. Any: as Django's forms take them.
    """
    form = forms.Form(data, prefix=operation.name, auto_id="op_%s", initial=dict(initial or {}))
    for one in operation.fields:
        if not (one.only_2x and protocol == OCPP_16):
            form.fields[one.name] = _input(one)
    return form


def _input(one: Field) -> forms.Field:
    common: dict[str, Any] = {  # Any: what fields take
        "label": one.label,
        "help_text": one.help,
        "required": one.required or (one.type == FieldType.CHOICE and bool(one.default)),  # it always says something
        "initial": one.default,
        "error_messages": {"required": _("%(label)s is needed.") % {"label": one.label}},
    }
    match one.type:
        case FieldType.CHOICE:
            empty = [] if one.default else [("", "–")]
            made: forms.Field = forms.ChoiceField(choices=[*empty, *one.choices], **common)
        case FieldType.LIST | FieldType.PAIRS | FieldType.JSON:
            made = forms.CharField(widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}), **common)
        case FieldType.TIME:
            made = forms.CharField(widget=forms.DateTimeInput(attrs={"type": "datetime-local"}), **common)
        case FieldType.WHOLE:
            made = forms.CharField(widget=forms.TextInput(attrs={"inputmode": "numeric"}), **common)
        case _:
            made = forms.CharField(widget=Suggesting(one.suggestions) if one.suggestions else None, **common)
    return made


class Suggesting(forms.TextInput):
    """Free text with a list to choose from."""

    def __init__(self, suggestions: Iterable[str]) -> None:
        super().__init__()
        self.suggestions = tuple(suggestions)

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: BaseRenderer | None = None
    ) -> SafeString:
        """Any: as Django's widgets take them."""
        place = f"{(attrs or {}).get('id', name)}_list"
        box = super().render(name, value, {**(attrs or {}), "list": place}, renderer)
        options = format_html_join("", '<option value="{}"></option>', ((text,) for text in self.suggestions))
        return format_html('{}<datalist id="{}">{}</datalist>', box, place, options)


class RawForm(forms.Form):
    """Any action of the station's version."""

    action = forms.CharField(label=_("Action"), max_length=64, help_text=_("As the specification spells it"))
    payload = forms.JSONField(
        label=_("Payload"), initial={}, required=False, help_text=_("A JSON object; empty is {}, for no arguments"),
        widget=forms.Textarea(attrs={"rows": 5, "spellcheck": "false", "class": "ev-mono"}),
    )  # fmt: skip

    def clean_payload(self) -> dict[str, Any]:
        """Any: JSON."""
        value = self.cleaned_data["payload"]
        if value is None and self["payload"].data == "":
            return {}
        if not isinstance(value, dict):
            raise forms.ValidationError(_("The payload is a JSON object, such as {}."))
        return value
