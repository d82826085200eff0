"""Forms of the incident pages."""

from django import forms
from django.utils.translation import gettext_lazy as _

from alerts.vocabulary import Severity


class NoteForm(forms.Form):
    text = forms.CharField(label=_("Note"), max_length=500, widget=forms.Textarea(attrs={"rows": 2}))


class ContactForm(forms.Form):
    email = forms.EmailField(label=_("E-mail"))
    least_severity = forms.TypedChoiceField(
        label=_("From severity"), choices=Severity.choices, coerce=int, initial=Severity.SERIOUS
    )
