"""`{% load evcms %}`: icons, status words, tiles, tables, form fields, and the filters for figures.

Tags that draw more than a line use the templates in templates/components and templates/base/forms.
"""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import structlog
from django import template
from django.conf import settings
from django.contrib.humanize.templatetags.humanize import intcomma
from django.core.paginator import Page, Paginator
from django.core.serializers.json import DjangoJSONEncoder
from django.forms import BaseForm, BoundField
from django.http import HttpRequest
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from evcms.core import addresses
from stations import faultwords

from . import audits, figures, forms, icons, shapes, statuses, words

register = template.Library()
for _filter in (words.entry_word, words.site_beside, words.day, words.month, words.masked):
    register.filter(_filter)
register.simple_tag(words.who)
register.simple_tag(words.card)
register.filter("audit_action", audits.action)
register.filter("audit_told", audits.told)


@register.inclusion_tag("components/mail_off.html")
def mail_off() -> dict[str, bool]:
    """A notice on pages that promise a mail, where none can be sent."""
    return {"off": not settings.MAIL_ON}


@register.simple_tag
def charger_address() -> str:
    """What is typed into a charger so that it finds us, as a sentence."""
    return escape(_("Chargers connect to %(address)s") % {"address": addresses.for_chargers()})


@register.filter
def counted(pages: Paginator) -> str:
    """How many rows a list has, or that it has more than anybody counts (`core.paging`)."""
    number = intcomma(pages.count)
    return _("more than %(number)s") % {"number": number} if getattr(pages, "more", False) else number


@register.filter
def fault_words(code: str) -> str:
    return faultwords.told(code)


@register.simple_tag
def icon(name: str, label: str = "", **attributes: str) -> SafeString:
    """`{% icon "bolt" %}`; `label="Charging"` makes it speak, `class="…"` adds classes."""
    return icons.svg(name, label, attributes.get("class", ""))


@register.simple_tag
def status_badge(status: object, word: str = "", *, plain: bool = False) -> SafeString:
    """Shape, word and colour of any state; `word` replaces the usual one, `plain=True` drops the tint."""
    seen = statuses.look(status)
    return format_html(
        '<span class="ev-status ev-st-{}{}">{}<span>{}</span></span>',
        seen.hue,
        " ev-status-plain" if plain else "",
        icons.svg(seen.icon),
        word or seen.word,
    )


@register.filter
def status_hue(status: object) -> str:
    """The class that sets --st, --st-ink and --st-soft: `<div class="ev-card {{ status|status_hue }}">`."""
    return f"ev-st-{statuses.look(status).hue}"


@register.filter
def status_icon(status: object) -> str:
    return statuses.look(status).icon


@register.filter
def status_word(status: object) -> str:
    return str(statuses.look(status).word)


@register.filter
def kwh(milliwatt_hours: int | None, digits: int = 2) -> str:
    return figures.kwh(milliwatt_hours, digits)


@register.filter
def sum_kwh(milliwatt_hours: int | None) -> str:
    return figures.sum_kwh(milliwatt_hours)


@register.filter
def power(watts: Decimal | int | None) -> str:
    return figures.power(watts)


@register.filter
def rating(watts: int | None) -> str:
    return figures.rating(watts)


@register.filter
def money(minor: int | None, currency: str) -> str:
    """`{{ payment.captured|money:payment.currency }}`"""
    return figures.amount(minor, currency)


@register.filter
def permille(share: int | None) -> str:
    """994 → '99.4 %'."""
    return figures.NOTHING if share is None else f"{figures.number(Decimal(share) / 10, 1)} %"


@register.filter
def hundredths(share: int | None) -> str:
    """Hundredths of a percent: 9995 → '99.95 %'."""
    return figures.NOTHING if share is None else f"{figures.number(Decimal(share) / 100, 2)} %"


