"""Forms of money rules. They only read: services decide and write."""

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from billing.models import BillingSettings
from evcms.core.form_fields import number_of
from evcms.core.money import exponent, to_major


class AmountField(forms.CharField):
    """An amount in major units; clean gives minor units of `currency`."""

    def __init__(self, *, currency: str, **more: Any) -> None:
        super().__init__(max_length=20, **more)
        self.currency = currency
        self.widget.attrs |= {"inputmode": "decimal", "autocomplete": "off", "title": _("An amount such as 4.50.")}

    def clean(self, value: Any) -> int:
        text, wrong = str(super().clean(value)).strip(), _("An amount such as 4.50.")
        if not re.fullmatch(r"[0-9]{1,9}([.,][0-9]{1,3})?", text):
            raise ValidationError(wrong)
        minor = number_of(text, wrong).scaleb(exponent(self.currency))
        if minor != int(minor):
            raise ValidationError(_("This currency has no such small coin."))
        return int(minor)


class RulesForm(forms.Form):
    """Who may give how much back alone, and which cards are let charge."""

    second_person = forms.BooleanField(
        required=False,
        label=_("Large refunds need a second person"),
        help_text=_("Off: everybody in finance gives back any amount alone. Switching it off is logged."),
    )
    refuse_unfunded = forms.BooleanField(
        required=False,
        label=_("Refuse cards without a way to pay"),
        help_text=_("Off: they charge, and the bill stays unpaid until somebody settles it."),
    )

    def __init__(self, *args: Any, rules: BillingSettings, currency: str, **more: Any) -> None:
        def text(minor: int) -> str:
            return f"{to_major(minor, currency):.{exponent(currency)}f}"

        initial = {
            "second_person": rules.second_person,
            "refuse_unfunded": rules.refuse_unfunded,
            "refund_limit_minor": text(rules.refund_limit_minor),
            "most_debt_minor": text(rules.most_debt_minor),
        }
        super().__init__(*args, **more | {"initial": initial})
        self.fields["refund_limit_minor"] = AmountField(
            currency=currency,
            label=_("One person may give back (%(currency)s)") % {"currency": currency},
            help_text=_("Of one payment, all its refunds together."),
        )
        self.fields["most_debt_minor"] = AmountField(
            currency=currency,
            label=_("Open debt that still lets a driver charge (%(currency)s)") % {"currency": currency},
            help_text=_("A driver who owes more is refused until he has paid."),
        )
        self.order_fields(["second_person", "refund_limit_minor", "refuse_unfunded", "most_debt_minor"])
