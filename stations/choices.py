"""Stations and connectors as a person chooses them in a form: by name, with the identity beside it.

Several stations may bear one name, and the sticker of a workshop bears the identity.
"""

from typing import Any

from django import forms
from django.db.models import QuerySet, Value
from django.db.models.functions import Coalesce, Lower, NullIf

from .models import Connector, Station


def label(station: Station) -> str:
    """ "Winkelcentrum Meridiaan 6 · MH-MER-06"; the identity alone where there is no name."""
    return f"{station.name} · {station.identity}" if station.name else station.identity


def by_name(rows: QuerySet[Any]) -> QuerySet[Any]:
    """Stations in the order of what is read. Any: columns that were added to them."""
    return rows.order_by(*_read(""))


def by_station(rows: QuerySet[Any]) -> QuerySet[Any]:
    """Connectors, in the order of their stations. Any: see above."""
    return rows.order_by(*_read("station__"), "evse__number", "number")


def _read(path: str) -> tuple[Lower, str]:
    name, identity = f"{path}name", f"{path}identity"
    return Lower(Coalesce(NullIf(name, Value("")), identity)), identity


class StationChoice(forms.ModelChoiceField):
    """Named by `label`; its rows come in the order of `by_name`."""

    def label_from_instance(self, obj: Station) -> str:
        return label(obj)


class ConnectorChoice(forms.ModelChoiceField):
    """Named as everywhere, and the identity where the name leaves it out."""

    def label_from_instance(self, obj: Connector) -> str:
        return f"{obj} ({obj.station.identity})" if obj.station.name else str(obj)
