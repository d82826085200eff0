"""Forms of accounts, vouchers and statements. They only read: services decide and write."""

from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from billing.form_fields import DecimalText
from billing.models import Account
from billing.vocabulary import AccountKind
from evcms.core.access import Access
from evcms.core.form_fields import DateText, offer
from evcms.core.money import to_major, to_minor
from sessions.models import Driver, DriverGroup, IdToken
from stations.queries import visible_sites

PUT, TAKE = "put", "take"
NOT_FOR = {  # what makes no sense for a kind of account
    AccountKind.PREPAID: ("limit_minor", "payment_days", "reason"),
    AccountKind.FLEET: ("reason",),
    AccountKind.FREE: (
        "limit_minor",
        "payment_days",
        "legal_name",
        "address",
        "country",
        "vat_id",
        "email",
        "language",
    ),
}
NEEDED = {AccountKind.PREPAID: (), AccountKind.FLEET: ("legal_name",), AccountKind.FREE: ("reason",)}


class MoneyText(DecimalText):
    """An amount in major units → minor units of the form's currency; None when empty."""

    currency = "EUR"

    def clean(self, value: Any) -> int | None:
        """What must be said is refused when empty by the form; None here."""
        amount = super().clean(value)
        return None if amount is None else to_minor(amount, self.currency)


class _MoneyForm(forms.Form):
    """Its MoneyText fields count in `currency`."""

    def __init__(self, *args: Any, currency: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            if isinstance(field, MoneyText):
                field.currency = currency
                field.help_text = f"{field.help_text} ({currency})".strip()


class AccountForm(_MoneyForm):
    kind = forms.ChoiceField(label=_("How it pays"), choices=AccountKind.choices)
    name = forms.CharField(label=_("Name"), max_length=120)
    legal_name = forms.CharField(label=_("Legal name"), max_length=200, required=False)
    address = forms.CharField(label=_("Address"), required=False, widget=forms.Textarea(attrs={"rows": 3}))
    country = forms.CharField(label=_("Country"), max_length=2, required=False, help_text=_("Two letters, such as NL"))
    vat_id = forms.CharField(label=_("VAT id"), max_length=32, required=False)
    email = forms.EmailField(label=_("E-mail"), required=False, help_text=_("Statements go there"))
    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)
    payment_days = forms.IntegerField(label=_("Days to pay"), min_value=0, max_value=365, initial=14, required=False)
    limit_minor = MoneyText(label=_("Limit"), help_text=_("Most that may be unpaid; empty: no limit"))
    reason = forms.CharField(
        label=_("Why it is free"), max_length=160, required=False, help_text=_("Stands on every bill")
    )

    def __init__(self, *args: Any, account: Account | None = None, currency: str, **kwargs: Any) -> None:
        if account is not None:
            kwargs["initial"] = {name: getattr(account, name) for name in self.base_fields}
            limit = account.limit_minor
            kwargs["initial"]["limit_minor"] = "" if limit is None else to_major(limit, account.currency)
        super().__init__(*args, currency=currency, **kwargs)
        said = str((self.data if self.is_bound else self.initial).get("kind", ""))
        kind = AccountKind(account.kind if account else said if said in AccountKind else AccountKind.PREPAID)
        if account is not None:
            del self.fields["kind"]
        else:
            self.fields["kind"].widget = forms.HiddenInput()
        for name in NOT_FOR[kind]:
            del self.fields[name]
        for name in NEEDED[kind]:
            self.fields[name].required = True
        self.chosen = kind

    def clean_country(self) -> str:
        return str(self.cleaned_data["country"]).upper()

    def clean_kind(self) -> str:
        return str(self.chosen)

    def clean_payment_days(self) -> int:
        days = self.cleaned_data["payment_days"]
        return 14 if days is None else int(days)


class AdjustForm(_MoneyForm):
    direction = forms.ChoiceField(
        label=_("What"), choices=[(PUT, _("put on the balance")), (TAKE, _("take off the balance"))]
    )
    amount = MoneyText(label=_("Amount"))
    reason = forms.CharField(label=_("Why"), max_length=160, help_text=_("Such as: paid in cash, 12 March"))
    key = forms.CharField(widget=forms.HiddenInput, max_length=64)

    def clean(self) -> dict[str, Any]:
        """`amount`: signed."""
        values = super().clean() or {}
        if not values.get("amount") and "amount" not in self.errors:
            self.add_error("amount", _("An amount above 0."))
        elif values.get("direction") == TAKE and values.get("amount"):
            values["amount"] = -values["amount"]
        return values


TELL_APART: dict[str, Callable[[Any], str]] = {  # names repeat; Any: a row of that kind
    "token": lambda row: f"{row.label} · {row.value}" if row.label else row.value,
    "driver": lambda row: " · ".join(part for part in (row.name, row.email) if part) or str(row),
    "group": str,
}


NAMED_BY = {"token": ("value", "label"), "driver": ("email", "name"), "group": ("name",)}


class DrawForm(forms.Form):
    """Who draws on an account: exactly one of the three."""

    token = forms.ModelChoiceField(IdToken.objects.none(), label=_("Token"), required=False, empty_label="–")
    driver = forms.ModelChoiceField(Driver.objects.none(), label=_("Driver"), required=False, empty_label="–")
    group = forms.ModelChoiceField(DriverGroup.objects.none(), label=_("Group"), required=False, empty_label="–")

    def __init__(self, *args: Any, access: Access, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        ours = {"organization": access.organization}
        offers = {
            "token": IdToken.objects.filter(guest=False, **ours).order_by("label", "value"),
            "driver": Driver.objects.filter(erased_at=None, **ours).order_by("name", "email"),
            "group": DriverGroup.objects.filter(**ours),
        }
        for name, rows in offers.items():
            offer(self, name, rows, by=NAMED_BY[name])
            self.fields[name].label_from_instance = TELL_APART[name]  # type: ignore[attr-defined]


class VoucherForm(_MoneyForm):
    count = forms.IntegerField(label=_("How many"), min_value=1, max_value=1000, initial=1)
    value = MoneyText(label=_("Worth each"))
    label = forms.CharField(label=_("What for"), max_length=80, required=False)
    site: Any = forms.ModelChoiceField(None, label=_("Only at"), required=False, empty_label=_("all sites"))
    valid_until = DateText(label=_("Valid until"), required=False, help_text=_("Including this day; empty: for ever"))
    sold = forms.BooleanField(
        label=_("They were paid for"), required=False, help_text=_("Then they are owed until used, not given away")
    )

    def __init__(self, *args: Any, access: Access, **kwargs: Any) -> None:
        super().__init__(*args, currency=access.organization.currency, **kwargs)
        self.zone = ZoneInfo(access.organization.time_zone)
        self.fields["value"].required = True
        offer(self, "site", visible_sites(access).filter(archived_at=None), by=("name",))

    def clean_value(self) -> int:
        return int(self.cleaned_data["value"] or 0)

    def clean_valid_until(self) -> datetime | None:
        day = self.cleaned_data["valid_until"]
        return datetime.combine(day + timedelta(days=1), time(), self.zone) if day else None


class TransferForm(_MoneyForm):
    amount = MoneyText(label=_("Amount that arrived"))
    reference = forms.CharField(label=_("Reference of the transfer"), max_length=60)

    def clean_amount(self) -> int:
        return int(self.cleaned_data["amount"] or 0)
