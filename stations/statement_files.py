"""The files of a statement, from its frozen content alone: the same row gives the same bytes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from django.utils import translation
from django.utils.translation import gettext as _

from evcms.core import figures, sheets

from .models import AvailabilityStatement
from .vocabulary import Cause, ExclusionKind, Formula

if TYPE_CHECKING:
    from evcms.core.paper import Paper

Content = dict[str, Any]  # Any: JSON
CENT: Final = Decimal("0.01")
FIGURES: Final = (1, 2, 3, 4)  # columns of the table of lines
COLUMNS: Final = (
    "record", "name", "from", "until", "minutes", "outage_minutes", "excluded_minutes", "not_counted_minutes",
    "uptime_percent", "cause", "excluded", "proof",
)  # fmt: skip


def csv(row: AvailabilityStatement) -> bytes:
    """One table: the total, a line for each port or site, each outage, each exclusion."""
    said: Content = row.content
    return sheets.as_csv(COLUMNS, [*_head(row, said), *_sums(said), *_outages(said), *_proofs(said)])


def _head(row: AvailabilityStatement, said: Content) -> Iterable[Sequence[object]]:
    yield ("statement", row.number, said["since"], said["until"], *[""] * 7, _replaces(row))


def _replaces(row: AvailabilityStatement) -> str:
    return f"replaces {row.replaces.number}" if row.replaces else ""


def _sums(said: Content) -> Iterable[Sequence[object]]:
    total = said["total"] | {"name": said["site"] or said["organization"]}
    kind = "port" if said["site"] else "site"
    for record, line in [("total", total), *((kind, line) for line in said["lines"])]:
        parts = [_minutes(line[name]) for name in ("period", "outage", "excluded", "not_counted")]
        share = "" if line["share"] is None else (Decimal(line["share"]) / 100).quantize(CENT)
        yield (record, line["name"], "", "", *parts, share, "", "", "")


def _outages(said: Content) -> Iterable[Sequence[object]]:
    for one in said["outages"]:
        proof = " ".join(f"#{key}" for key in one["exclusions"])
        yield (
            "outage", one["port"], one["since"], one["until"], _minutes(one["seconds"]),
            _minutes(one["counted"]) if "counted" in one else "", "", "", "", one["cause"],
            "yes" if one["excluded"] else "no", proof,
        )  # fmt: skip


def _proofs(said: Content) -> Iterable[Sequence[object]]:
    for one in said["exclusions"]:
        yield (
            "exclusion", f"#{one['id']} {one['reason']}", one["since"], one["until"], *[""] * 5, one["kind"], "",
            _proof(one),
        )  # fmt: skip


def _proof(one: Content) -> str:
    told = [
        f"announced {one['announced']}" if one["announced"] else "",
        f"{one['file']} sha256:{one['sha256']}" if one["file"] else "",
        one["link"],
    ]
    return ", ".join(filter(None, told))


def _minutes(seconds: int) -> Decimal:
    return (Decimal(seconds) / 60).quantize(CENT)


# Paper ----------------------------------------------------------------------------------------------------


def pdf(row: AvailabilityStatement) -> bytes:
    """In the organization's language."""
    from evcms.core.paper import Paper  # the printing library is a third of a second: only who prints loads it

    said: Content = row.content
    with translation.override(row.organization.language):
        page = Paper(row.number)
        page.set_creation_date(row.made_at)
        _title(page, row, said)
        _total(page, said)
        _table_of_lines(page, said)
        if said["outages"]:
            _table_of_outages(page, said)
        if said["exclusions"]:
            _table_of_proofs(page, said)
        return bytes(page.output())


def _title(page: Paper, row: AvailabilityStatement, said: Content) -> None:
    page.text_line(said["organization"], 15, bold=True)
    for line in filter(None, said["address"].splitlines()):
        page.text_line(line, 8.5, grey=True)
    page.ln(6)
    page.text_line(_("Statement of availability"), 13, bold=True)
    page.ln(1)
    page.pair(_("Number"), row.number)
    if row.replaces:
        page.pair(_("Replaces"), row.replaces.number)
    page.pair(_("Place"), said["site"] or _("The whole network"))
    page.pair(_("Period"), f"{_day(said['since'])} – {_day(said['until'])} ({said['zone']})")
    page.pair(_("Formula"), _how(said))
    page.rule()


def _day(text: str) -> str:
    return datetime.fromisoformat(text).strftime("%Y-%m-%d %H:%M")


