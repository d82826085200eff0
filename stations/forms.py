"""Forms of this room's pages. They turn words into values; the services judge and write."""

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from evcms.core import countries
from evcms.core.access import Access
from evcms.core.form_fields import offer
from evcms.core.forms import zones
from evcms.core.seen import SEEN, Merging
from evcms.core.sheets import XLSX_TYPE
from stations import queries, tagging
from stations.choices import StationChoice, by_name
from stations.models import (
    Connector,
    FirmwareFile,
    MaintenanceWindow,
    PlugType,
    PowerType,
    Rhythm,
    Site,
    Station,
)
from stations.services.configuration import SITE_FIELDS, STATION_FIELDS
from stations.table import MOST_BYTES
from stations.vocabulary import SecurityProfile

NOTES = "access_notes_in_"  # and a language's code


class Judged(forms.ModelForm):
    """A model form without the model's checks: the service makes them, and its sentences come back to the fields."""

    def _post_clean(self) -> None:
        """Nothing here."""


def own_sites(access: Access, field: forms.Field) -> None:
    """Limits a choice of sites to those that the person sees and that stand."""
    assert isinstance(field, forms.ModelChoiceField)
    field.queryset = queries.visible_sites(access).filter(archived_at=None)


class SiteForm(Merging, Judged):
    country = forms.ChoiceField(label=_("Country"))
    time_zone = forms.ChoiceField(label=_("Time zone"), choices=zones)

    class Meta:
        model = Site
        fields = tuple(name for name in SITE_FIELDS if name != "access_notes_in")
        widgets = {"access_notes": forms.Textarea(attrs={"rows": 3})}
        help_texts = {
            "opening_hours": _("Such as Mo-Fr 06:00-22:00; Sa 08:00-18:00. Other days are closed; empty: always open.")
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Any: as Django's forms take them. A text of its own for each language that drivers read."""
        super().__init__(*args, **kwargs)
        countries.offer(self.fields["country"], self.initial.get("country", ""))
        for code, name in settings.LANGUAGES:
            self.fields[f"{NOTES}{code}"] = forms.CharField(
                label=name, required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 2, "lang": code}),
                initial=self.instance.access_notes_in.get(code, ""),
            )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        """Any: values of fields."""
        said = dict(self.cleaned_data)
        texts = {code: said.pop(f"{NOTES}{code}", "") for code, _name in settings.LANGUAGES}
        return said | {"access_notes_in": {code: text for code, text in texts.items() if text}}

    def mine(self) -> dict[str, Any]:
        """Any: cleaned values. Of the notes in languages each is a field of its own."""
        changed = self.changed()
        if changed is None:
            return {name: value for name, value in self.cleaned_data.items() if name != SEEN}
        kept = {code: text for code, text in self.instance.access_notes_in.items() if f"{NOTES}{code}" not in changed}
        texts = {name.removeprefix(NOTES) for name in changed if name.startswith(NOTES)}
        said = self.cleaned_data["access_notes_in"]
        notes = kept | {code: said[code] for code in texts if code in said}
        values = {name: value for name, value in self.cleaned_data.items() if name in changed}
        return values | ({"access_notes_in": notes} if texts else {})

    @property
    def facts(self) -> list[forms.BoundField]:
        return [bound for bound in self if not bound.name.startswith(NOTES) and not bound.is_hidden]

    @property
    def translations(self) -> list[forms.BoundField]:
        return [bound for bound in self if bound.name.startswith(NOTES)]


class StationForm(Merging, Judged):
    tags = forms.CharField(
        label=_("Tags"), required=False, max_length=900, help_text=_("Free words to find it by; commas between")
    )

    class Meta:
        model = Station
        fields = STATION_FIELDS

    def __init__(self, *args: Any, access: Access, **kwargs: Any) -> None:
        """Any: as Django's forms take them."""
        super().__init__(*args, **kwargs)
        own_sites(access, self.fields["site"])
        self.fields["site"].required = not access.all_sites
        if self.instance.pk:
            self.initial["tags"] = tagging.written(self.instance)

    def clean_tags(self) -> list[str]:
        return tagging.read(self.cleaned_data["tags"])

    def fields_alone(self) -> dict[str, Any]:
        """Any: cleaned values of the station's own fields."""
        return {name: value for name, value in self.mine().items() if name != "tags"}


