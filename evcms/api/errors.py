"""Every refusal is JSON with a sentence; our own ValidationError becomes a 400, never a 500."""

from typing import Any

from django.core.exceptions import ValidationError
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """Any: DRF's context. Shape: `{"detail": "…"}` or `{"field": ["…"]}`."""
    if isinstance(error, ValidationError):
        error = exceptions.ValidationError(
            error.message_dict if hasattr(error, "error_dict") else {"detail": error.messages}
        )
    return exception_handler(error, context)
