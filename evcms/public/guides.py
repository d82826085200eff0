"""What `docs/` says, as pages: guides for people, reference for those who connect something. Written in Markdown."""

import re
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
ENGLISH: Final = "en"  # drivers.md; another language is drivers.de.md
PICTURES: Final = "pictures/"
_MARKDOWN: Final = MarkdownIt("commonmark", {"html": False}).enable("table")
_COMMENTS: Final = re.compile(r"^<!--.*?-->\n", re.MULTILINE)
MANY_COLUMNS: Final = 5  # a table of more needs room for its words
WIDEST_PHONE: Final = 800  # pixels of a picture: a phone of 390 at twice its density


@dataclass(frozen=True)
class Page:
    """`language` is that of the text, whatever was asked for; `title` is the file's first heading; `sections` are
    (anchor, heading) of its second level; `html` is trusted: it comes from our own files, and raw HTML in them is
    shown as text.
    """

    name: str
    language: str
    title: str
    summary: str
    sections: tuple[tuple[str, str], ...]
    html: SafeString


def names() -> tuple[list[str], list[str]]:
    """Guides, and pages of reference."""
    return [name for name in GUIDES if _file(name).exists()], sorted(path.stem for path in DOCS.glob("*.md"))


def page(name: str, language: str = ENGLISH) -> Page | None:
    """In English where nobody has written it in `language`; None when there is no such file."""
    guides, reference = names()
    if name not in guides + reference:
        return None
    return _kept(name, language if _file(name, language).exists() else ENGLISH)


@cache
def _kept(name: str, language: str) -> Page:
    text = _file(name, language).read_text()
    return _rendered(name, text, language, () if language == ENGLISH else _anchors(name))


def _file(name: str, language: str = ENGLISH) -> Path:
    file = f"{name}.md" if language == ENGLISH else f"{name}.{language}.md"
    return DOCS / "guides" / file if name in GUIDES else DOCS / file


def _anchors(name: str) -> tuple[str, ...]:
    """Of each heading of the English text. They are those of every language: a way into a section arrives in all."""
    return tuple(slugify(words) for _token, words in _headings(_MARKDOWN.parse(_file(name).read_text())))


def _headings(tokens: list[Token]) -> list[tuple[Token, str]]:
    return [
        (token, tokens[place + 1].content.replace("`", ""))
        for place, token in enumerate(tokens)
        if token.type == "heading_open"
    ]


def _rendered(name: str, text: str, language: str = ENGLISH, anchors: tuple[str, ...] = ()) -> Page:
    """`anchors`: of the headings, in their order; without them each is made of the heading's own words."""
    tokens = _MARKDOWN.parse(_COMMENTS.sub("", text))  # what editors tell each other
    headings = _headings(tokens)
    own = [slugify(words) for _token, words in headings]
    ids = dict(zip(own, anchors or own, strict=True))
    for token, words in headings:
        token.attrSet("id", ids[slugify(words)])
    for token in tokens:
        for child in token.children or []:
            _point(child, ids)
    title = next((words for token, words in headings if token.tag == "h1"), name)
    sections = tuple((ids[slugify(words)], words) for token, words in headings if token.tag == "h2")
    html = _MARKDOWN.renderer.render(_in_frames(tokens), _MARKDOWN.options, {})
    html = html.replace("<pre>", '<pre tabindex="0">')  # long lines scroll: also by the keys
    return Page(name, language, title, _summary(tokens), sections, mark_safe(html))  # noqa: S308 - our own files


def _summary(tokens: list[Token]) -> str:
    """The first paragraph."""
    return next((tokens[place + 1].content for place, each in enumerate(tokens) if each.type == "paragraph_open"), "")


def _point(token: Token, ids: dict[str, str]) -> None:
    """Addresses of the files become addresses of the product; `ids`: what a heading's own words became."""
    if token.type == "image":
        source = str(token.attrGet("src") or "")
        if source.startswith(PICTURES):
            token.attrSet("src", static(f"guides/{source.removeprefix(PICTURES)}"))
            token.attrSet("loading", "lazy")
            _keep_room(token, DOCS / "guides" / source)
    elif token.type == "link_open":
        path, _hash, anchor = str(token.attrGet("href") or "").partition("#")
        if not path and anchor in ids:
            token.attrSet("href", f"#{ids[anchor]}")
        elif path.endswith(".md"):
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
    for place, token in enumerate(tokens):
        if token.type == "table_open":
            wide = " ev-guide-wide" if _columns(tokens[place:]) > MANY_COLUMNS else ""
            framed.append(_frame(f'<div class="ev-table-wrap{wide}" tabindex="0">'))
        framed.append(token)
        if token.type == "table_close":
            framed.append(_frame("</div>"))
    return framed


def _columns(table: list[Token]) -> int:
    end = next(place for place, token in enumerate(table) if token.type == "thead_close")
    return sum(token.type == "th_open" for token in table[:end])


def _frame(html: str) -> Token:
    return Token("html_block", "", 0, content=html)


def shelf(language: str) -> dict[str, Any]:
    """For the pages' contents: what is written in the reader's language comes first. Any: template context."""
    guides, reference = names()
    pages = [found for name in guides if (found := page(name, language))]
    return {
        "guides": sorted(pages, key=lambda each: each.language != language),
        "reference": [page(name) for name in reference],
        "language": language,
    }
