"""The tariff editor's forms: one for the whole, one for each rule. They only read; services decide and write."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext_lazy as _

from evcms.core.form_fields import DateText
from evcms.core.money import exponent

from . import holidays, regions, rows
from .form_fields import ClockText, DecimalText, MinutesText
from .lint_words import Said
from .rows import PRICES, Row
from .terms import DAYS, Element, Idle, Terms, plain

MOST_RULES = 60
DAY_WORDS = (_("Mon"), _("Tue"), _("Wed"), _("Thu"), _("Fri"), _("Sat"), _("Sun"))


def _units() -> forms.ChoiceField:
    return forms.ChoiceField(
        choices=[(rows.MINUTE, _("per minute")), (rows.HOUR, _("per hour"))], required=False, initial=rows.MINUTE
    )


class RuleForm(forms.Form):
    """ "From 07:00 to 19:00 on weekdays: 0.59 € per kWh". What is left empty does not matter."""

    start_time = ClockText(label=_("From"))
    end_time = ClockText(label=_("To"))
    days = forms.MultipleChoiceField(
        label=_("On"), required=False, choices=list(zip(DAYS, DAY_WORDS, strict=True)),
        widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip
    per_kwh = DecimalText(label=_("per kWh"))
    per_time = DecimalText(label=_("while charging"))
    time_unit = _units()
    per_session = DecimalText(label=_("per session"))
    per_idle = DecimalText(label=_("blocking the plug"))
    idle_unit = _units()
    holidays = forms.ChoiceField(
        label=_("Holidays"), required=False,
        choices=[("", _("any day")), ("only", _("only on holidays")), ("never", _("never on holidays"))],
    )  # fmt: skip
    start_date = DateText(label=_("First day"), required=False)
    last_date = DateText(label=_("Last day"), required=False)
    min_kwh = DecimalText(label=_("From (kWh)"))
    max_kwh = DecimalText(label=_("To below (kWh)"))
    min_power = DecimalText(label=_("From (kW)"))
    max_power = DecimalText(label=_("To below (kW)"))
    min_time = MinutesText(label=_("From (minutes)"))
    max_time = MinutesText(label=_("To below (minutes)"))
    tax = DecimalText(label=_("Tax of this rule (%)"))
    step_kwh = forms.IntegerField(label=_("Block of energy (Wh)"), required=False, min_value=1, max_value=1_000_000)
    step_time = forms.IntegerField(label=_("Block of charging (s)"), required=False, min_value=1, max_value=86_400)
    step_idle = forms.IntegerField(label=_("Block of blocking (s)"), required=False, min_value=1, max_value=86_400)

    MORE = (
        "holidays", "start_date", "last_date", "min_kwh", "max_kwh", "min_power", "max_power", "min_time", "max_time",
        "tax", "step_kwh", "step_time", "step_idle",
    )  # fmt: skip

    said: str = ""  # the rule in words; set by who shows it, as are the next two
    findings: Sequence[Said] = ()
    problems: Sequence[str] = ()

    @property
    def more(self) -> list[forms.BoundField]:
        """The fields in the fold."""
        return [self[name] for name in self.MORE]

    @property
    def complaints(self) -> list[str]:
        """Its errors, each with the name of its field."""
        found = []
        for name, errors in self.errors.items():
            label = f"{self[name].label}: " if name in self.fields else ""
            found += [f"{label}{text}" for text in errors]
        return found

    @property
    def blank(self) -> bool:
        """Has nobody said a price yet?"""
        return not any((self.data.get(self.add_prefix(name)) or "").strip() for name in PRICES.values())

    @property
    def more_said(self) -> bool:
        """Is there anything in the fold?"""
        return any(self[name].value() not in (None, "", []) for name in self.MORE)

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if not self.errors and self.blank:
            raise ValidationError(_("Give this rule a price, or remove it."))
        return values

    def element(self, main: Decimal) -> Element:
        """Raises ValueError for what is no rule."""
        return rows.element_of(self.cleaned_data, main)


class TariffForm(forms.Form):
    """What holds for all rules of a tariff."""

    name = forms.CharField(label=_("Name"), max_length=80)
    currency = forms.CharField(label=_("Currency"), max_length=3, widget=forms.TextInput(attrs={"maxlength": 3}))
    tax_percent = DecimalText(label=_("Tax (%)"), help_text=_("A rule may have its own."))
    tax_included = forms.BooleanField(label=_("Prices include tax"), required=False)
    idle_grace = forms.IntegerField(
        label=_("Free minutes"), required=False, min_value=0, max_value=1440,
        help_text=_("After charging ended, to fetch the car. Each time anew."),
    )  # fmt: skip
    idle_cap = DecimalText(label=_("Never more than"), help_text=_("For all blocking of one session. Empty: no limit."))
    pause_from = ClockText(label=_("Pause from"), help_text=_("At night nobody must fetch a car."))
    pause_until = ClockText(label=_("Pause until"))
    min_price = DecimalText(label=_("At least"), help_text=_("For a session with energy, tax included."))
    max_price = DecimalText(label=_("At most"), help_text=_("For a session, tax included. Empty: no limit."))
    hold = DecimalText(label=_("Amount held"), help_text=_("Blocked on the card before the start."))
    holidays_of = forms.CharField(label=_("Holidays of"), required=False, max_length=12, widget=forms.Select)

    AMOUNTS = ("idle_cap", "min_price", "max_price", "hold")

    def __init__(self, *args: Any, countries: frozenset[str] = frozenset(), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["tax_percent"].required = True  # a rate that nobody chose would stand on every receipt
        chosen = str(self["holidays_of"].value() or "")
        widget = self.fields["holidays_of"].widget
        assert isinstance(widget, forms.Select)
        widget.choices = [("", _("no region")), *regions.choices(countries, chosen)]

    def clean_currency(self) -> str:
        text = str(self.cleaned_data["currency"]).upper()
        if not re.fullmatch(r"[A-Z]{3}", text):
            raise ValidationError(_("Three letters, such as EUR."))
        return text

    def clean_tax_percent(self) -> Decimal:
        percent: Decimal | None = self.cleaned_data["tax_percent"]
        if percent is None:
            raise ValidationError(_("Give the rate that holds for you, such as 19; 0 where there is none."))
        return percent

    def clean_holidays_of(self) -> str:
        region = str(self.cleaned_data["holidays_of"])
        if region and not holidays.known(region):
            raise ValidationError(_("The holidays of this region are not known here."))
        return region

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if bool(values.get("pause_from")) != bool(values.get("pause_until")):
            missing = "pause_until" if values.get("pause_from") else "pause_from"
            self.add_error(missing, _("A pause has a beginning and an end."))
        least, most = values.get("min_price"), values.get("max_price")
        if least is not None and most is not None and least > most:
            self.add_error("min_price", _("The smallest price is above the highest."))
        if most is not None and not most:
            self.add_error("max_price", _("Leave it empty for no limit."))
        if (values.get("tax_percent") or 0) >= 100:
            self.add_error("tax_percent", _("A tax of 100 % or more makes no sense."))
        self._coins(values)
        return values

    def _coins(self, values: Mapping[str, Any]) -> None:
        digits = exponent(values.get("currency") or "EUR")
        for name in self.AMOUNTS:
            value = values.get(name)
            if value is not None and value != round(value, digits):
                words = {"currency": values.get("currency"), "n": digits}
                self.add_error(name, _("Amounts in %(currency)s have %(n)s decimals.") % words)

    @property
    def idle(self) -> Idle:
        values = self.cleaned_data
        return Idle(
            grace_minutes=values["idle_grace"] or 0,
            cap=values["idle_cap"],
            pause_from=values["pause_from"],
            pause_until=values["pause_until"],
        )


class ExampleForm(forms.Form):
    """The charge that the example bill is made for."""

    ex_kwh = DecimalText(label=_("kWh"), initial="20")
    ex_minutes = forms.IntegerField(
        label=_("Minutes of charging"), required=False, min_value=0, max_value=10_080, initial=40
    )
    ex_idle = forms.IntegerField(
        label=_("Minutes of blocking"), required=False, min_value=0, max_value=10_080, initial=0
    )
    ex_start = forms.DateTimeField(
        label=_("Begins"), required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )  # fmt: skip

    def charge(self, zone: ZoneInfo, otherwise: date) -> "Charge":
        """What is missing or makes no sense is as the form first had it."""
        self.full_clean()
        values = getattr(self, "cleaned_data", {})
        start = values.get("ex_start")
        local = start.replace(tzinfo=zone) if start else datetime.combine(otherwise, time(12), zone)
        minutes, idle = values.get("ex_minutes"), values.get("ex_idle")
        return Charge(
            energy_mwh=int((values["ex_kwh"] if values.get("ex_kwh") is not None else Decimal(20)).scaleb(6)),
            charging=timedelta(minutes=40 if minutes is None else minutes),
            idle=timedelta(minutes=idle or 0),
            start=local.astimezone(UTC),
        )


@dataclass(frozen=True)
class Charge:
    energy_mwh: int
    charging: timedelta
    idle: timedelta
    start: datetime

    @property
    def average_kw(self) -> Decimal:
        seconds = self.charging // timedelta(seconds=1)
        return Decimal(self.energy_mwh) / 1_000_000 * 3600 / seconds if seconds else Decimal(0)


class Editor:
    """A tariff as it stands in the editor: saved, being typed, or read from a partner's file."""

    def __init__(self, whole: TariffForm, rules: Sequence[RuleForm], charge: ExampleForm) -> None:
        self.whole, self.rules, self.example = whole, list(rules), charge

    @property
    def bound(self) -> bool:
        return self.whole.is_bound

    def valid(self) -> bool:
        """Are all parts complete? Rules that nobody has begun count as incomplete."""
        sound = [form.is_valid() for form in (self.whole, *self.rules)]  # all of them: each shows its errors
        return all(sound)

    @property
    def main_tax(self) -> Decimal:
        """What rules without a rate of their own are taxed with."""
        self.whole.is_valid()
        return self.whole.cleaned_data.get("tax_percent") or Decimal(0)

    def elements(self) -> tuple[Element, ...]:
        """Raises ValueError. Only of complete forms."""
        return tuple(rule.element(self.main_tax) for rule in self.rules)

    def terms(self, *, time_zone: str, holidays: Iterable[str] = (), frozen: bool = False) -> Terms:
        """Raises ValueError."""
        values = self.whole.cleaned_data
        return Terms(
            currency=values["currency"],
            elements=self.elements(),
            tax_included=values["tax_included"],
            min_price=values["min_price"],
            max_price=values["max_price"],
            idle=self.whole.idle,
            time_zone=time_zone,
            holidays=tuple(holidays),
            frozen=frozen,
        )

    def fields(self) -> dict[str, Any]:
        """What services store. Any: JSON and texts."""
        values = self.whole.cleaned_data
        amounts = {name: "" if values[name] is None else plain(values[name]) for name in ("min_price", "max_price")}
        return amounts | {
            "name": values["name"],
            "currency": values["currency"],
            "elements": [element.to_json() for element in self.elements()],
            "idle": self.whole.idle.to_json(),
            "tax_included": values["tax_included"],
            "hold": plain(values["hold"] or Decimal(0)),
            "holidays_of": values["holidays_of"],
        }


