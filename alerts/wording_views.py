"""The words of each message, for the organization's owner: list, editor, preview while one writes."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from alerts import samples
from alerts.channels.sms import words as texts
from alerts.models import MessageTemplate
from alerts.services import wording
from alerts.views.common import access_of
from evcms.core.access import Access, Permission

AREA = {"rows": 10, "class": "ev-mono"}


class WordsForm(forms.Form):
    subject = forms.CharField(label=gettext_lazy("Subject"), max_length=300, required=False)
    text = forms.CharField(
        label=gettext_lazy("Text"), max_length=wording.LONGEST_TEXT, required=False, widget=forms.Textarea(attrs=AREA)
    )
    short = forms.CharField(
        label=gettext_lazy("Short form"),
        max_length=600,
        required=False,
        help_text=gettext_lazy("For SMS, push messages and chat"),
        widget=forms.Textarea(attrs={"rows": 3, "class": "ev-mono"}),
    )


@login_required
@require_GET
def wordings(request: HttpRequest) -> HttpResponse:
    access = access_of(request)
    access.demand(Permission.PEOPLE)
    changed: dict[str, list[str]] = {}
    for row in MessageTemplate.objects.filter(organization=access.organization).exclude(subject="", text="", short=""):
        changed.setdefault(row.template, []).append(row.language)
    rows = []
    for name in wording.built_in():
        words = wording.preview(name, samples.context_of(name), access.organization.language, {})
        rows.append((name, wording.title(name), words, sorted(changed.get(name, []))))
    return render(request, "alerts/wordings.html", {"rows": rows, "language": access.organization.language})


@login_required
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest) -> HttpResponse:
    """`?template=&language=`."""
    access, template, language = _asked(request)
    row = MessageTemplate.objects.filter(organization=access.organization, template=template, language=language).first()
    initial = {part: getattr(row, part) for part in wording.PARTS} if row else {}
    form = WordsForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid() and _saved(access, form, template, language):
        messages.success(request, _("Saved. The next message has these words."))
        return redirect(request.get_full_path())
    given = request.POST.dict() if form.is_bound else initial
    built_in = _preview(template, language, {})["words"]
    for part in wording.PARTS:
        form.fields[part].widget.attrs["placeholder"] = getattr(built_in, part).strip()
    context: dict[str, Any] = {  # Any: template context
        "form": form,
        "name": template,
        "title": wording.title(template),
        "language": language,
        "languages": settings.LANGUAGES,
        "variables": wording.values(template),
        **_preview(template, language, given),
    }
    return render(request, "alerts/wording.html", context)


def _saved(access: Access, form: WordsForm, template: str, language: str) -> bool:
    try:
        wording.save(
            access=access,
            user=access.user,
            organization=access.organization,
            template=template,
            language=language,
            **form.cleaned_data,
        )
    except ValidationError as error:
        form.add_error(None, error)
        return False
    return True


@login_required
@require_POST
def show(request: HttpRequest) -> HttpResponse:
    """The preview of what is in the form now."""
    _access, template, language = _asked(request)
    return render(request, "alerts/_wording_preview.html", _preview(template, language, request.POST.dict()))


def _asked(request: HttpRequest) -> tuple[Access, str, str]:
    """Who asks for which message in which language. Raises PermissionDenied, Http404."""
    access = access_of(request)
    access.demand(Permission.PEOPLE)
    template, language = request.GET.get("template", ""), request.GET.get("language", "")
    if template not in wording.built_in() or language not in dict(settings.LANGUAGES):
        raise Http404
    return access, template, language


def _preview(template: str, language: str, given: dict[str, str]) -> dict[str, Any]:
    """Any: template context."""
    parts = {part: str(given.get(part) or "")[: wording.LONGEST_TEXT] for part in wording.PARTS}
    try:
        words = wording.preview(template, samples.context_of(template), language, parts)
    except ValidationError as error:
        return {"trouble": error.messages}
    text = texts.fitted(words.short, "", 3)
    return {"words": words, "sms": text, "segments": texts.segments(text), "plain": texts.is_gsm(text)}
