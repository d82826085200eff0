"""Forms of the incident pages."""

from django import forms
from django.utils.translation import gettext_lazy as _

from alerts.models import OperatorContact


class NoteForm(forms.Form):
    text = forms.CharField(label=_("Note"), max_length=500, widget=forms.Textarea(attrs={"rows": 2}))


class ContactForm(forms.ModelForm):
    class Meta:
        model = OperatorContact
        fields = ("email", "least_severity")
