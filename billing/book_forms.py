"""Forms of the proof, the ledger and of a person's word on a bill. They only read: services decide and write."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext_lazy as _

from billing import services
from billing.models import Bill, Tariff
from billing.vocabulary import BillState, LedgerAccount
from evcms.core import clock
from evcms.core.access import Access
from evcms.core.form_fields import DateText, NumberText

MWH_PER_KWH = 1_000_000


class PeriodForm(forms.Form):
    """Days of the organization's zone, both included; without any this month until today."""

    since = DateText(label=_("From"), required=False)
    until = DateText(label=_("To"), required=False)

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if values.get("since") and values.get("until") and values["since"] > values["until"]:
            self.add_error("until", _("The last day comes before the first."))
        return values

    def days(self, zone: ZoneInfo) -> tuple[date, date]:
        """First and last; what is not said or makes no sense is this month."""
        today = clock.now().astimezone(zone).date()
        said = self.cleaned_data if self.is_bound and self.is_valid() else {}
        until: date = said.get("until") or today
        return said.get("since") or until.replace(day=1), until

    def show_days(self, zone: ZoneInfo) -> None:
        """A form that nobody filled in shows the days that hold."""
        self.initial["since"], self.initial["until"] = (day.isoformat() for day in self.days(zone))

    def span(self, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """[first moment, end)."""
        first, last = self.days(zone)
        return datetime.combine(first, time(), zone), datetime.combine(last + timedelta(days=1), time(), zone)


class LedgerFilter(PeriodForm):
    account = forms.ChoiceField(required=False, label=_("Account"), choices=[("", _("All")), *LedgerAccount.choices])
    kind = forms.ChoiceField(required=False, label=_("What happened"))
    q = forms.CharField(required=False, label=_("Entry, session or payment"), max_length=80)

    def __init__(self, *args: Any, kinds: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["kind"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", _("All")), *[(kind, kind) for kind in kinds]]


class BillFilter(forms.Form):
    state = forms.ChoiceField(required=False, label=_("State"), choices=[("", _("All")), *BillState.choices])


class ResolveForm(forms.Form):
    resolution = forms.ChoiceField(label=_("Decision"), choices=services.Resolution.choices, widget=forms.RadioSelect)
    energy = NumberText(
        required=False, label=_("Energy"), help_text=_("kWh; only when it is corrected"), min_value=Decimal(0),
        max_digits=12, decimal_places=6,
    )  # fmt: skip
    tariff = forms.ModelChoiceField(
        Tariff.objects.none(), required=False, label=_("Tariff"), empty_label=_("as at the start"),
        help_text=_("Only when it is priced anew"),
    )  # fmt: skip
    waive = forms.BooleanField(
        required=False, label=_("Let go what is missing"), help_text=_("Else the driver is asked for it."),
    )  # fmt: skip
    reason = forms.CharField(label=_("Reason"), max_length=160, help_text=_("It stands on the credit note."))

    def __init__(self, *args: Any, access: Access, bill: Bill, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["tariff"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = Tariff.objects.filter(
            organization=access.organization, archived_at=None, currency=bill.currency
        ).order_by("name")

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if values.get("resolution") == services.Resolution.ENERGY and values.get("energy") is None:
            self.add_error("energy", _("Say how much energy it was."))
        return values

    def asked(self) -> dict[str, Any]:
        """Arguments of services.resolve_bill."""
        values = self.cleaned_data
        energy = values["energy"]
        return {
            "resolution": services.Resolution(values["resolution"]),
            "reason": values["reason"],
            "tariff": values["tariff"],
            "energy_mwh": None if energy is None else int(energy * MWH_PER_KWH),
            "ask": not values["waive"],
        }
