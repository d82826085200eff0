"""What every operator page's frame needs: menu, organizations."""

from typing import Any

from django.http import HttpRequest


def frame(request: HttpRequest) -> dict[str, Any]:
    """Any: template context."""
    return {"access": getattr(request, "access", None)}
