"""What `docs/` says, as pages: guides for people, reference for those who connect something. Written in Markdown."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.templatetags.static import static
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import slugify
from markdown_it import MarkdownIt
from markdown_it.token import Token
from PIL import Image

DOCS: Final = Path(settings.BASE_DIR) / "docs"
GUIDES: Final = ("operators", "technicians", "finance", "drivers")  # docs/guides, in this order
PICTURES: Final = "pictures/"
WIDEST_PHONE: Final = 800  # pixels of a picture: a phone of 390 at twice its density


@dataclass(frozen=True)
class Page:
    """`title` is the file's first heading; `sections` are (anchor, heading) of its second level; `html` is trusted:
    it comes from our own files, and raw HTML in them is shown as text.
    """

    name: str
    title: str
    summary: str
    sections: tuple[tuple[str, str], ...]
    html: SafeString


def names() -> tuple[list[str], list[str]]:
    """Guides, and pages of reference."""
    return [name for name in GUIDES if _file(name).exists()], sorted(path.stem for path in DOCS.glob("*.md"))


@cache
def page(name: str) -> Page | None:
    """None when there is no such file."""
    guides, reference = names()
    return _rendered(name, _file(name).read_text()) if name in guides + reference else None


def _file(name: str) -> Path:
    return DOCS / "guides" / f"{name}.md" if name in GUIDES else DOCS / f"{name}.md"


def _rendered(name: str, text: str) -> Page:
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown.parse(text)
    title, summary, sections = name, "", []
    for place, token in enumerate(tokens):
        if token.type == "heading_open":
            words = tokens[place + 1].content.replace("`", "")
            token.attrSet("id", slugify(words))
            title = words if token.tag == "h1" else title
            sections += [(slugify(words), words)] if token.tag == "h2" else []
        elif token.type == "paragraph_open" and not summary:
            summary = tokens[place + 1].content
        elif token.type == "inline":
            for child in token.children or []:
                _point(child)
    html = markdown.renderer.render(_in_frames(tokens), markdown.options, {})
    html = html.replace("<pre>", '<pre tabindex="0">')  # long lines scroll: also by the keys
    return Page(name, title, summary, tuple(sections), mark_safe(html))  # noqa: S308 - our own files


def _point(token: Token) -> None:
    """Addresses of the files become addresses of the product."""
    if token.type == "image":
        source = str(token.attrGet("src") or "")
        if source.startswith(PICTURES):
            token.attrSet("src", static(f"guides/{source.removeprefix(PICTURES)}"))
            token.attrSet("loading", "lazy")
            _keep_room(token, DOCS / "guides" / source)
    elif token.type == "link_open":
        path, _hash, anchor = str(token.attrGet("href") or "").partition("#")
        if path.endswith(".md"):
            token.attrSet("href", reverse("public:guide", args=[Path(path).stem]) + (f"#{anchor}" if anchor else ""))


def _keep_room(token: Token, path: Path) -> None:
    """The text does not jump when a picture comes; pictures of a phone are drawn in its size."""
    if not path.exists():
        return
    with Image.open(path) as picture:
        width, height = picture.size
    token.attrSet("width", str(width))
    token.attrSet("height", str(height))
    if height > width or width < WIDEST_PHONE:
        token.attrSet("class", "ev-guide-phone")


def _in_frames(tokens: list[Token]) -> list[Token]:
    """Wide tables scroll in a frame of their own, not the page."""
    framed: list[Token] = []
    for token in tokens:
        if token.type == "table_open":
            framed.append(_frame('<div class="ev-table-wrap" tabindex="0">'))
        framed.append(token)
        if token.type == "table_close":
            framed.append(_frame("</div>"))
    return framed


def _frame(html: str) -> Token:
    return Token("html_block", "", 0, content=html)


def shelf() -> dict[str, Any]:
    """For the pages' contents. Any: template context."""
    guides, reference = names()
    return {"guides": [page(name) for name in guides], "reference": [page(name) for name in reference]}
