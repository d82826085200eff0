"""The period and place that insight is asked about."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from billing.models import Tariff
from billing.queries.customers import SEGMENTS
from billing.queries.insight import Scope
from evcms.core.access import Access
from stations.scope_forms import ScopeForm

USUAL_DAYS = 30
SEGMENT_WORDS = {
    "all": _("everybody"), "new": _("new in this period"), "regular": _("2 to 7 sessions"),
    "frequent": _("8 sessions or more"),
}  # fmt: skip


class InsightForm(ScopeForm):
    tariff: Any = forms.ModelChoiceField(None, label=_("Tariff"), required=False, empty_label=_("all tariffs"))
    segment = forms.ChoiceField(
        label=_("Customers"), required=False, choices=[(name, SEGMENT_WORDS[name]) for name in SEGMENTS]
    )

    def __init__(self, *args: Any, access: Access, **kwargs: Any) -> None:
        super().__init__(*args, access=access, **kwargs)
        field = self.fields["tariff"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = Tariff.objects.filter(organization=access.organization)

    def scope(self, usual_days: int = USUAL_DAYS) -> Scope:
        asked = super().scope(usual_days)
        said = self.cleaned_data if self.is_bound and self.is_valid() else {}
        return Scope(asked.access, asked.since, asked.until, asked.site, said.get("tariff"))