def from_terms(
    terms: Terms, *, name: str, hold: str, holidays_of: str, countries: frozenset[str], start: str = ""
) -> Editor:
    """The editor of what is stored or was read from a file."""
    whole = {
        "name": name,
        "currency": terms.currency,
        "tax_percent": plain(rows.main_tax(terms)),
        "tax_included": terms.tax_included,
        "idle_grace": terms.idle.grace_minutes,
        "idle_cap": _text(terms.idle.cap),
        "pause_from": terms.idle.pause_from,
        "pause_until": terms.idle.pause_until,
        "min_price": _text(terms.min_price),
        "max_price": _text(terms.max_price),
        "hold": hold,
        "holidays_of": holidays_of,
    }
    return _bound(
        whole, rows.rows_of(terms), {"ex_kwh": "20", "ex_minutes": "40", "ex_idle": "0", "ex_start": start}, countries
    )


def blank(currency: str, countries: frozenset[str], start: str = "") -> Editor:
    """A new tariff: one price per kWh, to be filled in."""
    whole = {
        "currency": currency, "tax_percent": "", "tax_included": True, "hold": "50", "idle_grace": 15,
    }  # fmt: skip
    example = {"ex_kwh": "20", "ex_minutes": "40", "ex_idle": "0", "ex_start": start}
    return _bound(whole, [{"per_kwh": ""}], example, countries)


