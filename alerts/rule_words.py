"""What counts as trouble, said in sentences: the catalogue's lines, and what an exception makes of them."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from alerts import schedule
from alerts.catalogue import CATALOGUE, Span, Trouble
from alerts.models import Rule
from alerts.vocabulary import IncidentKind, RecoveryKind, Severity


@dataclass(frozen=True)
class Line:
    """One kind on the page, with its exceptions."""

    kind: IncidentKind
    title: str
    says: str
    when: str
    severity: int
    on: bool
    steps: list[str]
    silenced: bool
    exceptions: list[tuple[Rule, str, str]]  # row, where, what


def lines(rules: Iterable[Rule]) -> list[Line]:
    by_kind: dict[str, list[Rule]] = {}
    for rule in rules:
        by_kind.setdefault(rule.kind, []).append(rule)
    return [_line(kind, trouble, by_kind.get(kind, [])) for kind, trouble in CATALOGUE.items()]


def _line(kind: IncidentKind, trouble: Trouble, rules: list[Rule]) -> Line:
    return Line(
        kind=kind,
        title=str(kind.label),
        says=str(trouble.says),
        when=when(trouble, trouble.threshold, trouble.duration_s),
        severity=trouble.severity,
        on=all(rule.enabled for rule in rules if rule.scope == "organization"),
        steps=[str(RecoveryKind(step).label) for step in trouble.steps],
        silenced=trouble.silenced,
        exceptions=[(rule, where(rule), what(rule)) for rule in rules],
    )


def when(trouble: Trouble, threshold: int | None, duration_s: int) -> str:
    """ "From 5 new links within 30 minutes", "after 90 seconds", "at once"."""
    span = length(duration_s)
    if trouble.threshold is not None:
        said = {"count": threshold, "unit": trouble.unit, "span": span}
        if duration_s and trouble.span == Span.WITHIN and threshold == 1:
            return _("at once, remembered for %(span)s") % {"span": span}
        if duration_s and trouble.span == Span.WITHIN:
            return _("from %(count)s %(unit)s within %(span)s") % said
        return (_("from %(count)s %(unit)s, for %(span)s") if duration_s else _("from %(count)s %(unit)s")) % said
    if not duration_s:
        return _("at once")
    if trouble.span == Span.WITHIN:
        return _("at once, remembered for %(span)s") % {"span": span}
    return _("after %(span)s") % {"span": span}


def length(seconds: int) -> str:
    if seconds and seconds % 3600 == 0:
        return ngettext("%(n)s hour", "%(n)s hours", seconds // 3600) % {"n": seconds // 3600}
    if seconds and seconds % 60 == 0:
        return ngettext("%(n)s minute", "%(n)s minutes", seconds // 60) % {"n": seconds // 60}
    return ngettext("%(n)s second", "%(n)s seconds", seconds) % {"n": seconds}


def where(rule: Rule) -> str:
    if rule.station:
        return str(rule.station)
    if rule.site and rule.station_model:
        return _("%(model)s at %(site)s") % {"model": rule.station_model, "site": rule.site}
    if rule.station_model:
        return _("every %(model)s") % {"model": rule.station_model}
    return str(rule.site or _("everywhere"))


def what(rule: Rule) -> str:
    """Only what is otherwise than the catalogue says."""
    if not rule.enabled:
        return _("is no trouble here")
    trouble = CATALOGUE[IncidentKind(rule.kind)]
    parts = []
    if rule.threshold is not None or rule.duration_s is not None:
        threshold = trouble.threshold if rule.threshold is None else rule.threshold
        parts.append(when(trouble, threshold, trouble.duration_s if rule.duration_s is None else rule.duration_s))
    if rule.severity:
        parts.append(str(Severity(rule.severity).label))
    if rule.schedule:
        parts.append(_("only %(times)s") % {"times": schedule.written(rule.schedule).replace("\n", "; ")})
    if rule.recovery is not None:
        steps = ", ".join(str(RecoveryKind(step).label) for step in rule.recovery)
        parts.append(_("tries: %(steps)s") % {"steps": steps} if steps else _("nothing is tried automatically"))
    if rule.policy:
        parts.append(_("told by %(chain)s") % {"chain": rule.policy})
    return "; ".join(parts) or _("as usual")
