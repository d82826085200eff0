"""The form of an exception: a person's words to a Draft and back."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from alerts import schedule
from alerts.catalogue import CATALOGUE, Scope, Span
from alerts.models import EscalationPolicy, Rule
from alerts.services.rules import Draft
from alerts.vocabulary import IncidentKind, RecoveryKind, Severity
from evcms.core.access import Access
from evcms.core.form_fields import offer
from stations.choices import StationChoice, by_name
from stations.queries import stations, visible_sites

AS_USUAL = [("", _("as usual"))]


class RuleForm(forms.Form):
    """Fields that a kind has not are left out. Empty fields stay as the catalogue says."""

    site: "forms.ModelChoiceField[Any]" = forms.ModelChoiceField(
        None, label=_("Site"), required=False, empty_label=_("every")
    )
    model = forms.ChoiceField(label=_("Model"), required=False)
    station = StationChoice(None, label=_("Station"), required=False, empty_label=_("every"))
    enabled = forms.BooleanField(label=_("This is trouble here"), required=False, initial=True)
    threshold = forms.IntegerField(required=False, min_value=1)
    duration_s = forms.IntegerField(required=False, min_value=0, max_value=30 * 86_400)
    severity = forms.TypedChoiceField(
        label=_("Severity"), required=False, choices=[*AS_USUAL, *Severity.choices], coerce=int, empty_value=None
    )
    times = forms.CharField(
        label=_("Only at these times"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "placeholder": "Mo-Fr 08:00-18:00"}),
        help_text=_("On the site's clock, one line each, such as Mo-Fr 22:00-06:00. Empty: always."),
    )
    own_steps = forms.BooleanField(label=_("Other automatic steps than usual"), required=False)
    steps = forms.MultipleChoiceField(
        label=_("Automatic steps"), required=False, choices=RecoveryKind.choices, widget=forms.CheckboxSelectMultiple
    )
    tries = forms.IntegerField(label=_("Automatic tries a day"), min_value=0, max_value=10, initial=2)
    interrupts = forms.BooleanField(label=_("A restart at once may interrupt a session"), required=False)
    policy = forms.ChoiceField(label=_("Told by"), required=False)

    def __init__(self, *args: Any, kind: IncidentKind, access: Access, **more: Any) -> None:
        """Any: as Django's forms take it."""
        super().__init__(*args, **more)
        self.kind, trouble = kind, CATALOGUE[kind]
        self._choose(access)
        for name, scope in (("site", Scope.SITE), ("model", Scope.MODEL), ("station", Scope.STATION)):
            if scope not in trouble.scopes:
                del self.fields[name]
        if trouble.threshold is None:
            del self.fields["threshold"]
        else:
            self.fields["threshold"].label = _("From (%(unit)s)") % {"unit": trouble.unit}
            self.fields["threshold"].widget.attrs["placeholder"] = str(trouble.threshold)
        if not trouble.found:
            if not trouble.duration_s:
                del self.fields["duration_s"]
            self.fields["times"].help_text = _(
                "On the site's clock, one line each, such as Mo-Fr 22:00-06:00."
                " What happens at other times opens nothing."
            )
        if "duration_s" not in self.fields:
            return
        words = _("Within (seconds)") if trouble.span == Span.WITHIN else _("For at least (seconds)")
        self.fields["duration_s"].label = words
        self.fields["duration_s"].widget.attrs["placeholder"] = str(trouble.duration_s)

    def _choose(self, access: Access) -> None:
        there = by_name(stations(access))
        offer(self, "site", visible_sites(access).filter(archived_at=None), by=("name",))
        offer(self, "station", there, by=("identity", "name"))
        models = sorted(set(there.order_by().exclude(model="").values_list("model", flat=True)))
        chains = EscalationPolicy.objects.filter(organization=access.organization).order_by("name")
        every = [("", _("every"))]
        choices: dict[str, list[tuple[Any, Any]]] = {  # Any: value and lazy text
            "model": [*every, *((model, model) for model in models)],
            "policy": [*AS_USUAL, *((str(row.pk), row.name) for row in chains)],
        }
        for name, rows in choices.items():
            self.fields[name].choices = rows  # type: ignore[attr-defined]

    def clean_times(self) -> list[dict[str, Any]]:
        """Any: entries of a schedule."""
        try:
            return schedule.parse(self.cleaned_data["times"])
        except ValueError as error:
            raise forms.ValidationError(
                _("This line is no time: %(line)s. Write it as Mo-Fr 08:00-18:00.") % {"line": error}
            ) from None

    def draft(self) -> Draft:
        said = self.cleaned_data
        return Draft(
            kind=self.kind,
            site_id=said["site"].pk if said.get("site") else None,
            station_id=said["station"].pk if said.get("station") else None,
            model=said.get("model", ""),
            enabled=said["enabled"],
            threshold=said.get("threshold"),
            duration_s=said.get("duration_s"),
            severity=said["severity"],
            schedule=said["times"],
            recovery=said["steps"] if said["own_steps"] else None,
            recovery_tries=said["tries"],
            interrupts=said["interrupts"],
            policy=EscalationPolicy.objects.filter(pk=said["policy"]).first() if said["policy"] else None,
        )


def initial(rule: Rule) -> dict[str, Any]:
    """Any: values of the form's fields."""
    return {
        "site": rule.site_id or "",
        "model": rule.station_model,
        "station": rule.station_id or "",
        "enabled": rule.enabled,
        "threshold": rule.threshold,
        "duration_s": rule.duration_s,
        "severity": rule.severity,
        "times": schedule.written(rule.schedule),
        "own_steps": rule.recovery is not None,
        "steps": rule.recovery or [],
        "tries": rule.recovery_tries,
        "interrupts": rule.interrupts,
        "policy": rule.policy_id or "",
    }
