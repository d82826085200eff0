"""Tabler icons from the vendored sprite, inlined: they take the colour of the text around."""

import re
from functools import cache
from pathlib import Path

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

SPRITE = Path(__file__).resolve().parents[2] / "static/vendor/tabler-icons-3.51.0/sprite.svg"
SYMBOL = re.compile(r'<symbol id="([a-z0-9-]+)"[^>]*>(.*?)</symbol>', re.S)


@cache
def symbols() -> dict[str, SafeString]:
    """Icon name → its paths. The file is ours (checked by SHA256SUMS), so its markup is trusted."""
    return {name: mark_safe(paths) for name, paths in SYMBOL.findall(SPRITE.read_text("utf-8"))}  # noqa: S308


def svg(name: str, label: str = "", css: str = "") -> SafeString:
    """One icon; with `label` it is an image for screen readers, without it is decoration.

    Raises:
        KeyError: the icon is not in the sprite; static/vendor/README.md says how to add one.
    """
    try:
        paths = symbols()[name]
    except KeyError:
        raise KeyError(f"No icon {name!r} in {SPRITE.name}; see static/vendor/README.md") from None
    spoken = format_html('role="img" aria-label="{}"', label) if label else mark_safe('aria-hidden="true"')
    return format_html(
        '<svg class="icon{}" viewBox="0 0 24 24" width="20" height="20" fill="none" stroke="currentColor" '
        'stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round" {}>{}</svg>',
        f" {css}" if css else "",
        spoken,
        paths,
    )
