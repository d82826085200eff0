"""Forms about people."""

from zoneinfo import available_timezones

from allauth.account.forms import ResetPasswordKeyForm
from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from . import mailboxes
from .access import ROLE_LABELS, Permission, Role
from .models import User


def zones() -> list[tuple[str, str]]:
    return [(zone, zone.replace("_", " ")) for zone in sorted(available_timezones()) if "/" in zone or zone == "UTC"]


class MemberForm(forms.Form):
    email = forms.EmailField(label=_("E-mail"))
    role = forms.ChoiceField(
        label=_("Role"), choices=[(role.value, ROLE_LABELS[role]) for role in reversed(Role)], initial=Role.VIEWER.value
    )  # the least first


class TokenForm(forms.Form):
    name = forms.CharField(label=_("What is it for?"), max_length=80)
    scopes = forms.MultipleChoiceField(
        label=_("May"),
        choices=[(permission.value, permission.value) for permission in Permission],
        widget=forms.CheckboxSelectMultiple,
    )
    days = forms.IntegerField(
        label=_("Valid for (days)"), min_value=1, max_value=3650, required=False, help_text=_("Empty: until revoked")
    )


class ProfileForm(forms.ModelForm):
    time_zone = forms.ChoiceField(label=_("Time zone"), required=False, choices=lambda: [("", "—"), *zones()])
    language = forms.ChoiceField(label=_("Language"), required=False, choices=[("", "—"), *settings.LANGUAGES])

    class Meta:
        model = User
        fields = ("name", "time_zone", "language")


class MailedPasswordForm(ResetPasswordKeyForm):
    """A new password behind the mailed link: whoever has the link reads the account's mail."""

    def save(self) -> None:
        super().save()
        mailboxes.opened_a_mailed_link(self.user)