def _how(said: Content) -> str:
    if said["formula"] == Formula.NEVI:
        return _(
            "23 CFR 680.116(b): (minutes − (outage − excluded)) / minutes, each port; without a link is outage. "
            "Required: more than 97 %."
        )
    if said["formula"] == Formula.UK:
        return _(
            "Public Charge Point Regulations 2023, regulation 7: reliable / (reliable + not reliable) of ports of 50 kW"
            " and more in opening hours; without a link is not measured. Required: 99 %."
        )
    terms = said["terms"]
    told = [
        _("Contract: at least %(target)s.") % {"target": _share(terms["target"])},
        _("Hours: %(hours)s.") % {"hours": terms["hours"] or _("all")},
        _("Without a link counts as outage.") if terms["offline_counts"] else _("Without a link is not counted."),
        _("Excused: %(kinds)s.")
        % {"kinds": ", ".join(str(ExclusionKind(each).label) for each in terms["kinds"]) or "–"},
    ]
    if terms["grace_minutes"]:
        told.append(_("Outages under %(n)d minutes do not count.") % {"n": terms["grace_minutes"]})
    if terms["cap_minutes"] is not None:
        told.append(_("At most %(n)d minutes excused for each port and month.") % {"n": terms["cap_minutes"]})
    return " ".join(told)


def _share(share: int | None) -> str:
    return "–" if share is None else f"{figures.number(Decimal(share) / 100, 2)} %"


def _time(seconds: int) -> str:
    """Minutes, in full: they add up on paper."""
    return figures.number(_minutes(seconds), 2)


def _total(page: Paper, said: Content) -> None:
    total = said["total"]
    met = total["share"] is not None and total["share"] >= total["target"]
    verdict = "" if total["share"] is None else _("met") if met else _("missed")
    page.text_line(f"{_share(total['share'])}  {verdict}", 20, bold=True)
    page.ln(2)
    counted = total["outage"] - total["excluded"]
    for name, seconds in (
        (_("Port-minutes of the period"), total["period"]), (_("Out of order"), total["outage"]),
        (_("of that excluded"), total["excluded"]), (_("counted"), counted), (_("Not measured"), total["not_counted"]),
    ):  # fmt: skip
        page.row(name, "", _time(seconds))
    page.rule()


def _table_of_lines(page: Paper, said: Content) -> None:
    page.text_line(_("Ports") if said["site"] else _("Sites"), 11, bold=True)
    page.ln(1)
    widths = [62, 27, 27, 27, 27]
    page.columns(
        widths, [_("Name"), _("Minutes"), _("Out of order"), _("Excluded"), _("Uptime")], right=FIGURES, bold=True
    )
    for line in said["lines"]:
        times = [_time(line[name]) for name in ("period", "outage", "excluded")]
        page.columns(widths, [line["name"], *times, _share(line["share"])], right=FIGURES)
    if not said["lines"]:
        page.text_line(_("Nothing here is measured by this formula."), 8.5, grey=True)
    page.rule()


def _table_of_outages(page: Paper, said: Content) -> None:
    page.text_line(_("Outages"), 11, bold=True)
    page.ln(1)
    beside = said["version"] > 1  # what was stated before has its bytes
    widths = [38, 28, 28, 19, 19, 22, 16] if beside else [42, 30, 30, 22, 26, 20]
    heads = [_("Port"), _("From"), _("Until"), _("Minutes"), _("Counted"), _("Cause"), _("Excluded")]
    right = (3, 4) if beside else (3,)
    page.columns(widths, heads if beside else [*heads[:4], *heads[5:]], right=right, bold=True)
    for one in said["outages"]:
        cause = str(Cause(one["cause"]).label) if one["cause"] in Cause.values else _("Unknown")
        proof = " ".join(f"#{key}" for key in one["exclusions"]) if one["excluded"] else "–"
        times = [_time(one[name]) for name in (("seconds", "counted") if beside else ("seconds",))]
        page.columns(widths, [one["port"], _day(one["since"]), _day(one["until"]), *times, cause, proof], right=right)
    page.rule()


def _table_of_proofs(page: Paper, said: Content) -> None:
    page.text_line(_("Exclusions and their proofs"), 11, bold=True)
    page.ln(1)
    widths = [12, 34, 44, 30, 50]
    page.columns(widths, ["#", _("Kind"), _("Reason"), _("Period"), _("Proof")], bold=True)
    for one in said["exclusions"]:
        kind = str(ExclusionKind(one["kind"]).label)
        span = f"{_day(one['since'])} – {_day(one['until'])}"
        page.columns(widths, [f"#{one['id']}", kind, one["reason"], span, _proof(one)])
