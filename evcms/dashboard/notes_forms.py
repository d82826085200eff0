"""A note about a station, with photos: from the camera of a phone, or several at once from what is on the device."""

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from stations.services.notes import CAPTION_MAX, PHOTOS_PER_NOTE, TEXT_MAX

KINDS = "image/jpeg,image/png,image/webp"


class Several(forms.ClearableFileInput):
    allow_multiple_selected = True


class Photos(forms.FileField):
    """Any number of files; the service says how many are too many."""

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile]:  # Any: as the field takes them
        sent = data if isinstance(data, list | tuple) else [data] if data else []
        return [super(Photos, self).clean(one, initial) for one in sent]


class NoteForm(forms.Form):
    text = forms.CharField(
        label=_("Note"), required=False, max_length=TEXT_MAX, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("What you saw or did here. Notes are not changed afterwards, only removed."),
    )  # fmt: skip
    taken = Photos(
        label=_("Take a photo"), required=False,
        widget=forms.FileInput(attrs={"accept": KINDS, "capture": "environment"}),
    )  # fmt: skip
    photos = Photos(
        label=_("Photos on this device"), required=False, widget=Several(attrs={"accept": KINDS}),
        help_text=_("JPEG, PNG or WebP, 12 MB each, %(most)d at most; where they were taken is not kept.")
        % {"most": PHOTOS_PER_NOTE},
    )  # fmt: skip
    caption = forms.CharField(
        label=_("What the photos show"), required=False, max_length=CAPTION_MAX,
        help_text=_("Read aloud to who cannot see them."),
    )  # fmt: skip

    def sent(self) -> list[tuple[Any, int]]:
        """Each file and its size, bytes. Any: an open file."""
        found = [*self.cleaned_data["taken"], *self.cleaned_data["photos"]]
        return [(one, one.size or 0) for one in found]