@register.filter
def as_json(data: Any) -> str:  # Any: what json can say
    """For an attribute; the template escapes it."""
    return json.dumps(data, cls=DjangoJSONEncoder, ensure_ascii=False)


@register.filter
def duration(span: timedelta | int | None) -> str:
    return figures.duration(span)


@register.filter
def ago(moment: datetime | None) -> str:
    return figures.ago(moment)


@register.filter
def at_zone(moment: datetime | None, zone: Any = None) -> str:  # Any: a zone's name, a ZoneInfo or nothing
    return figures.at_zone(moment, zone)


@register.filter
def clock_time(moment: datetime | None, zone: str | None = None) -> str:
    return figures.clock_time(moment, zone)


@register.filter
def wall_time(moment: datetime | None, zone: str | None = None) -> str:
    return figures.wall_time(moment, zone)


@register.filter
def unbroken(figure: str) -> str:
    """For large type: no line ends between a number and its unit."""
    return str(figure).replace(" ", "\N{NO-BREAK SPACE}")


@register.filter
def joined(name: object) -> str:
    """Of a connector's name in a narrow column: no line begins with the dot or what is behind it."""
    return str(name).replace(" · ", "\N{NO-BREAK SPACE}·\N{NO-BREAK SPACE}")


@register.filter
def units(figure: str) -> SafeString:
    """`{{ mwh|kwh|units }}`: the figure in tabular digits, its unit small and grey."""
    head, space, unit = str(figure).rpartition(" ")
    if not space:
        return format_html('<span class="ev-num">{}</span>', figure)
    if unit[:1].isdigit():  # "€ 11,73"
        return format_html('<span class="ev-num"><span class="ev-unit">{}</span> {}</span>', head, unit)
    return format_html('<span class="ev-num">{} <span class="ev-unit">{}</span></span>', head, unit)


@register.simple_tag
def when(moment: datetime | None, zone: Any = None) -> SafeString:  # Any: as in at_zone
    """`{% when incident.opened_at site.time_zone %}`: '4 min ago', the full moment on hover."""
    if moment is None:
        return format_html('<span class="ev-muted">{}</span>', figures.ago(None))
    return format_html(
        '<time datetime="{}" title="{}" data-ago>{}</time>',
        moment.isoformat(),
        figures.at_zone(moment, zone),
        figures.ago(moment),
    )


@register.simple_tag
def sparkline(values: Sequence[float | int | None], label: str = "") -> SafeString:
    """A small curve without axes, drawn on the server; None is a gap."""
    return shapes.sparkline(values, label)


@register.simple_tag
def stacked_bar(segments: Iterable[tuple[object, int]], label: str = "") -> SafeString:
    """`segments` are (status, count) pairs in drawing order."""
    return shapes.stacked_bar([(statuses.look(status).hue, count) for status, count in segments], label)


@register.inclusion_tag("components/legend.html")
def legend(segments: Iterable[Sequence[Any]]) -> dict[str, object]:  # Any: (status, count) or (status, count, url)
    """The words under a stacked bar: shape, count, state, each linked to its rows; empty ones are left out."""
    rows = [(statuses.look(row[0]), row[1], row[2] if len(row) > 2 else "") for row in segments if row[1]]
    return {"rows": rows}


@register.simple_tag
def status_strip(spans: Iterable[Sequence[Any]], start: datetime, end: datetime, label: str = "") -> SafeString:
    """`spans` are (status, start, end, words on hover, url); Any: the last one may be missing."""
    drawn = [shapes.Span(statuses.look(each[0]).hue, *each[1:]) for each in spans]
    return shapes.strip(drawn, start, end, label)


