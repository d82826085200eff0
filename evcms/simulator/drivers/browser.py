"""A phone's browser without a screen: cookies, redirects, forms. Enough to pay like a person does, over real HTTP."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookiejar import CookieJar
from urllib.error import HTTPError
from urllib.parse import urlencode, urljoin
from urllib.request import HTTPCookieProcessor, ProxyHandler, Request, build_opener


@dataclass
class Form:
    """One form: its fields with the values it came with; `buttons` are named submit buttons."""

    action: str
    method: str
    id: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Page:
    url: str
    status: int
    text: str
    forms: tuple[Form, ...]


class _Forms(HTMLParser):
    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url
        self.forms: list[Form] = []
        self._open: Form | None = None
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            action = urljoin(self.url, values.get("action", ""))
            self._open = Form(action, values.get("method", "get").lower(), values.get("id", ""))
            self.forms.append(self._open)
        elif self._open is not None:
            self._control(self._open, tag, values)

    def _control(self, form: Form, tag: str, values: dict[str, str]) -> None:
        name, kind = values.get("name", ""), values.get("type", "")
        if tag == "button" or (tag == "input" and kind == "submit"):
            if name:
                form.buttons.append((name, values.get("value", "")))
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select:
            if self._select not in form.fields or "selected" in values:
                form.fields[self._select] = values.get("value", "")
        elif name and tag == "input" and (kind not in ("checkbox", "radio") or "checked" in values):
            form.fields[name] = values.get("value", "")
        elif name and tag == "textarea":
            form.fields[name] = ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None
        elif tag == "select":
            self._select = ""


class Browser:
    """One person's session. Blocking requests run in threads; proxies of the environment are ignored."""

    def __init__(self, timeout: float = 30) -> None:
        self.timeout = timeout
        self._opener = build_opener(HTTPCookieProcessor(CookieJar()), ProxyHandler({}))
        self._opener.addheaders = [("User-Agent", "evcms-simulator"), ("Accept", "text/html")]

    async def get(self, url: str) -> Page:
        return await asyncio.to_thread(self._open, Request(url))

    async def submit(
        self, page: Page, form: Form, values: dict[str, str] | None = None, button: tuple[str, str] | None = None
    ) -> Page:
        """Fill the form's own fields with `values` (unknown names are left out) and send it."""
        given = {name: (values or {}).get(name, value) for name, value in form.fields.items()}
        if button is not None:
            given[button[0]] = button[1]
        body = urlencode(given)
        if form.method == "get":
            return await self.get(f"{form.action}?{body}")
        request = Request(form.action, body.encode(), {"Referer": page.url})
        return await asyncio.to_thread(self._open, request)

    def _open(self, request: Request) -> Page:
        try:
            with self._opener.open(request, timeout=self.timeout) as response:
                return _page(response.url, response.status, response.read())
        except HTTPError as error:
            return _page(error.url or request.full_url, error.code, error.read())


def _page(url: str, status: int, content: bytes) -> Page:
    text = content.decode("utf-8", "replace")
    parser = _Forms(url)
    parser.feed(text)
    return Page(url, status, text, tuple(parser.forms))
