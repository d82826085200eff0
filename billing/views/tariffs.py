"""Tariffs: list, and the editor: rules as sentences, findings in place, a live example bill, the week's prices."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from billing import lookup, queries, services, tariff_forms, wording
from billing.forms import AssignmentForm, Where
from billing.models import Tariff
from billing.queries import drafts
from billing.queries.drafts import Live, Surroundings
from billing.tariff_forms import Editor
from billing.views.common import access_of, show_errors
from evcms.core import clock
from evcms.core.access import Access, Permission
from stations.queries import visible_sites

SAVE = ("", "save")


@login_required
@require_GET
def tariffs(request: HttpRequest) -> HttpResponse:
    access = access_of(request, Permission.VIEW)
    beaten = queries.outdone(access)
    rows = [
        {
            "tariff": tariff,
            "lines": wording.price_lines(terms),
            "example": queries.example_of(terms),
            "findings": drafts.findings_of(tariff),
            "places": [(place, beaten.get(place.pk)) for place in queries.assignments(access, tariff)],
        }
        for tariff in queries.tariffs(access)
        for terms in [lookup.terms_of(tariff)]
    ]
    bare = queries.unpriced_sites(access)
    context = {
        "rows": rows,
        "may": access.can(Permission.TARIFFS),
        "sees_money": access.can(Permission.MONEY),
        "unpriced": bare,
        "chosen": _chosen(request, bare),
    }
    return render(request, "billing/tariffs.html", context)


def _chosen(request: HttpRequest, bare: list[queries.Unpriced]) -> queries.Unpriced | None:
    """The site without a price for which the page offers its tariffs: the one asked for, or the only one."""
    asked = next((site for site in bare if str(site.site_id) == request.GET.get("site")), None)
    return asked or (bare[0] if len(bare) == 1 else None)


@login_required
@require_http_methods(["GET", "POST"])
def create(request: HttpRequest) -> HttpResponse:
    access = access_of(request, Permission.TARIFFS)
    around = drafts.surroundings(access, None)
    if request.method == "GET":
        editor = tariff_forms.blank(access.organization.currency, around.countries, today_noon())
        return _page(request, access, editor, None, around)
    return _posted(request, access, None, around)


@login_required
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Who may not change tariffs sees the same page without its buttons."""
    access = access_of(request, Permission.VIEW)
    tariff = _tariff(access, pk)
    around = drafts.surroundings(access, tariff)
    if request.method == "GET":
        return _page(request, access, editor_of(tariff, around), tariff, around, assignment=_begun(request, access))
    access.demand(Permission.TARIFFS)
    return _posted(request, access, tariff, around)


def _begun(request: HttpRequest, access: Access) -> AssignmentForm:
    """The form of places, with the site that a page without prices led here for."""
    asked = request.GET.get("site", "")
    found = visible_sites(access).filter(pk=asked, archived_at=None).first() if _is_number(asked) else None
    return AssignmentForm(access=access, initial={"where": Where.SITE, "site": found} if found else None)


def editor_of(tariff: Tariff, around: Surroundings) -> Editor:
    return tariff_forms.from_terms(
        lookup.terms_of(tariff),
        name=tariff.name,
        hold=tariff.hold,
        holidays_of=tariff.holidays_of,
        countries=around.countries,
        start=today_noon(),
    )


def today_noon() -> str:
    """When the example begins, in a form's words."""
    return f"{clock.now():%Y-%m-%d}T12:00"


def _posted(request: HttpRequest, access: Access, tariff: Tariff | None, around: Surroundings) -> HttpResponse:
    """Save, or (without JavaScript) a button that only moves rules about."""
    action = request.POST.get("do", "")
    if action not in SAVE:
        editor = tariff_forms.from_data(tariff_forms.acted(request.POST, action), around.countries)
        return _page(request, access, editor, tariff, around)
    editor = tariff_forms.from_data(request.POST, around.countries)
    live = drafts.judged(editor, access, tariff, around)
    reasons = _reasons(editor, live)
    if not reasons:
        try:
            saved = _save(access, tariff, editor, request.POST.get("seen", ""))
        except ValidationError as error:
            show_errors(editor.whole, error)
            reasons = error.messages
        else:
            _thank(request, new=tariff is None)
            return redirect("tariff-edit", saved.pk)
    return _page(request, access, editor, tariff, around, live=live, reasons=reasons, status=422)


def _reasons(editor: Editor, live: Live) -> list[str]:
    """Why it cannot be saved: what is incomplete, then what contradicts itself."""
    found = [f"{editor.whole[name].label}: {text}" for name, texts in _whole_errors(editor) for text in texts]
    for number, rule in enumerate(editor.rules, start=1):
        found += [_("Rule %(n)s: %(problem)s") % {"n": number, "problem": text} for text in rule.complaints]
    for each in live.errors:
        where = _("Rule %(n)s: ") % {"n": each.element + 1} if each.element is not None else ""
        found.append(where + each.sentence)
    if not editor.rules:
        found.append(_("Say a price, if only that charging is free."))
    return found or ([live.problem] if live.problem else [])


def _whole_errors(editor: Editor) -> list[tuple[str, list[str]]]:
    return [
        (name, [str(text) for text in texts])
        for name, texts in editor.whole.errors.items()
        if name in editor.whole.fields
    ]