@register.simple_tag
def goal(figure: Any, was: Any = None) -> SafeString:  # Any: a stations.formulas.Uptime, or nothing
    """A share, marked when it misses its goal; below it, grey, the share of the period before."""
    if not figure:
        return format_html("{}", figures.NOTHING)
    mark = SafeString("")
    if figure.met is False:
        title = _("below %(target)s") % {"target": hundredths(figure.target)}
        shape = icon("alert-triangle", label=_("missed"))
        mark = format_html('<span class="ev-missed ev-st-faulted" title="{}">{}</span> ', title, shape)
    before = format_html('<br><span class="ev-muted">{}</span>', hundredths(was.share)) if was else ""
    return format_html("{}{}{}", mark, hundredths(figure.share), before)


@register.simple_tag
def ring(percent: float, label: str = "", status: object = "charging", live: str = "") -> SafeString:
    """Inside `<div class="ev-ring">…<div class="ev-big">62 %</div></div>`; `live` is the key of its patches."""
    return shapes.ring(percent, statuses.look(status).hue, label, live)


@register.inclusion_tag("components/stat_tile.html")
def stat_tile(label: str, value: object, **more: object) -> dict[str, object]:
    """One figure; `url`, `note`, `values` (curve), `segments` ((status, count) pairs), `status`, `live`.

    A plain count gets its thousands, a figure with its unit ("1,060.00 €") that unit small; neither breaks in two.
    """
    if isinstance(value, int):
        value = figures.number(value, 0)
    if isinstance(value, str) and not isinstance(value, SafeString) and value.count(" ") == 1:
        value = units(value)
    return {"label": label, "value": value, **more}


@register.inclusion_tag("components/empty_state.html")
def empty_state(title: str, text: str = "", icon: str = "inbox", **more: object) -> dict[str, object]:
    """What this place will show and what to do now: `url` and `action` (the button's word)."""
    return {"title": title, "text": text, "icon": icon, **more}


@register.inclusion_tag("components/how_it_works.html")
def how_it_works(guide: str, section: str) -> dict[str, str]:
    """The way from a page to what a guide says about it. `section`: the anchor of a heading in docs/guides."""
    return {"guide": guide, "section": section}


@register.inclusion_tag("components/sort_header.html", takes_context=True)
def sort_header(context: template.Context, label: str, field: str = "", *, right: bool = False) -> dict[str, object]:
    """A `<th>`; with `field` a link that sets `?sort=field`, then `-field`, and forgets the page."""
    request: HttpRequest = context["request"]
    now = request.GET.get("sort", "")
    query = request.GET.copy()
    query.pop("page", None)
    query["sort"] = f"-{field}" if now == field else field
    order = {field: "ascending", f"-{field}": "descending"}.get(now, "") if field else ""
    return {"label": label, "field": field, "right": right, "query": query.urlencode(), "order": order}


@register.inclusion_tag("components/pagination.html", takes_context=True)
def pagination(
    context: template.Context, page: Page[Any], *, export: bool = True, xlsx: bool = False
) -> dict[str, object]:
    """How many rows there are, the pages, and the export of what the filter shows (`?export=csv`, or `xlsx`, too)."""
    pages = page.paginator.get_elided_page_range(page.number, on_each_side=1, on_ends=1)
    return {"request": context["request"], "page": page, "pages": pages, "export": export, "xlsx": xlsx}


@register.simple_tag(takes_context=True)
def quote_id(context: template.Context) -> str:
    """The id that our logs know this request by; '' outside a request.

    The handler of status 500 renders without a request, so the log's own context is asked as well.
    """
    known = getattr(context.get("request"), "id", "") or structlog.contextvars.get_contextvars().get("request_id")
    return str(known or "")


@register.simple_tag
def field(bound: BoundField) -> SafeString:
    """Label, input, help and errors of one form field."""
    return forms.field(bound)


@register.simple_tag
def widget(bound: BoundField) -> SafeString:
    """The bare input with the right classes."""
    return forms.widget(bound)


@register.simple_tag
def form_fields(form: BaseForm) -> SafeString:
    """Everything between `<form>` and its button: errors of the whole form, hidden and visible fields."""
    return forms.fields(form)
