"""Our operations by name, each with its fields: the one description behind the dashboard's forms and the REST API."""

from collections.abc import Mapping
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from stations import commands

from . import everyday, paying, power, upkeep
from .everyday import TRIGGERS
from .fields import LARGEST, OURS_FROM, Field, FieldType, Operation, Text, Values, clean

__all__ = [
    "LARGEST",
    "OPERATIONS",
    "OURS_FROM",
    "TRIGGERS",
    "Field",
    "FieldType",
    "Operation",
    "Text",
    "Values",
    "build",
    "clean",
]

OPERATIONS: Final[dict[str, Operation]] = {
    one.name: one for one in (*everyday.ALL, *power.ALL, *paying.ALL, *upkeep.ALL)
}


def build(name: str, params: Mapping[str, Any]) -> commands.Command:
    """The command of an operation by name. Raises ValidationError for an unknown name or bad values."""
    if name not in OPERATIONS:
        text = _("There is no operation %(name)s; there are: %(all)s.")
        raise ValidationError({"operation": [text % {"name": str(name)[:40], "all": ", ".join(OPERATIONS)}]})
    return OPERATIONS[name].build(params)
