"""Two windows on one row: who saves stores what he changed, and undoes nothing of what a colleague did meanwhile."""

import json
from typing import Any, Final

from django import forms
from django.utils.translation import gettext as _

SEEN: Final = "seen"


class Merging(forms.BaseModelForm):
    """A form of a row that remembers, in a hidden field, what its reader had before his eyes. Mixed in before Django's
    own class. Without that field (another program posts) everything counts as changed.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Any: as Django's forms take them."""
        super().__init__(*args, **kwargs)
        if self.instance.pk:  # of a new one nobody has seen anything
            self.fields[SEEN] = forms.CharField(required=False, widget=forms.HiddenInput, initial=self._shown)

    def full_clean(self) -> None:
        """Refuses a field that a colleague and the reader changed into different words."""
        super().full_clean()
        changed = self.changed() if self.is_bound else None
        if not changed or not hasattr(self, "cleaned_data"):
            return
        seen = self._seen() or {}
        for name in changed & seen.keys():
            now = self._text(name, self.get_initial_for_field(self.fields[name], name))
            if now not in (seen[name], self._posted(name)):
                self.add_error(name, _("Somebody else changed this meanwhile, to: %(now)s") % {"now": now or "–"})

    def changed(self) -> set[str] | None:
        """The fields that the reader changed; None: nobody knows what he saw."""
        seen = self._seen()
        if seen is None:
            return None
        return {name for name in self.fields if name != SEEN and self._posted(name) != seen.get(name)}

    def mine(self) -> dict[str, Any]:
        """What is to be stored. Any: cleaned values."""
        values = {name: value for name, value in self.cleaned_data.items() if name != SEEN}
        changed = self.changed()
        return values if changed is None else {name: value for name, value in values.items() if name in changed}

    def _shown(self) -> str:
        initial = {name: self.get_initial_for_field(field, name) for name, field in self.fields.items() if name != SEEN}
        return json.dumps({name: self._text(name, value) for name, value in initial.items()})

    def _seen(self) -> dict[str, str] | None:
        try:
            found = json.loads(self.data.get(self.add_prefix(SEEN), ""))
        except ValueError:
            return None
        return found if isinstance(found, dict) else None

    def _posted(self, name: str) -> str:
        widget = self.fields[name].widget
        return self._text(name, widget.value_from_datadict(self.data, self.files, self.add_prefix(name)), raw=True)

    def _text(self, name: str, value: Any, *, raw: bool = False) -> str:
        """As the field shows it, or (`raw`) as a browser sends it. Any: a value of the field."""
        field = self.fields[name]
        if isinstance(field.widget, forms.CheckboxInput):
            return "on" if value else ""
        shown = field.widget.format_value(value if raw else field.prepare_value(value))
        if isinstance(shown, list | tuple):
            shown = ",".join(map(str, shown))
        return "" if shown is None else str(shown).replace("\r\n", "\n").strip()