class ConnectorForm(forms.Form):
    """One line of a station's connectors; an empty line counts for nothing."""

    evse = forms.IntegerField(label=_("EVSE"), min_value=1, max_value=999, required=False)
    connector = forms.IntegerField(label=_("Connector"), min_value=1, max_value=99, required=False, initial=1)
    plug = forms.ChoiceField(label=_("Plug"), choices=PlugType.choices, initial=PlugType.IEC_62196_T2)
    power_type = forms.ChoiceField(label=_("Current"), choices=PowerType.choices, initial=PowerType.AC_3_PHASE)
    max_power_w = forms.IntegerField(
        label=_("Maximum power (W)"), min_value=1, max_value=10_000_000, required=False, initial=22_000
    )
    cable = forms.BooleanField(label=_("Cable attached"), required=False)
    evse_id = forms.CharField(label=_("EVSE id"), max_length=48, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Any: as Django's forms take them. In the table the column's head is the label; a reader hears it here."""
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs["aria-label"] = field.label

    def clean(self) -> dict[str, Any]:
        """Who says what plug it is says what it gives: our guess would else be told as a fact. Any: cleaned values."""
        values = super().clean() or {}
        told = values.get("evse") and values.get("plug") != PlugType.UNKNOWN
        if told and values.get("max_power_w") is None and "max_power_w" not in self.errors:
            self.add_error("max_power_w", _("What can it give at most?"))
        return values

    @staticmethod
    def values_of(connector: Connector) -> dict[str, object]:
        return {
            "evse": connector.evse.number,
            "connector": connector.number,
            "plug": connector.plug,
            "power_type": connector.power_type,
            "max_power_w": connector.told_power_w,
            "cable": connector.cable,
            "evse_id": connector.evse.evse_id,
        }


ConnectorFormSet = forms.formset_factory(ConnectorForm, extra=2, max_num=64, absolute_max=64)


class PasswordChoice(forms.Form):
    """How a station gets its password."""

    how = forms.ChoiceField(
        label=_("Password"),
        choices=[("make", _("Make a new one (shown once)")), ("own", _("Use the one below"))],
        initial="make",
        widget=forms.RadioSelect,
    )
    password = forms.CharField(
        label=_("Own password"), required=False, max_length=64, strip=False, help_text=_("16 to 64 plain characters.")
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}  # Any: Django's cleaned data
        if cleaned.get("how") == "own" and not cleaned.get("password"):
            self.add_error("password", _("Give a password, or let us make one."))
        return cleaned

    def chosen(self) -> str | None:
        """The person's own password; None when we make one."""
        return self.cleaned_data["password"] if self.cleaned_data["how"] == "own" else None


class ApprovalForm(PasswordChoice):
    """An unknown station becomes ours: where it stands and how it proves who it is."""

    site = forms.ModelChoiceField(Site.objects.none(), label=_("Site"))
    name = forms.CharField(label=_("Name"), max_length=120, required=False)
    security_profile = forms.TypedChoiceField(
        label=_("Security profile"), choices=SecurityProfile.choices, coerce=int, initial=SecurityProfile.BASIC
    )
    field_order = ("site", "name", "security_profile", "how", "password")

    def __init__(self, *args: Any, access: Access, **kwargs: Any) -> None:
        """Any: as Django's forms take them."""
        super().__init__(*args, **kwargs)
        own_sites(access, self.fields["site"])
        modes = [("none", _("None for now")), *self.fields["how"].choices]  # type: ignore[attr-defined]
        self.fields["how"].choices = modes  # type: ignore[attr-defined]


class MaintenanceForm(Judged):
    """Times are in the zone that the person reads; a rhythm then holds by the wall clock of the place."""

    again = forms.ChoiceField(
        label=_("How often"),
        choices=[("", _("once")), *Rhythm.choices],
        required=False,
        initial="",
        help_text=_(
            "What comes again begins at this hour by the clock of the place. Its windows are made some weeks ahead; "
            "each of them can be moved or called off."
        ),
    )
    every = forms.IntegerField(
        label=_("Every … weeks or months"),
        min_value=1,
        max_value=12,
        initial=1,
        required=False,
        help_text=_("Only for what comes again: 2 is every other week or month."),
    )
    ends_on = forms.DateField(
        label=_("Last day"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=_("Only for what comes again. Empty: until you end it."),
    )

    class Meta:
        model = MaintenanceWindow
        fields = ("title", "site", "station", "starts_at", "ends_at", "note")
        field_classes = {"station": StationChoice}
        widgets = {
            "starts_at": forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
            "ends_at": forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
            "note": forms.Textarea(attrs={"rows": 3}),
        }
        help_texts = {
            "title": _("Anybody can read it: on the status page and in the calendar."),
            "site": _("Empty, and no station: the whole network"),
            "station": _("Only this one"),
            "note": _("Drivers read it on the map and at the connector."),
        }

    def __init__(self, *args: Any, access: Access, **kwargs: Any) -> None:
        """Any: as Django's forms take them."""
        super().__init__(*args, **kwargs)
        own_sites(access, self.fields["site"])
        offer(self, "station", by_name(queries.stations(access)), by=("identity", "name"))
        if not access.all_sites:
            self.fields["site"].help_text = _("All stations of this site")


class ChangeForm(Judged):
    """A window that is planned or runs: its words and times."""

    class Meta:
        model = MaintenanceWindow
        fields = ("title", "starts_at", "ends_at", "note")
        widgets = MaintenanceForm.Meta.widgets
        help_texts = MaintenanceForm.Meta.help_texts


class ImportForm(forms.Form):
    file = forms.FileField(
        label=_("CSV or XLSX file"), allow_empty_file=True, error_messages={"required": _("Choose the file.")},
        widget=forms.FileInput(attrs={"accept": f".csv,.xlsx,{XLSX_TYPE}"}),
    )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        """`content`: the table's bytes, one more than allowed at most, so that the service sees when it is too much."""
        cleaned: dict[str, Any] = super().clean() or {}  # Any: Django's cleaned data
        if cleaned.get("file") is not None:
            cleaned["content"] = bytes(cleaned["file"].read(MOST_BYTES + 1))
        return cleaned


class FirmwareForm(forms.ModelForm[FirmwareFile]):
    """A file, or the address where it lies."""

    file = forms.FileField(label=_("File"), required=False, help_text=_("Or, when it lies elsewhere, its address"))

    class Meta:
        model = FirmwareFile
        fields = ("name", "version", "vendor", "model", "url", "md5", "signature", "certificate")
        labels = {"md5": _("MD5 checksum")}
        help_texts = {"md5": _("Of a file that lies elsewhere; only publishing locally needs it")}
        widgets = {"certificate": forms.Textarea(attrs={"rows": 3})}

    field_order = ("name", "version", "file", "url", "vendor", "model")
