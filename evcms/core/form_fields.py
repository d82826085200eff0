"""Fields that forms of several apps share."""

from django import forms


class DateText(forms.DateField):
    """A day, with the browser's calendar."""

    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