def _save(access: Access, tariff: Tariff | None, editor: Editor, seen: str) -> Tariff:
    if tariff is None:
        return services.create_tariff(access=access, **editor.fields())
    return services.edit_tariff(access=access, tariff=tariff, seen=seen, **editor.fields())


def _thank(request: HttpRequest, *, new: bool) -> None:
    text = _("Saved. Now say where the tariff holds.") if new else _("Saved. Sessions that run keep their price.")
    messages.success(request, text)


def _page(
    request: HttpRequest,
    access: Access,
    editor: Editor,
    tariff: Tariff | None,
    around: Surroundings,
    *,
    live: Live | None = None,
    reasons: list[str] | None = None,
    notes: list[str] | None = None,
    assignment: AssignmentForm | None = None,
    status: int = 200,
) -> HttpResponse:
    shown = live or drafts.judged(editor, access, tariff, around)
    dress(editor, shown, strict=bool(reasons))
    if not reasons:
        quiet(editor)
    beaten = queries.outdone(access) if tariff else {}
    places = queries.assignments(access, tariff) if tariff else []
    context = {
        "editor": editor,
        "whole": editor.whole,
        "seen": request.POST.get("seen", "") or (services.fingerprint(tariff) if tariff else ""),
        "live": shown,
        "tariff": tariff,
        "places": [(place, beaten.get(place.pk)) for place in places],
        "assignment": assignment or AssignmentForm(access=access),
        "may": access.can(Permission.TARIFFS),
        "sees_money": access.can(Permission.MONEY),
        "refused": _("Not saved yet:") if reasons else "",
        "reasons": reasons or [],
        "notes": notes or [],
    }
    return render(request, "billing/tariff.html", context, status=status)


def dress(editor: Editor, live: Live, *, strict: bool) -> None:
    """Puts sentences, findings and (of rules that somebody has begun, or all) problems beside the rules."""
    for index, rule in enumerate(editor.rules):
        rule.said = live.sentences.get(index, "")
        rule.findings = live.of_rule(index)
        rule.problems = rule.complaints if strict or not rule.blank else []


def quiet(editor: Editor) -> None:
    """A form that nobody has sent yet complains of nothing."""
    for form in (editor.whole, *editor.rules, editor.example):
        form.errors.clear()


@login_required
@require_http_methods(["GET", "POST"])
def example(request: HttpRequest) -> HttpResponse:
    """The fragment beside the editor: what the rules in the form mean."""
    access = access_of(request, Permission.VIEW)
    tariff = _asked(request, access)
    around = drafts.surroundings(access, tariff)
    editor = tariff_forms.from_data(request.POST, around.countries)
    live = drafts.judged(editor, access, tariff, around)
    dress(editor, live, strict=False)
    return render(request, "billing/_live.html", {"editor": editor, "live": live, "swap": True})


@login_required
@require_POST
def rules(request: HttpRequest) -> HttpResponse:
    """The rules after a button moved them about; the page then asks for the example anew."""
    access = access_of(request, Permission.TARIFFS)
    around = drafts.surroundings(access, None)
    data = tariff_forms.acted(request.POST, request.POST.get("do", ""))
    editor = tariff_forms.from_data(data, around.countries)
    dress(editor, Live(), strict=False)
    quiet(editor)
    answer = render(request, "billing/_rules.html", {"editor": editor, "may": True})
    answer["HX-Trigger-After-Swap"] = "rules-moved"
    return answer


def _asked(request: HttpRequest, access: Access) -> Tariff | None:
    text = request.GET.get("tariff", "")
    return _tariff(access, int(text)) if _is_number(text) else None


def _is_number(text: str) -> bool:
    """That a database takes."""
    return text.isdecimal() and len(text) < 19


@login_required
@require_POST
def archive(request: HttpRequest, pk: int) -> HttpResponse:
    access = access_of(request, Permission.TARIFFS)
    services.archive_tariff(access=access, tariff=_tariff(access, pk))
    messages.success(request, _("Archived. It holds nowhere any more."))
    return redirect("tariffs")


@login_required
@require_POST
def assign(request: HttpRequest, pk: int) -> HttpResponse:
    access = access_of(request, Permission.TARIFFS)
    tariff = _tariff(access, pk)
    form = AssignmentForm(request.POST, access=access)
    if form.is_valid():
        try:
            services.assign_tariff(access=access, tariff=tariff, **form.cleaned_data)
        except ValidationError as error:
            show_errors(form, error)
        else:
            messages.success(request, _("The tariff holds there now."))
            return redirect("tariff-edit", tariff.pk)
    around = drafts.surroundings(access, tariff)
    return _page(request, access, editor_of(tariff, around), tariff, around, assignment=form, status=422)


@login_required
@require_POST
def end_assignment(request: HttpRequest, pk: int) -> HttpResponse:
    access = access_of(request, Permission.TARIFFS)
    row = get_object_or_404(queries.visible_assignments(access).select_related("tariff"), pk=pk)
    services.end_assignment(access=access, assignment=row)
    messages.success(request, _("It no longer holds there."))
    return redirect("tariff-edit", row.tariff_id)


def _tariff(access: Access, pk: int) -> Tariff:
    return get_object_or_404(queries.tariffs(access), pk=pk)


show_editor = _page  # for pages that fill the editor with something read elsewhere
