"""Every refusal is JSON with a sentence; our own ValidationError becomes a 400 (or 409), never a 500.

Shape: `{"detail": "one text"}`, or `{"field": ["a text", …], …}`, or both.
"""

from collections.abc import Iterator
from typing import Any

from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views import defaults
from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.views import exception_handler

WHOLE = ("detail", "non_field_errors", "__all__")  # what is wrong with the request as a whole
CONFLICT = "conflict"  # code of a ValidationError: nothing is wrong with the request, but not now


class Conflict(exceptions.APIException):
    status_code = status.HTTP_409_CONFLICT


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """Any: DRF's context."""
    if isinstance(error, Http404):
        error = exceptions.NotFound()  # Django's own words name our classes
    if isinstance(error, ValidationError):
        error = _ours(error)
    response = exception_handler(error, context)
    if response is not None:
        response.data = plain(response.data)
    return response


def _ours(error: ValidationError) -> exceptions.APIException:
    if hasattr(error, "error_dict"):
        return exceptions.ValidationError(error.message_dict)
    if getattr(error, "code", None) == CONFLICT:
        return Conflict(" ".join(error.messages))
    return exceptions.ValidationError({"detail": error.messages})


def plain(data: Any) -> dict[str, Any]:
    """`detail` is one text, each field a list of texts. Any: DRF's error data."""
    fields = data if isinstance(data, dict) else {"detail": data}
    whole = [text for name in WHOLE if name in fields for text in _texts(fields[name])]
    said: dict[str, Any] = {"detail": " ".join(whole)} if whole else {}
    return said | {str(name): list(_texts(value)) for name, value in fields.items() if name not in WHOLE}


def _texts(value: Any, where: str = "") -> Iterator[str]:
    """The sentences of a nested error; those about one of several things say which. Any: DRF's error data."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _texts(inner, where if name in WHOLE else f"{where}{_label(name)}: ")
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            yield from _texts(inner, f"{where}{_label(number)}: " if isinstance(inner, dict) else where)
    else:
        yield f"{where}{value}"


def _label(name: str | int) -> str:
    """A field's name, or a position in a list, counted from 1."""
    return _("Number %d") % (name + 1) if isinstance(name, int) else name


def server_error(request: HttpRequest) -> HttpResponse:
    """What is left when our code broke: under /api/ that is JSON too."""
    if not request.path_info.startswith("/api/"):
        return defaults.server_error(request)
    return JsonResponse({"detail": _("Something broke on our side. It is logged; please try again.")}, status=500)
