"""The period and place that an analysis is asked about."""

from datetime import datetime, time, timedelta
from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _

from evcms.core import clock
from evcms.core.access import Access
from evcms.core.form_fields import DateText, offer
from stations.queries import visible_sites
from stations.scope import Scope

USUAL_DAYS: Final = 28  # whole weeks: as many Sundays as Mondays
MOST_DAYS: Final = 3 * 366


class ScopeForm(forms.Form):
    """GET form; `scope()` answers always, with the usual days where nothing (or nonsense) was said."""

    since = DateText(label=_("From"), required=False)
    until = DateText(label=_("To"), required=False)
    site: Any = forms.ModelChoiceField(None, label=_("Site"), required=False, empty_label=_("all sites"))

    def __init__(self, *args: Any, access: Access, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.access = access
        self.many_sites = offer(self, "site", visible_sites(access).filter(archived_at=None), by=("name",))

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
        said = self.cleaned_data if self.is_bound and self.is_valid() else {}
        found = Scope(self.access, clock.now(), clock.now(), said.get("site"))
        last = said.get("until") or found.until.astimezone(found.zone).date()
        first = said.get("since") or last - timedelta(days=usual_days - 1)
        days = {"since": first.isoformat(), "until": last.isoformat()}
        self.initial.update(days)  # nobody said: the form shows them
        if self.is_bound:
            shown: Any = self.data  # Any: a QueryDict, which Django calls a mapping
            self.data = shown = shown.copy()
            shown.update({name: day for name, day in days.items() if not shown.get(name)})
        since = datetime.combine(first, time(), found.zone)
        return Scope(self.access, since, datetime.combine(last + timedelta(days=1), time(), found.zone), found.site)