def _text(value: Decimal | None) -> str:
    return "" if value is None else plain(value)


def _bound(whole: Row, rules: Sequence[Row], example: Row, countries: frozenset[str]) -> Editor:
    """All forms bound to the same data, as if a browser had sent it: one way to draw, judge and price them."""
    data: MultiValueDict[str, str] = MultiValueDict()
    for name, value in (whole | example | {"rules": len(rules)}).items():
        _put(data, name, value)
    for index, row in enumerate(rules):
        for name, value in row.items():
            _put(data, f"rule-{index}-{name}", value)
    return from_data(data, countries)


def _put(data: MultiValueDict[str, str], name: str, value: Any) -> None:
    """Any: a form's value. An unticked box and an empty list are not sent."""
    if isinstance(value, list):
        data.setlist(name, value)
    elif value is not False and value is not None:
        data[name] = "on" if value is True else str(value)


def from_data(data: Mapping[str, Any], countries: frozenset[str]) -> Editor:
    """Of what a browser sent (a QueryDict)."""
    count = _count(data)
    return Editor(
        TariffForm(data, countries=countries),
        [RuleForm(data, prefix=f"rule-{index}") for index in range(count)],
        ExampleForm(data),
    )


def _count(data: Mapping[str, Any]) -> int:
    text = str(data.get("rules") or "0")
    return min(MOST_RULES, int(text)) if text.isdecimal() and len(text) < 6 else 0


def acted(data: MultiValueDict[str, str], action: str) -> MultiValueDict[str, str]:
    """The sent data after a button of the editor moved its rules about."""
    count = _count(data)
    prefixes = [f"rule-{index}-" for index in range(count)]
    found: list[Row] = [
        {name.removeprefix(prefix): data.getlist(name) for name in data if name.startswith(prefix)}
        for prefix in prefixes
    ]
    after = rows.moved(found, action)[:MOST_RULES]
    made: MultiValueDict[str, str] = MultiValueDict(
        {name: data.getlist(name) for name in data if not re.match(r"rule-\d+-", name)}
    )
    made["rules"] = str(len(after))
    for index, row in enumerate(after):
        for name, values in row.items():
            made.setlist(f"rule-{index}-{name}", values)
    return made
