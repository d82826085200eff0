"""Fields that forms of several apps share."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from evcms.core import typed

FIRST_DAY: Final = date(2000, 1, 1)
LAST_DAY: Final = date(2199, 12, 31)
MANY: Final = 500  # more than that nobody chooses from a list, and no browser likes to draw it


class DateText(forms.DateField):
    """A day, with the browser's calendar. Of years that clocks and calendars can count with, in every zone: before the
    year 1 and after 9999 there is no midnight.
    """

    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")

    def validate(self, value: Any) -> None:
        """Any: a day, or nothing. Raises ValidationError for one that nobody can mean."""
        super().validate(value)
        if value and not FIRST_DAY <= value <= LAST_DAY:
            raise ValidationError(_("Give a day between 2000 and 2199."))


def number_of(text: str, otherwise: object) -> Decimal:
    """What somebody typed as a number. Raises ValidationError with a sentence: `otherwise` for what is none."""
    try:
        return typed.decimal_of(text)
    except typed.Unclear:
        told = {"text": text, "whole": text.replace(",", ""), "part": text.replace(",", ".")}
        raise ValidationError(_now("“%(text)s” may be %(whole)s or %(part)s: write one of them.") % told) from None
    except ValueError:
        raise ValidationError(str(otherwise)) from None


class NumberText(forms.DecimalField):
    """A number with a point or a comma; None when empty. A form may give it a widget of its own."""

    def __init__(self, **kwargs: Any) -> None:
        """Any: as Django's fields take them."""
        kwargs.setdefault("widget", forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}))
        super().__init__(**kwargs)

    def to_python(self, value: Any) -> Decimal | None:  # type: ignore[override]
        """Any: what somebody typed, or a number."""
        text = str(value if value is not None else "").strip()
        return number_of(text, _("A number such as 5.89.")) if text else None


class MomentText(forms.DateTimeField):
    """A moment on the wall clock of `zone`, to the second; what is shown and read is in that zone."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local", "step": "1"}, format="%Y-%m-%dT%H:%M:%S")
    zone: ZoneInfo | None = None

    def prepare_value(self, value: Any) -> Any:
        """Any: a moment, or what somebody typed."""
        return timezone.make_naive(value, self.zone) if isinstance(value, datetime) and value.tzinfo else value

    def to_python(self, value: Any) -> datetime | None:
        """Any: see above. Raises ValidationError for an hour that the clocks leave out or pass twice."""
        with timezone.override(self.zone):
            return super().to_python(value)


def suggestions(rows: QuerySet[Any]) -> str:
    """The address that knows names of such rows while one is typed (`site-names` for sites); "" where none does."""
    try:
        return reverse(f"{rows.model._meta.model_name}-names")
    except NoReverseMatch:
        return ""


class TypedChoice(forms.ModelChoiceField):
    """One row of very many: typed as one of its names (`by`: columns, the first is what is shown again)."""

    def __init__(self, queryset: QuerySet[Any], *, by: tuple[str, ...], **kwargs: Any) -> None:
        """Any: rows, and what fields take."""
        self.by = by
        names = suggestions(queryset)
        typed = forms.TextInput(attrs={"autocomplete": "off"} | ({"data-suggest": names} if names else {}))
        super().__init__(queryset, widget=typed, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        """Any: a row, its key, or what somebody typed."""
        if isinstance(value, int):
            value = self.queryset.filter(pk=value).first() if self.queryset is not None else None
        if isinstance(value, Model):
            return next((text for name in self.by if (text := getattr(value, name))), value.pk)
        return value

    def to_python(self, value: Any) -> Any:
        """Any: see above. Raises ValidationError when it names none, or several."""
        text = str(value or "").strip()
        if not text or self.queryset is None:
            return None
        named = Q()
        for name in self.by:
            named |= Q(**{f"{name}__iexact": text})
        found = list(self.queryset.filter(named)[:2])
        if not found and text.isdecimal() and len(text) < 19:
            found = list(self.queryset.filter(pk=int(text))[:2])
        if len(found) > 1:
            raise ValidationError(_("Several are called “%(text)s”.") % {"text": text[:60]})
        if not found:
            raise ValidationError(_("There is no “%(text)s”.") % {"text": text[:60]})
        return found[0]


class TypedSeveral(forms.ModelMultipleChoiceField):
    """Several rows of very many: a line each that names one (`by`: a column)."""

    def __init__(self, queryset: QuerySet[Any], *, by: str, **kwargs: Any) -> None:
        """Any: rows, and what fields take."""
        self.by = by
        super().__init__(queryset, widget=forms.Textarea(attrs={"rows": 4}), **kwargs)

    def prepare_value(self, value: Any) -> Any:
        """Any: rows, or what somebody typed."""
        return value if isinstance(value, str) or value is None else "\n".join(getattr(row, self.by) for row in value)

    def clean(self, value: Any) -> Any:
        """Any: what was typed, and the rows. Raises ValidationError where a line names none."""
        assert self.queryset is not None
        lines = {line.strip() for line in str(value or "").splitlines()} - {""}
        if not lines:
            return super().clean([])
        found = self.queryset.filter(**{f"{self.by}__in": lines})
        missing = lines - set(found.values_list(self.by, flat=True))
        if missing:
            raise ValidationError(_("There is no “%(text)s”.") % {"text": min(missing)[:60]})
        return found


def offer(form: forms.BaseForm, name: str, rows: QuerySet[Any], *, by: tuple[str, ...], many: bool = False) -> bool:
    """The rows of a choice: a list to choose from, or where they are MANY a text that names one (then True).

    `many`: somebody knows that already. Any: rows.
    """
    field = form.fields[name]
    assert isinstance(field, forms.ModelChoiceField)
    field.queryset = rows
    if many or rows.order_by()[: MANY + 1].count() > MANY:
        words = ", ".join(str(rows.model._meta.get_field(one).verbose_name) for one in by)
        told = _("One of many: type it (%(words)s).") % {"words": words}
        form.fields[name] = TypedChoice(
            rows, by=by, label=field.label, required=field.required, help_text=f"{field.help_text} {told}".strip()
        )
        return True
    return False


def offer_several(form: forms.BaseForm, name: str, rows: QuerySet[Any], *, by: str) -> None:
    """The same where several may be chosen: ticked, or typed a line each. Any: rows."""
    field = form.fields[name]
    assert isinstance(field, forms.ModelMultipleChoiceField)
    field.queryset = rows
    if rows.order_by()[: MANY + 1].count() > MANY:
        word = rows.model._meta.get_field(by).verbose_name
        told = _("Many: type them, one a line (%(words)s); nothing: all.") % {"words": word}
        form.fields[name] = TypedSeveral(rows, by=by, label=field.label, required=field.required, help_text=told)
