"""A form whose session had expired while it was open: the login leads back to its page, and says that it was not taken.

Where it was sent to often knows no GET; the page that it stood on does.
"""

from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.utils.http import url_has_allowed_host_and_scheme, urlencode

SAFE: Final = ("GET", "HEAD", "OPTIONS")
MARK: Final = "unsent"


def to_login(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """`response` to somebody without a session, unless it sends what he sent to the login."""
    login = resolve_url(settings.LOGIN_URL)
    if request.method in SAFE or request.path == login or not isinstance(response, HttpResponseRedirect):
        return response
    if urlsplit(response.url).path != login:
        return response
    said = {REDIRECT_FIELD_NAME: page_of(request), MARK: "1"}
    response["Location"] = f"{login}?{urlencode(said)}"
    return response


def page_of(request: HttpRequest) -> str:
    """The page of ours that the form stood on, by path and query; the first one where the browser does not say."""
    told = request.headers.get("HX-Current-URL") or request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(told, {request.get_host()}):
        return "/"
    parts = urlsplit(told)
    return parts.path + (f"?{parts.query}" if parts.query else "")
