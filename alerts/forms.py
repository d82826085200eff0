"""Forms of the incident, contact and on-call pages."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.db.models import Model
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from alerts.boards import LESS
from alerts.models import AlertSettings, OnCallSchedule, Recipient
from alerts.services.recovery import TOLD_WHILE_WAITING
from alerts.vocabulary import IncidentKind, IncidentState, Severity
from evcms.core.access import Access
from evcms.core.form_fields import offer, offer_several
from evcms.core.forms import zones
from stations.queries import visible_sites

ANY = ("", _("Any"))
SNOOZES = [
    (1, _("1 hour")),
    (4, _("4 hours")),
    (12, _("12 hours")),
    (24, _("1 day")),
    (72, _("3 days")),
    (168, _("1 week")),
]


class BoardFilter(forms.Form):
    state = forms.ChoiceField(
        label=_("State"),
        required=False,
        choices=[("", _("Not resolved")), *((word.value, word.label) for word in IncidentState), ("all", _("All"))],
    )
    severity = forms.ChoiceField(
        label=_("Severity"),
        required=False,
        choices=[ANY, *((str(word.value), word.label) for word in reversed(Severity)), (LESS, _("Below critical"))],
    )
    site: Any = forms.ModelChoiceField(None, label=_("Site"), required=False, empty_label=_("Any"))
    kind = forms.ChoiceField(label=_("Trouble"), required=False, choices=[ANY, *IncidentKind.choices])
    mine = forms.ChoiceField(label=_("Who has it"), required=False, choices=[ANY, ("on", _("I"))])

    def __init__(self, *args: Any, access: Access, **kwargs: Any) -> None:
        """Any: as Django's forms take them."""
        super().__init__(*args, **kwargs)
        offer(self, "site", visible_sites(access).filter(archived_at=None).order_by("name"), by=("name",))

    def wish(self) -> dict[str, str]:
        """What could be read; the rest filters nothing."""
        self.is_valid()
        read = {name: value for name, value in self.cleaned_data.items() if value}
        return {name: str(value.pk) if isinstance(value, Model) else str(value) for name, value in read.items()}


class NoteForm(forms.Form):
    text = forms.CharField(label=_("Note"), max_length=500, widget=forms.Textarea(attrs={"rows": 2}))


class PublicForm(forms.Form):
    public = forms.BooleanField(label=_("On the public status page"), required=False)
    note = forms.CharField(
        label=_("What drivers read"), max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Nothing else of the incident is shown to them. A new text is an update."),
    )  # fmt: skip


class ContactForm(forms.Form):
    email = forms.EmailField(label=_("E-mail"))
    least_severity = forms.TypedChoiceField(
        label=_("From severity"), choices=Severity.choices, coerce=int, initial=Severity.SERIOUS
    )


class ContactEditForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=120)
    least_severity = forms.TypedChoiceField(label=_("From severity"), choices=Severity.choices, coerce=int)
    sites: "forms.ModelMultipleChoiceField[Any]" = forms.ModelMultipleChoiceField(
        None,
        label=_("Only these sites"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None: all of them"),
    )
    quiet_from = forms.TimeField(
        label=_("Quiet from"), required=False, widget=forms.TimeInput(attrs={"type": "time"}),
        help_text=_("Urgent messages come all the same."),
    )  # fmt: skip
    quiet_until = forms.TimeField(
        label=_("Quiet until"), required=False, widget=forms.TimeInput(attrs={"type": "time"})
    )

    def __init__(self, *args: Any, access: Access, **kwargs: Any) -> None:
        """Any: as Django's forms take them."""
        super().__init__(*args, **kwargs)
        offer_several(self, "sites", visible_sites(access).filter(archived_at=None).order_by("name"), by="name")

    def clean(self) -> None:
        super().clean()
        if bool(self.cleaned_data.get("quiet_from")) != bool(self.cleaned_data.get("quiet_until")):
            self.add_error("quiet_until", _("Quiet hours have a beginning and an end."))


class ScheduleForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=80)
    time_zone = forms.ChoiceField(label=_("Time zone"), choices=zones)
    starts_on = forms.DateField(label=_("First day"), widget=forms.DateInput(attrs={"type": "date"}))
    turn_days = forms.IntegerField(label=_("Days a turn"), min_value=1, max_value=366, initial=7)
    hand_over_at = forms.TimeField(
        label=_("Hand-over at"), widget=forms.TimeInput(attrs={"type": "time"}), initial="09:00"
    )


class SwapForm(forms.Form):
    recipient = forms.ChoiceField(label=_("Who stands in"))
    starts_at = forms.CharField(label=_("From"), widget=forms.DateTimeInput(attrs={"type": "datetime-local"}))
    ends_at = forms.CharField(label=_("Until"), widget=forms.DateTimeInput(attrs={"type": "datetime-local"}))

    def __init__(self, *args: Any, contacts: Iterable[Recipient], **kwargs: Any) -> None:
        """Any: as Django's forms take them."""
        super().__init__(*args, **kwargs)
        field = self.fields["recipient"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(str(row.pk), str(row)) for row in contacts]


class PolicyForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=80)
    default = forms.BooleanField(label=_("For all rules that name no other"), required=False)
    least_severity = forms.TypedChoiceField(
        label=_("From severity"), choices=Severity.choices, coerce=int, initial=Severity.SERIOUS
    )
    repeat = forms.IntegerField(label=_("Begins anew, times"), min_value=0, max_value=20, initial=1)


class AlertSettingsForm(forms.ModelForm):
    class Meta:
        model = AlertSettings
        fields = ("automatic_recovery", "announce_days", "status_page", "status_intro")
        help_texts = {
            "automatic_recovery": format_lazy(
                _(
                    "Off: no rule sends anything to a station; people are told at once. On: people are told when it did"
                    " not help, and after {minutes} minutes while it waits for a car. A dangerous fault (current to"
                    " earth, heat) is told at once, and nothing is tried: people look first."
                ),
                minutes=TOLD_WHILE_WAITING.seconds // 60,
            )
        }


def targets(schedules: Iterable[OnCallSchedule], contacts: Iterable[Recipient]) -> list[tuple[str, str]]:
    """What a level of a chain may name: "s7" a rota, "r7" a contact."""
    rotas = [(f"s{row.pk}", str(_("Rota %(name)s")) % {"name": row.name}) for row in schedules]
    return [*rotas, *((f"r{row.pk}", str(row)) for row in contacts)]
