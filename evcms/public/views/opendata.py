"""Open data: static and dynamic GeoJSON, for anybody and from any page."""

from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.utils.http import http_date
from django.views.decorators.cache import cache_control
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import conditional_page, require_safe

from evcms.public import opendata


def _answer(body: bytes, changed: datetime) -> HttpResponse:
    answer = HttpResponse(body, content_type="application/geo+json")
    answer["Last-Modified"] = http_date(changed.timestamp())
    answer["Access-Control-Allow-Origin"] = "*"
    answer["Access-Control-Expose-Headers"] = "ETag, Last-Modified"
    return answer


@require_safe
@gzip_page
@conditional_page
@cache_control(public=True, max_age=60)
def stations(request: HttpRequest) -> HttpResponse:
    return _answer(*opendata.static())


@require_safe
@gzip_page
@conditional_page
@cache_control(public=True, no_cache=True)
def status(request: HttpRequest) -> HttpResponse:
    return _answer(*opendata.dynamic())
