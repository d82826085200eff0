"""The guides and the reference of `docs/`, for everybody."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language
from django.views.decorators.http import require_GET

from evcms.public import guides, status


@require_GET
def shelf(request: HttpRequest) -> HttpResponse:
    brand, _status_url = status.house()
    return render(request, "public/guides.html", guides.shelf(_language()) | {"brand": brand})


@require_GET
def guide(request: HttpRequest, name: str) -> HttpResponse:
    found = guides.page(name, _language())
    if found is None:
        raise Http404
    brand, _status_url = status.house()
    return render(request, "public/guide.html", {"page": found, "brand": brand})


def _language() -> str:
    return get_language() or guides.ENGLISH
