"""Small drawings as SVG made on the server: no script, no inline style, a label that says it."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

WIDTH, HEIGHT = 120, 32
HIDDEN = mark_safe('aria-hidden="true"')


def sparkline(values: Sequence[float | int | None], label: str = "") -> SafeString:
    """Line and area from zero (or the least negative value) to the maximum; gaps where a value is None."""
    runs = _runs(values)
    line = " ".join(_path(run) for run in runs)
    area = " ".join(f"{_path(run)} L{run[-1][0]:g} {HEIGHT} L{run[0][0]:g} {HEIGHT} Z" for run in runs)
    spoken = format_html('role="img" aria-label="{}"', label) if label else HIDDEN
    return format_html(
        '<svg class="ev-spark" viewBox="0 0 {} {}" preserveAspectRatio="none" {}>'
        '<path class="area" d="{}"/><path class="line" d="{}"/></svg>',
        WIDTH,
        HEIGHT,
        spoken,
        area,
        line,
    )


def _runs(values: Sequence[float | int | None]) -> list[list[tuple[float, float]]]:
    """Points without gaps between them, scaled to the drawing."""
    known = [value for value in values if value is not None]
    low, high = min([0, *known]), max([0, *known])
    step, scale = WIDTH / max(1, len(values) - 1), (HEIGHT - 4) / ((high - low) or 1)
    runs: list[list[tuple[float, float]]] = [[]]
    for index, value in enumerate(values):
        if value is None:
            runs.append([])
        else:
            runs[-1].append((round(index * step, 1), round(HEIGHT - 2 - (value - low) * scale, 1)))
    return [run for run in runs if run]


def _path(run: list[tuple[float, float]]) -> str:
    return "M" + " L".join(f"{x:g} {y:g}" for x, y in run)


def stacked_bar(segments: Sequence[tuple[str, int]], label: str = "") -> SafeString:
    """(hue, count) side by side; a segment is never thinner than can be seen."""
    shown = [(hue, count) for hue, count in segments if count > 0]
    total = sum(count for _, count in shown) or 1
    rows, x = [], 0.0
    for hue, count in shown:
        width = 100 * count / total
        rows.append((f"{x:.3f}", f"{max(width - 0.6, 0.8):.3f}", hue))
        x += width
    bars = format_html_join("", '<rect x="{}" y="0" width="{}" height="10" class="ev-st-{}"/>', rows)
    return format_html(
        '<svg class="ev-stack" viewBox="0 0 100 10" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>',
        label,
        bars,
    )


class Span(NamedTuple):
    """One state from `start` to `end`; `said` is what hovering tells, `url` where a click leads ('' for nowhere)."""

    hue: str
    start: datetime
    end: datetime
    said: str
    url: str = ""


def strip(spans: Iterable[Span], start: datetime, end: datetime, label: str) -> SafeString:
    """States along time between `start` and `end`; what lies outside is cut off, what nobody knows stays blank.

    A picture to readers, a group of links where its spans lead somewhere.
    """
    whole = (end - start).total_seconds()
    drawn, spans = [], list(spans)
    for span in spans:
        left = max(0.0, (span.start - start).total_seconds() / whole)
        right = min(1.0, (span.end - start).total_seconds() / whole)
        if right > left:
            drawn.append(_rectangle(span, 1000 * left, max(1000 * (right - left), 1.5)))
    return format_html(
        '<svg class="ev-strip" viewBox="0 0 1000 20" preserveAspectRatio="none" role="{}" aria-label="{}">{}</svg>',
        "group" if any(span.url for span in spans) else "img",
        label,
        format_html_join("", "{}", ((each,) for each in drawn)),
    )


def _rectangle(span: Span, x: float, width: float) -> SafeString:
    shape = format_html(
        '<rect x="{}" y="0" width="{}" height="20" class="ev-st-{}"><title>{}</title></rect>',
        f"{x:.2f}",
        f"{width:.2f}",
        span.hue,
        span.said,
    )
    return format_html('<a href="{}">{}</a>', span.url, shape) if span.url else shape


def ring(percent: float, hue: str, label: str, key: str) -> SafeString:
    """A circle filled clockwise from the top; silent without a label, when its figure stands inside as text.

    Live: patch `key` with attrs {"stroke-dashoffset": 100 - percent}.
    """
    rest = 100 - min(100.0, max(0.0, float(percent)))
    told = format_html('role="img" aria-label="{}"', label) if label else SafeString('aria-hidden="true"')
    return format_html(
        '<svg class="ev-st-{}" viewBox="0 0 100 100" {}><circle cx="50" cy="50" r="45"/>'
        '<circle cx="50" cy="50" r="45" pathLength="100" stroke-dasharray="100" stroke-dashoffset="{}" data-live="{}"/>'
        "</svg>",
        hue,
        told,
        f"{rest:g}",
        key,
    )
