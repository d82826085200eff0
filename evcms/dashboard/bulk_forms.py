"""What each kind of bulk action wants to know before it is confirmed."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from evcms.core import clock
from evcms.core.access import Access
from stations import queries, reported, tagging
from stations.models import BulkKind, FirmwareFile, Site

LOCAL: Final = "%Y-%m-%dT%H:%M"


class BulkForm(forms.Form):
    """Nothing to say."""

    def __init__(self, *args: Any, access: Access, **kwargs: Any) -> None:
        """Any: as Django's forms take them."""
        super().__init__(*args, **kwargs)
        self.access = access


class SiteForm(BulkForm):
    site = forms.ModelChoiceField(Site.objects.none(), label=_("New site"))

    def __init__(self, *args: Any, access: Access, **kwargs: Any) -> None:
        """Any: as Django's forms take them."""
        super().__init__(*args, access=access, **kwargs)
        field = self.fields["site"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = queries.visible_sites(access).filter(archived_at=None).order_by("name")


class FirmwareChoice(forms.ModelChoiceField):
    def label_from_instance(self, obj: FirmwareFile) -> str:
        made_for = " ".join(filter(None, [obj.vendor, obj.model]))
        return f"{obj} ({made_for})" if made_for else str(obj)


class FirmwareForm(BulkForm):
    file = FirmwareChoice(
        FirmwareFile.objects.none(), label=_("Firmware file"), help_text=_("Stations of another model are left out.")
    )

    def __init__(self, *args: Any, access: Access, **kwargs: Any) -> None:
        """Any: as Django's forms take them."""
        super().__init__(*args, access=access, **kwargs)
        field = self.fields["file"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = reported.firmware_files(access)


class VariableForm(BulkForm):
    key = forms.CharField(
        label=_("Key"),
        max_length=160,
        help_text=_("OCPP 1.6: the key; 2.x: Component.Variable, as the station calls it"),
    )
    value = forms.CharField(label=_("Value"), max_length=1000, required=False, strip=False)


class WindowForm(BulkForm):
    title = forms.CharField(label=_("What is done"), max_length=160)
    starts_at = forms.DateTimeField(
        label=_("From"),
        input_formats=[LOCAL],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format=LOCAL),
    )
    ends_at = forms.DateTimeField(
        label=_("Until"),
        input_formats=[LOCAL],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format=LOCAL),
    )

    def __init__(self, *args: Any, access: Access, **kwargs: Any) -> None:
        """Any: as Django's forms take them. Times are the organization's."""
        tomorrow = clock.now().astimezone(ZoneInfo(access.organization.time_zone)) + timedelta(days=1)
        at = tomorrow.replace(hour=8, minute=0, second=0, microsecond=0)
        initial = {"starts_at": at.strftime(LOCAL), "ends_at": at.replace(hour=12).strftime(LOCAL)}
        super().__init__(*args, access=access, initial=initial, **kwargs)

    def clean(self) -> dict[str, Any]:
        """Any: cleaned data. What was typed is of the organization's clock, whatever zone the request runs in."""
        said: dict[str, Any] = super().clean() or {}
        zone = ZoneInfo(self.access.organization.time_zone)
        for name in ("starts_at", "ends_at"):
            if said.get(name):
                said[name] = timezone.make_naive(said[name]).replace(tzinfo=zone)
        return said


class TagForm(BulkForm):
    tags = forms.CharField(
        label=_("Tags"), max_length=400, help_text=_("Free words, such as motorway; several with commas between")
    )


class UntagForm(BulkForm):
    tags = forms.ChoiceField(label=_("Tag"), help_text=_("Stations without it are left as they are."))

    def __init__(self, *args: Any, access: Access, **kwargs: Any) -> None:
        """Any: as Django's forms take them."""
        super().__init__(*args, access=access, **kwargs)
        field = self.fields["tags"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(tag.name, tag.name) for tag in tagging.tags(access)]


FORMS: Final[dict[BulkKind, type[BulkForm]]] = {
    BulkKind.SITE: SiteForm,
    BulkKind.FIRMWARE: FirmwareForm,
    BulkKind.VARIABLE: VariableForm,
    BulkKind.MAINTENANCE: WindowForm,
    BulkKind.TAG: TagForm,
    BulkKind.UNTAG: UntagForm,
}


def form_of(access: Access, kind: BulkKind, data: Mapping[str, Any] | None = None) -> BulkForm:
    """Any: what a browser sent."""
    return FORMS.get(kind, BulkForm)(data, access=access)
