"""Forms of card readers. They only read: services decide and write."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from billing.gateways.base import Reader
from evcms.core.access import Access
from evcms.core.form_fields import offer
from stations.choices import StationChoice, by_name
from stations.models import Site, Station
from stations.queries import stations, visible_sites


class PlaceForm(forms.Form):
    """A name and one place: a station, or a whole site."""

    label = forms.CharField(label=_("Name"), max_length=80, required=False, help_text=_("Such as: Kade, by the stairs"))
    station = StationChoice(
        Station.objects.none(), required=False, label=_("At one station"), empty_label="–",
        help_text=_("It serves this station's plugs only."),
    )  # fmt: skip
    site = forms.ModelChoiceField(
        Site.objects.none(), required=False, label=_("For a whole site"), empty_label="–",
        help_text=_("It serves every station there that has no reader of its own."),
    )  # fmt: skip

    def __init__(self, *args: Any, access: Access, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "station", by_name(stations(access)), by=("identity", "name"))
        offer(self, "site", visible_sites(access).filter(archived_at=None), by=("name",))

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if bool(values.get("station")) == bool(values.get("site")) and not {"station", "site"} & set(self.errors):
            self.add_error("station", _("Choose one of the two: a station or a site."))
        return values


class ReaderForm(PlaceForm):
    """A new reader: one that the provider knows already, or the words on a new one's screen."""

    reader = forms.ChoiceField(required=False, label=_("A reader of your account"))
    code = forms.CharField(
        label=_("Or: the registration code on its screen"), max_length=80, required=False,
        help_text=_("Three words that a new reader shows under Settings → Generate pairing code."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"}),
    )  # fmt: skip
    field_order = ("reader", "code", "label", "station", "site")

    def __init__(self, *args: Any, offered: list[Reader], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["reader"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", "–"), *[(each.reader_id, _named(each)) for each in offered]]
        if not offered:
            field.help_text = _("The provider has none that stands nowhere yet.")

    def clean(self) -> dict[str, Any]:
        values = super().clean()
        if bool(values.get("reader")) == bool(values.get("code")) and "reader" not in self.errors:
            self.add_error("reader", _("Choose a reader, or type a registration code."))
        return values


def _named(reader: Reader) -> str:
    return " · ".join(part for part in (reader.label, reader.device.replace("_", " "), reader.serial) if part)
