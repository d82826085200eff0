"""The period and place that insight is asked about."""

from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext_lazy as _

from billing.form_fields import DateText
from billing.models import Tariff
from billing.queries.customers import SEGMENTS
from billing.queries.insight import Scope
from evcms.core import clock
from evcms.core.access import Access
from stations.queries import visible_sites

USUAL_DAYS = 30
MOST_DAYS = 3 * 366
SEGMENT_WORDS = {
    "all": _("everybody"), "new": _("new in this period"), "regular": _("2 to 7 sessions"),
    "frequent": _("8 sessions or more"),
}  # fmt: skip


class InsightForm(forms.Form):
    since = DateText(label=_("From"), required=False)
    until = DateText(label=_("To"), required=False)
    site: Any = forms.ModelChoiceField(None, label=_("Site"), required=False, empty_label=_("all sites"))
    tariff: Any = forms.ModelChoiceField(None, label=_("Tariff"), required=False, empty_label=_("all tariffs"))
    segment = forms.ChoiceField(
        label=_("Customers"), required=False, choices=[(name, SEGMENT_WORDS[name]) for name in SEGMENTS]
    )

    def __init__(self, *args: Any, access: Access, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.access = access
        offers = {
            "site": visible_sites(access).filter(archived_at=None),
            "tariff": Tariff.objects.filter(organization=access.organization),
        }
        for name, rows in offers.items():
            field = self.fields[name]
            assert isinstance(field, forms.ModelChoiceField)
            field.queryset = rows

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        since, until = values.get("since"), values.get("until")
        if since and until and until < since:
            self.add_error("until", _("The end comes before the beginning."))
        elif since and until and (until - since).days > MOST_DAYS:
            self.add_error("since", _("At most three years at once."))
        return values

    def scope(self, usual_days: int = USUAL_DAYS) -> Scope:
        """What is asked; the last `usual_days`, today included, where nothing (or nonsense) is."""
        zone = ZoneInfo(self.access.organization.time_zone)
        said = self.cleaned_data if self.is_bound and self.is_valid() else {}
        last = said.get("until") or clock.now().astimezone(zone).date()
        first = said.get("since") or last - timedelta(days=usual_days - 1)
        self.initial.update(since=first.isoformat(), until=last.isoformat())  # nobody said: the form shows them
        return Scope(
            access=self.access,
            since=datetime.combine(first, time(), zone),
            until=datetime.combine(last + timedelta(days=1), time(), zone),
            site=said.get("site"),
            tariff=said.get("tariff"),
        )
