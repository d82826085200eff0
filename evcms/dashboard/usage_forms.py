"""What the usage page is asked: days and place, what the week shows, and what it is compared with."""

from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _

from evcms.core.access import Access
from evcms.core.form_fields import offer
from stations.queries import visible_sites
from stations.scope_forms import ScopeForm

MEASURES: Final = {
    "taken": _("Ports taken"),
    "charging": _("Ports charging"),
    "started": _("Sessions begun"),
    "energy_mwh": _("Energy"),
}


class UsageForm(ScopeForm):
    measure = forms.ChoiceField(label=_("The week shows"), required=False, choices=list(MEASURES.items()))
    versus: Any = forms.ModelChoiceField(
        None, label=_("Compared with"), required=False, empty_label=_("the period before")
    )

    def __init__(self, *args: Any, access: Access, **kwargs: Any) -> None:
        super().__init__(*args, access=access, **kwargs)
        rows = visible_sites(access).filter(archived_at=None)
        offer(self, "versus", rows, by=("name",), many=self.many_sites)

    def said(self, name: str) -> Any:
        """What was chosen of the two; None without. Any: a measure's name or a Site."""
        return (self.cleaned_data.get(name) if self.is_bound and self.is_valid() else None) or None
