"""Django forms in our markup: Bootstrap classes on the widgets, help and errors tied to their field."""

from django.forms import BaseForm, BoundField, widgets
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

CHOICES = (widgets.RadioSelect, widgets.CheckboxSelectMultiple)


def css_class(bound: BoundField) -> str:
    """The classes for a field's widget, its own kept; `is-invalid` when it has errors."""
    kind = bound.field.widget
    if isinstance(kind, (widgets.CheckboxInput, *CHOICES)):
        base = "form-check-input"
    elif isinstance(kind, widgets.Select):
        base = "form-select"
    else:
        base = "form-control"
    return " ".join(filter(None, [kind.attrs.get("class"), base, "is-invalid" if bound.errors else ""]))


def widget(bound: BoundField) -> SafeString:
    """Help and errors are named in `aria-describedby`, so a screen reader says them with the field."""
    attributes: dict[str, str | bool] = {"class": css_class(bound)}
    described = [f"{bound.id_for_label}_helptext"] if bound.help_text else []
    described += [f"{bound.id_for_label}_error"] if bound.errors else []
    if described and not bound.use_fieldset:
        attributes["aria-describedby"] = " ".join(described)
    shown = bound.as_widget(attrs=attributes)
    return shown + bound.as_hidden(only_initial=True) if bound.field.show_hidden_initial else shown


def field(bound: BoundField) -> SafeString:
    kind = bound.field.widget
    if isinstance(kind, CHOICES):  # its inputs are drawn one by one and take the widget's own attributes
        kind.attrs["class"] = css_class(bound)
    context = {
        "field": bound,
        "is_checkbox": isinstance(kind, widgets.CheckboxInput),
        "is_group": isinstance(kind, CHOICES),
    }
    return render_to_string("base/forms/field.html", context)


def fields(form: BaseForm) -> SafeString:
    return render_to_string("base/forms/form.html", {"form": form})
