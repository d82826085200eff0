"""Forms of the token pages."""

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from evcms.core.form_fields import offer
from evcms.core.models import Organization
from sessions.models import Driver, IdToken
from sessions.vocabulary import TokenStatus


class TokenForm(forms.ModelForm):
    class Meta:
        model = IdToken
        fields = ("value", "label", "type", "status", "expires_at", "group_id", "driver")
        widgets = {"expires_at": forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")}

    def __init__(self, *args: Any, organization: Organization, **kwargs: Any) -> None:
        """Any: as Django's forms take them."""
        super().__init__(*args, **kwargs)
        rows = Driver.objects.filter(organization=organization, erased_at=None)
        offer(self, "driver", rows, by=("email", "name"))
        self.fields["driver"].help_text = _(
            "Who pays: his card, balance or fleet. Without a driver nobody is asked to."
        )

    def _post_clean(self) -> None:
        """The service judges and writes; the form only turns words into values."""


class DriverForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=120)
    email = forms.EmailField(label=_("E-mail"), required=False, help_text=_("Receipts and debts are mailed there."))
    phone = forms.CharField(label=_("Telephone"), max_length=32, required=False)
    language = forms.ChoiceField(
        label=_("Language"), required=False, choices=[("", _("as the network")), *settings.LANGUAGES]
    )


class TokenFilter(forms.Form):
    q = forms.CharField(label=_("Token, label or driver"), required=False)
    status = forms.ChoiceField(label=_("Status"), required=False, choices=[("", _("Any")), *TokenStatus.choices])
